use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

fn reads(json: &str) -> v1::ComputeRequest {
    request_from_json(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn refusal(json: &str) -> WireError {
    request_from_json(json).expect_err(json)
}

fn statistics() -> v1::Statistics {
    v1::Statistics {
        count: 5,
        min: 2,
        max: 2452,
        median: 5.0,
        mean: 499.6,
        sum: "2498".into(),
        variance: 953_114.64,
        std_dev: 976.275_903_625_609_3,
        quantiles: vec![v1::Quantile { probability: 0.5, value: 5.0 }],
        histogram: Some(v1::Histogram { edges: vec![2.0, 1227.0, 2452.0], counts: vec![4, 1] }),
    }
}

#[test]
fn a_request_has_the_documented_form() {
    let request = v1::ComputeRequest {
        values: vec![4, 5, 2, 35, 2452],
        quantiles: vec![0.0, 0.25, 1.0],
        histogram: Some(v1::HistogramOptions { bins: 10 }),
        finish_late: true,
        ..Default::default()
    };
    let json = r#"{"values":[4,5,2,35,2452],"quantiles":[0,0.25,1],"histogram":{"bins":10},"finish_late":true}"#;
    assert_eq!(request_to_json(&request), json);
    assert_eq!(reads(json), request);
}

#[test]
fn fields_at_their_default_are_left_out_but_values() {
    assert_eq!(request_to_json(&v1::ComputeRequest::default()), r#"{"values":[]}"#);
    assert_eq!(reads("{}"), v1::ComputeRequest::default());
    let nulls = r#"{"values":null,"quantiles":null,"histogram":null,"finish_late":null}"#;
    assert_eq!(reads(nulls), v1::ComputeRequest::default());
}

#[test]
fn one_integer_beyond_2_to_the_53_turns_all_of_the_body_into_strings() {
    let with = |value| v1::ComputeRequest {
        values: vec![1, value],
        histogram: Some(v1::HistogramOptions { bins: 3 }),
        ..Default::default()
    };
    for value in [(1 << 53) - 1, -((1 << 53) - 1)] {
        assert_eq!(request_to_json(&with(value)), format!(r#"{{"values":[1,{value}],"histogram":{{"bins":3}}}}"#));
    }
    for value in [1 << 53, -(1 << 53), i64::MIN, i64::MAX] {
        let json = request_to_json(&with(value));
        assert_eq!(json, format!(r#"{{"values":["1","{value}"],"histogram":{{"bins":"3"}}}}"#));
        assert_eq!(reads(&json), with(value));
    }
}

#[test]
fn statistics_have_the_documented_form() {
    let json = concat!(
        r#"{"count":5,"min":2,"max":2452,"median":5,"mean":499.6,"sum":"2498","variance":953114.64,"#,
        r#""std_dev":976.2759036256093,"quantiles":[{"probability":0.5,"value":5}],"#,
        r#""histogram":{"edges":[2,1227,2452],"counts":[4,1]}}"#
    );
    assert_eq!(statistics_to_json(&statistics()), json);
    assert_eq!(statistics_from_json(json), Ok(statistics()));
}

#[test]
fn a_minimum_beyond_2_to_the_53_turns_counts_into_strings_but_no_double() {
    let large = v1::Statistics { min: i64::MIN, ..statistics() };
    let json = statistics_to_json(&large);
    assert!(json.starts_with(r#"{"count":"5","min":"-9223372036854775808","max":"2452","median":5,"#), "{json}");
    assert!(json.ends_with(r#""edges":[2,1227,2452],"counts":["4","1"]}}"#), "{json}");
    assert_eq!(statistics_from_json(&json), Ok(large));
}

#[test]
fn integers_are_read_from_numbers_and_strings_mixed() {
    let json = r#" { "values" : [ -1, "2", "-9223372036854775808", 9223372036854775807, -0, "-0", "\u0035" ] } "#;
    assert_eq!(reads(json).values, [-1, 2, i64::MIN, i64::MAX, 0, 0, 5]);
}

#[test]
fn unknown_fields_are_ignored_whatever_they_hold() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let json = format!(r#"{{"new":{deep},"values":[1],"new":{{"a":[1,2]}},"histogram":{{"bins":2,"log":true}}}}"#);
    assert_eq!(reads(&json).values, [1]);
    assert_eq!(reads(&json).histogram, Some(v1::HistogramOptions { bins: 2 }));
}

#[test]
fn whole_doubles_have_no_point_zero_and_large_ones_an_exponent() {
    let quantiles = vec![1.0, -0.0, 9_007_199_254_740_994.0, 1e15, 1e16, 1e300, 5e-324, -3.0];
    let request = v1::ComputeRequest { quantiles, ..Default::default() };
    let json = request_to_json(&request);
    assert_eq!(json, r#"{"values":[],"quantiles":[1,-0.0,9007199254740994,1000000000000000,1e+16,1e+300,5e-324,-3]}"#);
    assert!(reads(&json).quantiles[1].is_sign_negative());
}

#[test]
fn what_is_no_integer_is_refused_by_name() {
    for (given, shown) in [
        (r#""x""#, r#""x""#),
        ("5.0", "5.0"),
        ("5e0", "5.0"),
        ("9223372036854775808", "9223372036854775808"),
        ("-9223372036854775809", "-9.223372036854776e18"),
        (r#""9223372036854775808""#, r#""9223372036854775808""#),
        (r#""+5""#, r#""+5""#),
        (r#""05""#, r#""05""#),
        (r#"" 5""#, r#"" 5""#),
        (r#""5.0""#, r#""5.0""#),
        (r#""-""#, r#""-""#),
        (r#""""#, r#""""#),
    ] {
        let error = refusal(&format!(r#"{{"values":[1,2,3,{given}]}}"#));
        assert_eq!(error.field(), Some("values[3]"), "{given}");
        let reason = format!("values[3]: {shown} is not an integer from -9223372036854775808 to 9223372036854775807");
        assert_eq!(error.to_string(), reason);
    }
}

#[test]
fn a_wrong_type_is_refused_by_name() {
    for (json, field) in [
        (r#"{"values":5}"#, "values"),
        (r#"{"values":{"0":1}}"#, "values"),
        (r#"{"values":[1,null]}"#, "values[1]"),
        (r#"{"values":[true]}"#, "values[0]"),
        (r#"{"values":[1,[2]]}"#, "values[1]"),
        (r#"{"values":[1,{"a":2}]}"#, "values[1]"),
        (r#"{"quantiles":[0.5,"0.5"]}"#, "quantiles[1]"),
        (r#"{"quantiles":["NaN"]}"#, "quantiles[0]"),
        (r#"{"quantiles":["Infinity"]}"#, "quantiles[0]"),
        (r#"{"quantiles":0.5}"#, "quantiles"),
        (r#"{"histogram":10}"#, "histogram"),
        (r#"{"histogram":[10]}"#, "histogram"),
        (r#"{"histogram":{"bins":-1}}"#, "histogram.bins"),
        (r#"{"histogram":{"bins":4294967296}}"#, "histogram.bins"),
        (r#"{"histogram":{"bins":1,"bins":1}}"#, "histogram"),
        (r#"{"finish_late":1}"#, "finish_late"),
        (r#"{"finish_late":"true"}"#, "finish_late"),
    ] {
        assert_eq!(refusal(json).field(), Some(field), "{json}");
    }
}

#[test]
fn what_is_no_object_with_each_field_once_is_refused_as_a_body() {
    let deep = "[".repeat(1_000_000);
    for json in ["5", "null", "[[1,2,3]]", r#""{}""#, r#"{"values":[1],"values":[2]}"#, &deep] {
        assert!(matches!(refusal(json), WireError::Body { .. }), "{json:.40}");
    }
    for json in ["", "{", "{}{}", "{'values':[]}", r#"{"values":[1,]}"#, r#"{"values":[01]}"#, "\u{feff}{}", "{1:2}"] {
        assert!(matches!(refusal(json), WireError::Syntax { .. }), "{json}");
    }
    assert!(matches!(refusal(r#"{"quantiles":[1e999]}"#), WireError::Syntax { .. }));
}

#[test]
fn a_reason_never_quotes_a_long_text_whole() {
    let long = "é".repeat(1_000_000);
    for json in [format!(r#"{{"values":["{long}"]}}"#), format!(r#"{{"quantiles":["{long}"]}}"#)] {
        let error = refusal(&json).to_string();
        assert!(error.len() < 500, "{} bytes", error.len());
    }
}

#[test]
fn statistics_without_a_field_or_with_edges_that_do_not_fit_are_refused() {
    let json = statistics_to_json(&statistics());
    for field in ["count", "min", "max", "median", "mean", "sum", "variance", "std_dev"] {
        let without = json.replacen(&format!(r#""{field}":"#), r#""other":"#, 1);
        let error = statistics_from_json(&without).expect_err("refused");
        assert_eq!(error.to_string(), format!("missing field `{field}`"));
    }
    for histogram in [r#"{"edges":[1,2],"counts":[4,1]}"#, r#"{"edges":[1],"counts":[]}"#, r#"{"edges":[1,2]}"#, "[]"] {
        let wrong =
            format!(r#"{},"histogram":{histogram}}}"#, json.split(r#","histogram""#).next().expect("has a first part"));
        assert_eq!(statistics_from_json(&wrong).expect_err("refused").field(), Some("histogram"), "{histogram}");
    }
    let wrong = json.replace(r#""value":5"#, r#""value":"5""#);
    assert_eq!(statistics_from_json(&wrong).expect_err("refused").field(), Some("quantiles[0].value"));
}

#[test]
fn a_sum_is_an_integer_of_any_sign_and_is_read_from_a_number_as_well() {
    let with = |sum| statistics_to_json(&statistics()).replace(r#""2498""#, sum);
    for (written, read) in [(r#""-12345678901234567890123456""#, "-12345678901234567890123456"), ("2498", "2498")] {
        assert_eq!(statistics_from_json(&with(written)).expect("accepted").sum, read);
    }
    for wrong in ["24.5", r#""""#, r#""1e3""#, "null", "18446744073709551616"] {
        assert_eq!(statistics_from_json(&with(wrong)).expect_err("refused").field(), Some("sum"), "{wrong}");
    }
}

prop_compose! {
    fn any_request()(
        values in vec(prop_oneof![any::<i64>(), -100..100_i64], 0..50),
        quantiles in vec(any_double(), 0..10),
        bins in option::of(any::<u32>()),
        finish_late in any::<bool>(),
    ) -> v1::ComputeRequest {
        let histogram = bins.map(|bins| v1::HistogramOptions { bins });
        v1::ComputeRequest { values, quantiles, histogram, finish_late, operation_id: String::new() }
    }
}

prop_compose! {
    fn any_statistics()(
        (count, min, max) in any::<(u64, i64, i64)>(),
        sum in any::<i128>(),
        doubles in [any_double(), any_double(), any_double(), any_double()],
        quantiles in vec((any_double(), any_double()), 0..10),
        bins in vec((any_double(), any::<u64>()), 0..10),
        last_edge in any_double(),
    ) -> v1::Statistics {
        let [median, mean, variance, std_dev] = doubles;
        let quantiles = quantiles.into_iter().map(|(probability, value)| v1::Quantile { probability, value }).collect();
        let histogram = (!bins.is_empty()).then(|| {
            let (mut edges, counts): (Vec<_>, _) = bins.into_iter().unzip();
            edges.push(last_edge);
            v1::Histogram { edges, counts }
        });
        let sum = sum.to_string();
        v1::Statistics { count, min, max, median, mean, sum, variance, std_dev, quantiles, histogram }
    }
}

/// Any double but NaN and the infinities, of any magnitude alike.
fn any_double() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |double| double.is_finite()),
        (-1_000_000..1_000_000_i64).prop_map(|whole| whole as f64),
        0.0..=1.0,
    ]
}

/// Texts that are almost bodies: pieces of JSON in any order.
fn almost_json() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "values",
        "\"values\":[",
        "\"histogram\":{\"bins\":",
        "\"count\":",
        "1",
        "-",
        "0",
        "e5",
        ".5",
        "null",
        "true",
        "NaN",
        "\"9223372036854775807\"",
        "99999999999999999999",
        "\\u12",
        "\u{1F600}",
        " ",
        "\n",
    ];
    vec(proptest::sample::select(PIECES), 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_request_reads_back_as_it_was_written(request in any_request()) {
        let json = request_to_json(&request);
        let read = request_from_json(&json).map_err(|error| TestCaseError::fail(format!("{json}: {error}")))?;
        // Bits, because -0 equals 0.
        let bits = |request: &v1::ComputeRequest| request.quantiles.iter().map(|p| p.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&read), bits(&request));
        prop_assert_eq!(read, request);
    }

    #[test]
    fn statistics_read_back_as_they_were_written(statistics in any_statistics()) {
        let json = statistics_to_json(&statistics);
        let read = statistics_from_json(&json).map_err(|error| TestCaseError::fail(format!("{json}: {error}")))?;
        prop_assert_eq!(read, statistics);
    }

    #[test]
    fn what_is_written_holds_no_number_that_a_reader_of_doubles_gets_wrong(request in any_request()) {
        let json: serde_json::Value = serde_json::from_str(&request_to_json(&request)).expect("is JSON");
        let values = json["values"].as_array().expect("is an array");
        let numbers = values.iter().filter(|value| value.is_number()).count();
        prop_assert!(numbers == 0 || numbers == values.len());
        prop_assert!(values.iter().filter_map(serde_json::Value::as_i64).all(|n| n.unsigned_abs() < 1 << 53));
    }

    #[test]
    fn no_text_panics(text in prop_oneof![any::<String>(), almost_json()]) {
        let _ = request_from_json(&text);
        let _ = statistics_from_json(&text);
        let _ = serde_json::from_str::<Integers>(&text);
    }
}
