//! A bucket against a plain map: whatever is written, removed and reopened, both hold the same.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use proptest::prelude::*;

use super::*;
use crate::s3::attributes::Headers;
use crate::s3::checksums::{Algorithm, Hasher};

#[derive(Debug, Clone)]
enum Step {
    Put(String, u8, Option<String>),
    Remove(String),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Few characters, so that keys are folders of one another.
    let key = || "[a/.%]{1,4}";
    let step = prop_oneof![
        6 => (key(), any::<u8>(), proptest::option::of("[xy]")).prop_map(|(key, body, note)| Step::Put(key, body, note)),
        3 => key().prop_map(Step::Remove),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..25)
}

/// An object of one byte, perhaps with a note in its metadata.
fn written(body: u8, note: Option<&str>, scratch: &Path) -> Written {
    let mut hasher = Hasher::new(Algorithm::Crc32, None);
    hasher.update(&[body]);
    let digests = hasher.finish();
    let mut content = TempFile::create(scratch).expect("the scratch folder is there");
    content.file().and_then(|file| file.write_all(&[body])).expect("the disk has room");
    let stamp = content.sync().and_then(|metadata| Stamp::of(&metadata)).expect("the file is there");
    let metadata = note.map(|note| ("note".to_owned(), note.to_owned())).into_iter().collect();
    let headers = Headers { metadata, ..Headers::default() };
    Written { content, stamp, attributes: Attributes { etag: digests.etag(), checksum: digests.checksum, headers } }
}

/// All objects: key, content, note.
fn contents(bucket: &Bucket) -> BTreeMap<String, (u8, Option<String>)> {
    let page = bucket.page(Query { prefix: "", delimiter: None, after: None, limit: 1000 }).expect("it can be listed");
    let mut found = BTreeMap::new();
    for item in page.items {
        let mut opened = bucket.open(item.name()).expect("what is listed is there");
        let mut body = Vec::new();
        opened.file.read_to_end(&mut body).expect("it can be read");
        let note = opened.attributes.headers.metadata.get("note").cloned();
        found.insert(item.name().to_owned(), (body[0], note));
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_bucket_holds_what_a_map_would(steps in steps()) {
        let root = tempfile::tempdir().expect("a temporary folder");
        let (dir, sidecars, scratch) = (root.path().join("b"), root.path().join("s"), root.path().join("t"));
        fs::create_dir(&dir).and_then(|()| fs::create_dir(&scratch)).expect("folders can be made");
        let open = || Bucket::load(dir.clone(), sidecars.clone()).expect("it can be opened");
        let mut bucket = open();
        let mut model = BTreeMap::new();
        for step in steps {
            match step {
                Step::Put(key, body, note) => {
                    let object = written(body, note.as_deref(), &scratch);
                    bucket.publish(&key, object, &WriteCondition::default(), &scratch).expect("it can be written");
                    model.insert(key, (body, note));
                }
                Step::Remove(key) => {
                    let removed = bucket.remove(&key, &WriteCondition::default()).expect("it can be removed");
                    prop_assert_eq!(removed, model.remove(&key).is_some());
                }
                Step::Reopen => bucket = open(),
            }
            prop_assert_eq!(&contents(&bucket), &model);
        }
        prop_assert_eq!(contents(&open()), model.clone());
        for key in model.keys() {
            bucket.remove(key, &WriteCondition::default()).expect("it can be removed");
        }
        prop_assert_eq!(fs::read_dir(&dir).expect("the folder stays").count(), 0);
        prop_assert_eq!(fs::read_dir(&scratch).expect("the folder stays").count(), 0);
        bucket.delete().expect("it is empty");
    }
}
