//! Where an object's file lies: the mapping between a key and a path below its bucket's folder.
//!
//! A key's `/`-separated segments become folders and a file, under their own names wherever a file system can hold them.
//! The exceptions all use `%`, which is itself escaped, so that each file name belongs to exactly one key:
//!
//! | in the key | in the path |
//! | --- | --- |
//! | `%`, a control character | `%XX`, its byte in hexadecimal |
//! | a segment `.` or `..` | `%2E`, `%2E.` |
//! | an empty segment (`a//b`, `a/`, `/a`) | `%` |
//! | a segment too long for a file name | folders ending in `%+`, each continued by what lies in it |
//! | `a`, when `a/b` is a key too | `a%`: the object is set aside, since `a` is a folder |
//!
//! File systems that ignore case (macOS, Windows) keep keys apart only if they differ in more than case.

use std::path::{Component, Path, PathBuf};

/// Longest piece of a file name before a suffix is added, in bytes; file systems allow 255.
const MAX_PIECE: usize = 238;
/// Ends a folder's name whose segment goes on in the next component.
const CONTINUED: &str = "%+";
/// Ends the name of an object's file whose own name is taken by a folder.
const SET_ASIDE: &str = "%";
/// Ends the name of an object's sidecar; no folder's name holds `%.`, so a sidecar never stands in a folder's way.
const SIDECAR: &str = "%.json";

/// Which of its two possible names an object's file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The key's own path.
    Plain,
    /// The key's path with `%` appended, because a folder has the plain name.
    Aside,
}

/// The path of a key's file, relative to the bucket's folder.
pub(super) fn object(key: &str, place: Place) -> PathBuf {
    match place {
        Place::Plain => with_suffix(key, ""),
        Place::Aside => with_suffix(key, SET_ASIDE),
    }
}

/// The path of a key's sidecar, relative to the bucket's folder of sidecars.
pub(super) fn sidecar(key: &str) -> PathBuf {
    with_suffix(key, SIDECAR)
}

/// The key whose file lies at `path` (relative to the bucket's folder); `None` if no key's file can lie there.
pub(super) fn key_of(path: &Path) -> Option<(String, Place)> {
    let mut key = String::new();
    let mut place = Place::Plain;
    let mut components = path.components().peekable();
    while let Some(component) = components.next() {
        let Component::Normal(name) = component else { return None };
        let mut name = name.to_str()?;
        if components.peek().is_some() {
            let continued = name.strip_suffix(CONTINUED);
            unescape(continued.unwrap_or(name), &mut key)?;
            if continued.is_none() {
                key.push('/');
            }
        } else {
            if let Some(stem) = name.strip_suffix(SET_ASIDE).filter(|stem| !stem.is_empty()) {
                (name, place) = (stem, Place::Aside);
            }
            unescape(name, &mut key)?;
        }
    }
    // A name that decodes but that we would not have written (`%41` for `A`) must not shadow the one that we do write.
    (object(&key, place) == path).then_some((key, place))
}

fn with_suffix(key: &str, suffix: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for segment in key.split('/') {
        push_segment(&mut path, segment);
    }
    if !suffix.is_empty() {
        path.as_mut_os_string().push(suffix);
    }
    path
}

fn push_segment(path: &mut PathBuf, segment: &str) {
    let mut piece = String::new();
    let mut escaped = String::new();
    for c in segment.chars() {
        escaped.clear();
        escape(c, &mut escaped);
        if piece.len() + escaped.len() > MAX_PIECE {
            piece.push_str(CONTINUED);
            path.push(&piece);
            piece.clear();
        }
        piece.push_str(&escaped);
    }
    match piece.as_str() {
        "" => path.push("%"),
        "." => path.push("%2E"),
        ".." => path.push("%2E."),
        name => path.push(name),
    }
}

fn escape(c: char, out: &mut String) {
    // Every escaped character is ASCII, so one `%XX` is enough.
    if c == '%' || c.is_ascii_control() {
        out.push_str(&format!("%{:02X}", u32::from(c)));
    } else {
        out.push(c);
    }
}

fn unescape(name: &str, out: &mut String) -> Option<()> {
    if name == "%" {
        return Some(());
    }
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let code = u8::from_str_radix(after.get(..2)?, 16).ok().filter(u8::is_ascii)?;
        out.push(char::from(code));
        rest = after.get(2..)?;
    }
    out.push_str(rest);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn lies_at(key: &str, path: &str) {
        assert_eq!(object(key, Place::Plain), PathBuf::from(path));
        assert_eq!(key_of(Path::new(path)), Some((key.to_owned(), Place::Plain)));
    }

    #[test]
    fn ordinary_keys_keep_their_names() {
        lies_at("a", "a");
        lies_at("operations/tenant=-/dt=2026-11-24/8203-0193.json", "operations/tenant=-/dt=2026-11-24/8203-0193.json");
        lies_at("Größe/日本 語.txt", "Größe/日本 語.txt");
        lies_at(".hidden/...", ".hidden/...");
    }

    #[test]
    fn what_a_file_name_cannot_hold_is_escaped() {
        lies_at("100%", "100%25");
        lies_at("a\0b\n", "a%00b%0A");
        lies_at("../../etc/passwd", "%2E./%2E./etc/passwd");
        lies_at("a/./b", "a/%2E/b");
        lies_at("/etc//x/", "%/etc/%/x/%");
    }

    #[test]
    fn an_object_set_aside_has_the_same_key() {
        assert_eq!(object("a/b", Place::Aside), PathBuf::from("a/b%"));
        assert_eq!(key_of(Path::new("a/b%")), Some(("a/b".into(), Place::Aside)));
        assert_eq!(object("a/", Place::Aside), PathBuf::from("a/%%"));
        assert_eq!(key_of(Path::new("a/%%")), Some(("a/".into(), Place::Aside)));
    }

    #[test]
    fn names_that_no_key_has_are_refused() {
        for path in ["%41", "50%.txt", "a%2", "%+/a", "x%+/a", "%é", "a/%2e", "../a", "/a"] {
            assert_eq!(key_of(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn a_long_segment_is_spread_over_folders() {
        let key = format!("{}é/{}", "x".repeat(300), "%".repeat(300));
        let path = object(&key, Place::Plain);
        assert!(path.components().all(|c| c.as_os_str().len() <= 240));
        assert_eq!(key_of(&path), Some((key, Place::Plain)));
    }

    #[test]
    fn a_long_segment_cannot_end_in_a_way_up() {
        let key = format!("{}..", "x".repeat(MAX_PIECE));
        let path = object(&key, Place::Plain);
        assert!(path.components().all(|c| matches!(c, Component::Normal(_))));
        assert_eq!(key_of(&path), Some((key, Place::Plain)));
    }

    proptest! {
        #[test]
        fn every_key_has_one_path_inside_the_bucket(key in "[a./%\u{0}é=-]{1,60}", other in "[a./%\u{0}é=-]{1,60}") {
            for place in [Place::Plain, Place::Aside] {
                let path = object(&key, place);
                prop_assert!(path.components().all(|c| matches!(c, Component::Normal(_))));
                prop_assert_eq!(key_of(&path), Some((key.clone(), place)));
                prop_assert!(key == other || path != object(&other, Place::Plain));
                prop_assert!(sidecar(&key) != path);
            }
        }
    }
}
