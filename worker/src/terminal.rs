//! What commands for people print: nothing in it is an order to a terminal.

use std::borrow::Cow;

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// Stands for what is not there.
pub(crate) const ABSENT: &str = "-";

/// RFC 3339 in UTC, always to the millisecond, so that columns stay straight.
const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// A time in Unix milliseconds.
pub(crate) fn time(unix_ms: Option<i64>) -> String {
    unix_ms
        .and_then(|ms| OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok())
        .and_then(|time| time.format(TIME).ok())
        .unwrap_or_else(|| ABSENT.to_owned())
}

/// The text with everything escaped that a terminal would obey.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |character| character.escape_default().to_string())
}

/// The first `most` characters of the text, printable, with an ellipsis if there are more.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", printable(&text[..end])),
        None => printable(text).into_owned(),
    }
}

/// JSON that means the same, with the characters escaped that JSON allows in strings and a terminal would obey.
pub(crate) fn printable_json(json: &str) -> Cow<'_, str> {
    // All of them stand in strings, and none is beyond U+FFFF.
    escaped(json, |character| format!("\\u{:04x}", u32::from(character)))
}

fn escaped(text: &str, escape: impl Fn(char) -> String) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let escape_some = |character| if is_obeyed(character) { escape(character) } else { character.to_string() };
    Cow::Owned(text.chars().map(escape_some).collect())
}

/// Whether a terminal acts on the character instead of showing it: control characters, and those without a width that change
/// the direction or the look of their neighbours.
fn is_obeyed(character: char) -> bool {
    let is_invisible =
        matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    character.is_control() || is_invisible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(printable("a\u{9b}31mb\r\nc"), r"a\u{9b}31mb\r\nc");
        assert_eq!(printable("4\u{202e}321"), r"4\u{202e}321");
        assert_eq!(printable("Größe: 5 €"), "Größe: 5 €");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let text = "a\u{9b}31m\u{7f}\u{202e} €";
        let json = serde_json::to_string(text).expect("a string");
        let printable = printable_json(&json);
        assert_eq!(printable, r#""a\u009b31m\u007f\u202e €""#);
        assert_eq!(serde_json::from_str::<String>(&printable).expect("still JSON"), text);
    }

    #[test]
    fn long_texts_are_shortened_between_characters() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 3), "äöü…");
        assert_eq!(shortened("\n\n", 1), r"\n…");
    }

    #[test]
    fn times_are_readable_and_impossible_ones_absent() {
        assert_eq!(time(Some(1_750_765_589_480)), "2025-06-24T11:46:29.480Z");
        assert_eq!([time(None), time(Some(i64::MAX))], [ABSENT, ABSENT]);
    }
}
