use proptest::prelude::*;

use super::*;

/// The line that stands in the documentation.
const WHOLE: &str =
    "seed=7,duplicate=5%,reorder=10%,throttle=5%,error=2%,delay=0-200ms,lost-response=1%,partial=5%,s3-error=5%";

fn rate(per_million: u32) -> Rate {
    Rate { per_million }
}

#[test]
fn every_fault_is_read_into_its_field() {
    let expected = Chaos {
        seed: 7,
        duplicate: rate(50_000),
        reorder: rate(100_000),
        throttle: rate(50_000),
        error: rate(20_000),
        delay: Delay { least: 0, most: 200 },
        lost_response: rate(10_000),
        partial: rate(50_000),
        s3_error: rate(50_000),
    };
    assert_eq!(WHOLE.parse(), Ok(expected));
    assert_eq!(expected.to_string(), WHOLE);
}

#[test]
fn the_order_is_free_and_what_is_not_named_does_not_happen() {
    let expected = Chaos { error: rate(12_500), ..Chaos::default() };
    assert_eq!("error=1.25%".parse(), Ok(expected));
    assert_eq!("error=1.25%,seed=0,throttle=0%".parse(), Ok(expected));
    assert_eq!(expected.to_string(), "seed=0,error=1.25%");
}

#[test]
fn percentages_are_kept_exactly_to_four_decimals() {
    for (text, per_million) in
        [("0%", 0), ("0.0001%", 1), ("00.1%", 1000), ("99.9999%", 999_999), ("100.0000%", 1_000_000)]
    {
        assert_eq!(format!("error={text}").parse::<Chaos>().map(|chaos| chaos.error), Ok(rate(per_million)), "{text}");
    }
}

#[test]
fn what_is_wrong_is_named_with_what_is_allowed() {
    let message = |text: &str| text.parse::<Chaos>().expect_err(text).to_string();
    assert_eq!(message(""), r#""" is not of the form key=value"#);
    assert_eq!(message("seed=7,"), r#""" is not of the form key=value"#);
    assert_eq!(message("seed"), r#""seed" is not of the form key=value"#);
    assert_eq!(message("error=1%,error=1%"), "error is given twice");
    assert_eq!(
        message("errors=1%"),
        r#"there is no "errors", only seed, duplicate, reorder, throttle, error, delay, lost-response, partial, s3-error"#
    );
    assert_eq!(
        message("partial=5"),
        "partial=5 is not possible: partial is a percentage from 0% to 100% with at most four decimals, such as 2.5%"
    );
    assert_eq!(
        message("delay=5ms"),
        "delay=5ms is not possible: delay is a range of whole milliseconds up to 60000, such as 0-200ms"
    );
}

#[test]
fn values_out_of_range_or_of_another_form_are_refused() {
    for text in [
        "error=100.0001%",
        "error=101%",
        "error=-1%",
        "error=+1%",
        "error=1.%",
        "error=.5%",
        "error=1.00001%",
        "error=1e1%",
        "error= 1%",
        "error=%",
        "error=4294967296%",
        "seed=-1",
        "seed=+1",
        "seed=18446744073709551616",
        "seed=",
        "delay=200-100ms",
        "delay=0-60001ms",
        "delay=0-1s",
        "delay=0-200",
        "delay=-200ms",
        " seed=7",
        "SEED=7",
    ] {
        assert!(text.parse::<Chaos>().is_err(), "{text}");
    }
}

prop_compose! {
    fn chaos()(seed: u64, rates in prop::array::uniform7(0..=1_000_000_u32), delay in (0..=60_000_u32, 0..=60_000_u32)) -> Chaos {
        let [duplicate, reorder, throttle, error, lost_response, partial, s3_error] = rates.map(rate);
        let delay = Delay { least: delay.0.min(delay.1), most: delay.0.max(delay.1) };
        Chaos { seed, duplicate, reorder, throttle, error, delay, lost_response, partial, s3_error }
    }
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(chaos in chaos()) {
        prop_assert_eq!(chaos.to_string().parse(), Ok(chaos));
    }

    #[test]
    fn no_text_makes_the_parser_panic_and_what_it_takes_is_stable(text in "(seed|error|delay|x)=[0-9.%ms,=-]{0,12}") {
        if let Ok(chaos) = text.parse::<Chaos>() {
            prop_assert_eq!(chaos.to_string().parse(), Ok(chaos));
        }
    }
}
