//! Which content coding a browser likes best: `Accept-Encoding`, RFC 9110, section 12.5.3.

use http::{HeaderMap, header};

/// A form in which a file is ready. The smaller come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Gzip,
    Identity,
}

impl Coding {
    /// The one with the highest weight in the request, and of equal ones the smallest. The plain form if none is listed; also
    /// if none is accepted, since an answer serves better than none.
    pub(super) fn preferred(request: &HeaderMap) -> Self {
        let listed = Listed::of(request);
        // What is not listed is refused, but for the plain form, which then comes last.
        let weighted = [
            (Self::Brotli, listed.weight(&["br"]).unwrap_or(0)),
            (Self::Gzip, listed.weight(&["gzip", "x-gzip"]).unwrap_or(0)),
            (Self::Identity, listed.weight(&["identity"]).unwrap_or(1)),
        ];
        let (best, _) = weighted.into_iter().rev().max_by_key(|(_, weight)| *weight).expect("three of them");
        if weighted.iter().all(|(_, weight)| *weight == 0) { Self::Identity } else { best }
    }

    /// Its name in `Content-Encoding`, where the plain form has none.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }
}

/// The codings of a request with their weights in thousandths.
struct Listed<'a>(Vec<(&'a str, u16)>);

impl<'a> Listed<'a> {
    /// An entry that is not well-formed is left out.
    fn of(request: &'a HeaderMap) -> Self {
        let values = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        Self(values.flat_map(|value| value.split(',')).filter_map(entry).collect())
    }

    /// The weight of a coding, under any of its names, or that of all that are not named.
    fn weight(&self, names: &[&str]) -> Option<u16> {
        let find = |name: &str| self.0.iter().find(|(listed, _)| listed.eq_ignore_ascii_case(name));
        names.iter().find_map(|name| find(name)).or_else(|| find("*")).map(|(_, weight)| *weight)
    }
}

/// `gzip` or `gzip;q=0.5`.
fn entry(text: &str) -> Option<(&str, u16)> {
    match text.split_once(';') {
        None => Some((text.trim(), 1_000)),
        Some((name, parameter)) => {
            let (key, value) = parameter.split_once('=')?;
            key.trim().eq_ignore_ascii_case("q").then_some(())?;
            Some((name.trim(), thousandths(value.trim())?))
        }
    }
}

/// Reads a weight from 0 to 1 with up to three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_well_formed =
        matches!(whole, "0" | "1") && decimals.len() <= 3 && decimals.bytes().all(|c| c.is_ascii_digit());
    let weight = format!("{whole}{decimals:0<3}").parse().ok()?;
    (is_well_formed && weight <= 1_000).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn preferred(accept_encoding: &[&'static str]) -> Coding {
        let values = accept_encoding.iter().map(|value| (header::ACCEPT_ENCODING, HeaderValue::from_static(value)));
        Coding::preferred(&values.collect())
    }

    #[test]
    fn the_smallest_of_the_codings_a_browser_likes_best_is_chosen() {
        use Coding::{Brotli, Gzip, Identity};
        for (accept_encoding, expected) in [
            ("gzip, deflate, br, zstd", Brotli),
            ("gzip, deflate", Gzip),
            ("x-gzip", Gzip),
            ("GZip", Gzip),
            ("deflate", Identity),
            ("", Identity),
            ("*", Brotli),
            ("*;q=0.2", Brotli),
            ("br;q=0.5, gzip;q=0.8", Gzip),
            ("br;q=0, *", Gzip),
            ("gzip;q=0.5, identity", Identity),
            ("gzip;q=0.001", Gzip),
            ("gzip ; q=0.50 , br;Q=0.499", Gzip),
            ("identity;q=0, gzip;q=0.1", Gzip),
        ] {
            assert_eq!(preferred(&[accept_encoding]), expected, "{accept_encoding:?}");
        }
        assert_eq!(preferred(&["deflate", "gzip"]), Gzip, "several lines are one list");
    }

    #[test]
    fn without_a_coding_that_is_accepted_the_plain_form_is_sent() {
        assert_eq!(preferred(&[]), Coding::Identity);
        for accept_encoding in ["*;q=0", "identity;q=0", "br;q=0, gzip;q=0, identity;q=0"] {
            assert_eq!(preferred(&[accept_encoding]), Coding::Identity, "{accept_encoding}");
        }
    }

    #[test]
    fn an_entry_that_is_not_well_formed_counts_for_nothing() {
        for accept_encoding in
            ["br;q=2", "br;q=1.001", "br;q=0.0001", "br;q=-1", "br;q=", "br;level=1", "br;q=0.x", "br;"]
        {
            assert_eq!(preferred(&[accept_encoding]), Coding::Identity, "{accept_encoding}");
        }
    }
}
