//! The keys of one bucket in the order S3 lists them, and a page of them.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::SystemTime;

use super::attributes::Attributes;
use super::key_path::Place;

/// What is known of an object without opening its file.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The file's length in bytes and the time of its last change: they tell whether somebody edited it by hand.
    pub(super) stamp: Stamp,
    pub(super) place: Place,
    /// Read from the sidecar or derived from the content when first needed: opening the store reads no file.
    pub(super) attributes: Option<Arc<Attributes>>,
}

/// Identifies one state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    pub(super) modified: SystemTime,
}

impl Stamp {
    pub(super) fn of(metadata: &std::fs::Metadata) -> std::io::Result<Self> {
        Ok(Self { size: metadata.len(), modified: metadata.modified()? })
    }
}

/// Keys in the order of their UTF-8 bytes (which is also that of `str`).
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) entries: BTreeMap<Box<str>, Entry>,
}

/// Which keys a listing wants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query<'a> {
    pub(super) prefix: &'a str,
    /// Keys that share what stands between the prefix and the first delimiter are rolled up into one common prefix.
    pub(super) delimiter: Option<&'a str>,
    /// The listing goes on after this key or common prefix.
    pub(super) after: Option<&'a str>,
    /// How many keys and common prefixes a page has at most.
    pub(super) limit: usize,
}

/// A row of a listing.
#[derive(Debug)]
pub(super) enum Item {
    Object(String, Entry),
    CommonPrefix(String),
}

impl Item {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Object(name, _) | Self::CommonPrefix(name) => name,
        }
    }
}

/// A page of a listing.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    /// Whether there is more after the last item.
    pub(super) truncated: bool,
}

impl Index {
    /// One page, in time proportional to its length and the logarithm of the number of keys.
    pub(super) fn page(&self, query: Query<'_>) -> Page {
        let mut items = Vec::new();
        let mut from = start(query);
        while let Some(bound) = from {
            let Some((key, entry)) = self.entries.range::<str, _>((as_deref(&bound), Bound::Unbounded)).next() else {
                break;
            };
            if !key.starts_with(query.prefix) {
                break;
            }
            if items.len() >= query.limit {
                // A limit of 0 asks for nothing, and S3 says that nothing was cut off.
                return Page { items, truncated: query.limit > 0 };
            }
            match common_prefix(key, query.prefix, query.delimiter) {
                Some(prefix) => {
                    from = after_all_with(prefix).map(Bound::Included);
                    items.push(Item::CommonPrefix(prefix.to_owned()));
                }
                None => {
                    from = Some(Bound::Excluded(key.to_string()));
                    items.push(Item::Object(key.to_string(), entry.clone()));
                }
            }
        }
        Page { items, truncated: false }
    }
}

fn start(query: Query<'_>) -> Option<Bound<String>> {
    let Some(after) = query.after.filter(|after| *after >= query.prefix) else {
        return Some(Bound::Included(query.prefix.to_owned()));
    };
    // Going on after a common prefix means after all that it stands for.
    match common_prefix(after, query.prefix, query.delimiter) {
        Some(prefix) if prefix == after => after_all_with(prefix).map(Bound::Included),
        _ => Some(Bound::Excluded(after.to_owned())),
    }
}

fn common_prefix<'a>(key: &'a str, prefix: &str, delimiter: Option<&str>) -> Option<&'a str> {
    let delimiter = delimiter?;
    let rest = key.strip_prefix(prefix)?;
    let end = prefix.len() + rest.find(delimiter)? + delimiter.len();
    key.get(..end)
}

/// The smallest string that sorts after every string with this prefix; `None` if there is none.
fn after_all_with(prefix: &str) -> Option<String> {
    let mut bound = prefix.to_owned();
    while let Some(last) = bound.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            char::MAX => None,
            c => char::from_u32(u32::from(c) + 1),
        };
        if let Some(next) = next {
            bound.push(next);
            return Some(bound);
        }
    }
    None
}

fn as_deref(bound: &Bound<String>) -> Bound<&str> {
    match bound {
        Bound::Included(key) => Bound::Included(key),
        Bound::Excluded(key) => Bound::Excluded(key),
        Bound::Unbounded => Bound::Unbounded,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    fn index<S: AsRef<str>>(keys: impl IntoIterator<Item = S>) -> Index {
        let stamp = Stamp { size: 0, modified: SystemTime::UNIX_EPOCH };
        let entry = Entry { stamp, place: Place::Plain, attributes: None };
        Index { entries: keys.into_iter().map(|key| (key.as_ref().into(), entry.clone())).collect() }
    }

    fn names(page: &Page) -> Vec<&str> {
        page.items.iter().map(Item::name).collect()
    }

    /// All pages of a listing, one after the other.
    fn walk(index: &Index, prefix: &str, delimiter: Option<&str>, limit: usize) -> Vec<String> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = index.page(Query { prefix, delimiter, after: after.as_deref(), limit });
            all.extend(page.items.iter().map(|item| item.name().to_owned()));
            if !page.truncated {
                return all;
            }
            assert_eq!(page.items.len(), limit);
            after = all.last().cloned();
        }
    }

    #[test]
    fn keys_come_in_the_order_of_their_bytes() {
        let index = index(["b", "a/b", "a", "a-b", "B", "é", "\u{FFFF}", "\u{10000}"]);
        let page = index.page(Query { prefix: "", delimiter: None, after: None, limit: 1000 });
        assert_eq!(names(&page), ["B", "a", "a-b", "a/b", "b", "é", "\u{FFFF}", "\u{10000}"]);
        assert!(!page.truncated);
    }

    #[test]
    fn a_delimiter_rolls_keys_up_once() {
        let index = index(["a", "a/1", "a/2", "b/c/1", "b/c/2", "b/d"]);
        assert_eq!(walk(&index, "", Some("/"), 1), ["a", "a/", "b/"]);
        assert_eq!(walk(&index, "b/", Some("/"), 1), ["b/c/", "b/d"]);
        assert_eq!(walk(&index, "b/c", Some("/"), 10), ["b/c/"]);
    }

    #[test]
    fn a_limit_of_zero_gives_nothing_and_is_not_truncated() {
        let page = index(["a"]).page(Query { prefix: "", delimiter: None, after: None, limit: 0 });
        assert!(page.items.is_empty() && !page.truncated);
    }

    #[test]
    fn a_start_before_the_prefix_starts_at_the_prefix() {
        let index = index(["a", "b/1", "b/2", "c"]);
        let page = index.page(Query { prefix: "b/", delimiter: None, after: Some("a"), limit: 10 });
        assert_eq!(names(&page), ["b/1", "b/2"]);
        let page = index.page(Query { prefix: "b/", delimiter: None, after: Some("c"), limit: 10 });
        assert!(page.items.is_empty());
    }

    proptest! {
        #[test]
        fn pages_of_any_length_give_the_same_as_a_plain_filter(
            keys in proptest::collection::btree_set("[ab/\u{10FFFF}]{1,6}", 0..40),
            prefix in "[ab/]{0,2}",
            delimiter in proptest::option::of("[/b]"),
            limit in 1_usize..6,
        ) {
            let mut expected = BTreeSet::new();
            for key in keys.iter().filter(|key| key.starts_with(&prefix)) {
                let rest = &key[prefix.len()..];
                let rolled = delimiter.as_ref().and_then(|d| rest.find(d.as_str()).map(|at| at + d.len()));
                expected.insert(rolled.map_or(key.clone(), |end| key[..prefix.len() + end].to_owned()));
            }
            let listed = walk(&index(&keys), &prefix, delimiter.as_deref(), limit);
            prop_assert_eq!(listed, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
