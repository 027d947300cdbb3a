//! The golden files of the wire contract, `proto/wire/v1/`: batches, claims and the keys of records, read and written.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Deserialize;
use uuid::Uuid;

use crate::key::{self, BatchName, ObjectName};
use crate::log::batch::{self, Batch};
use crate::record::Record;

#[derive(Deserialize)]
struct BatchCase {
    name: String,
    tenant: Option<String>,
    committed: String,
    key: String,
    content: String,
    object: String,
    decodes_to: Vec<Uuid>,
}

#[derive(Deserialize)]
struct ClaimCase {
    tenant: Option<String>,
    id: Uuid,
    key: String,
}

#[derive(Deserialize)]
struct RecordCase {
    name: String,
    key: String,
    content: String,
    #[serde(default)]
    dead_mark: bool,
}

fn cases<T: for<'de> Deserialize<'de>>(json: &str) -> Vec<T> {
    let cases: Vec<T> = serde_json::from_str(json).expect("golden files are arrays of cases");
    assert!(!cases.is_empty());
    cases
}

#[tokio::test]
async fn golden_batches_are_read_as_written_down_and_written_to_be_read_alike() {
    for case in cases::<BatchCase>(include_str!("../../../proto/wire/v1/batches.json")) {
        let BatchCase { name, tenant, committed, key, content, object, decodes_to } = case;
        let (smallest, largest) = (decodes_to[0], decodes_to[decodes_to.len() - 1]);
        let batch = BatchName::new(committed.parse().expect("milliseconds"), smallest, largest);
        assert_eq!(batch.key(tenant.as_deref()).as_ref(), Ok(&key), "{name}");
        assert_eq!(BatchName::of_key(&key), Some(batch), "{name}");

        let object = BASE64_STANDARD.decode(object).expect("base64");
        let Batch { lines, damage } = batch::decode(object.into()).await;
        assert_eq!(damage, None, "{name}");
        assert_eq!(lines.iter().map(|line| line.id).collect::<Vec<_>>(), decodes_to, "{name}");
        let text: Vec<u8> = lines.iter().flat_map(|line| line.json.iter().copied().chain([b'\n'])).collect();
        assert_eq!(str::from_utf8(&text), Ok(content.as_str()), "{name}");
        for line in &lines {
            let record: Record = serde_json::from_slice(&line.json).expect("a record");
            assert_eq!((record.id, &record.tenant), (line.id, &tenant), "{name}");
            assert_eq!(record.to_json(), line.json, "{name}");
        }
        assert_eq!(batch::decode(batch::encode(lines.clone()).await).await.lines, lines, "{name}");
    }
}

#[test]
fn golden_claims_have_the_keys_written_down() {
    for ClaimCase { tenant, id, key } in cases(include_str!("../../../proto/wire/v1/claims.json")) {
        assert_eq!(key::claim(tenant.as_deref(), id), Ok(key));
    }
}

#[test]
fn golden_records_and_dead_marks_have_the_keys_written_down() {
    for RecordCase { name, key, content, dead_mark } in cases(include_str!("../../../proto/wire/v1/records.json")) {
        let record: Record = serde_json::from_str(&content).expect("a record");
        let make = if dead_mark { key::dead_mark } else { key::record };
        assert_eq!(make(record.tenant.as_deref(), record.id).as_ref(), Ok(&key), "{name}");
        assert_eq!(ObjectName::of_key(&key), Some(ObjectName { id: record.id, is_dead_mark: dead_mark }), "{name}");
    }
}
