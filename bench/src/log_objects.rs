//! What the log holds, read from the files of the embedded S3 with no code of the system's.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::BoxError;

/// The log, by operation id.
#[derive(Debug, Default)]
pub(crate) struct Log {
    operations: HashMap<String, Copies>,
    /// How many objects hold the records of many operations.
    pub(crate) batches: u64,
    /// Objects that do not hold what their names say, or the record of a failed operation.
    pub(crate) odd: Vec<String>,
}

/// How often the record of an operation is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Copies {
    /// As an object of its own.
    pub(crate) objects: u64,
    /// In a batch.
    pub(crate) batched: u64,
}

impl Log {
    /// Reads all objects below the folder of the bucket.
    pub(crate) fn read(bucket: &Path) -> Result<Self, BoxError> {
        let mut log = Self::default();
        for_each_file(&bucket.join("operations"), &mut |path| log.read_object(path))?;
        for_each_file(&bucket.join("batches"), &mut |path| log.read_batch(path))?;
        Ok(log)
    }

    /// How many operations it holds.
    pub(crate) fn len(&self) -> usize {
        self.operations.len()
    }

    /// How often it holds an operation.
    pub(crate) fn copies_of(&self, operation: &str) -> Copies {
        self.operations.get(operation).copied().unwrap_or_default()
    }

    /// How many records stand in batches.
    pub(crate) fn batched(&self) -> u64 {
        self.operations.values().map(|copies| copies.batched).sum()
    }

    fn read_object(&mut self, path: &Path) -> Result<(), BoxError> {
        let name = file_name(path);
        if name.ends_with(".dead.json") {
            // A mark that a worker set before the last delivery; it says nothing once the record is there.
            return Ok(());
        }
        let record: Value = serde_json::from_slice(&fs::read(path)?)?;
        let id = id_of(&record);
        if !is_good(&record) || !name.ends_with(&format!("-{id}.json")) {
            self.odd.push(path.display().to_string());
        }
        self.operations.entry(id).or_default().objects += 1;
        Ok(())
    }

    fn read_batch(&mut self, path: &Path) -> Result<(), BoxError> {
        let mut text = String::new();
        MultiGzDecoder::new(File::open(path)?).read_to_string(&mut text)?;
        let records: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        if !records.iter().all(is_good) || !is_of_its_name(&file_name(path), &records) || tenants(&records) != 1 {
            self.odd.push(path.display().to_string());
        }
        self.batches += 1;
        for record in &records {
            self.operations.entry(id_of(record)).or_default().batched += 1;
        }
        Ok(())
    }
}

/// Whether a batch named `<commit time>-<smallest id>-<largest id>.ndjson.gz` holds records of these ids, each once, in order.
fn is_of_its_name(name: &str, records: &[Value]) -> bool {
    let ids: Vec<String> = records.iter().map(|record| id_of(record).replace('-', "")).collect();
    let (Some(smallest), Some(largest)) = (ids.first(), ids.last()) else { return false };
    let ends = name.ends_with(&format!("-{smallest}-{largest}.ndjson.gz"));
    ends && ids.is_sorted_by(|one, next| one < next)
}

/// How many tenants the records are of, those of no tenant counted as one.
fn tenants(records: &[Value]) -> usize {
    let mut tenants: Vec<_> = records.iter().map(|record| record.get("tenant").and_then(Value::as_str)).collect();
    tenants.sort_unstable();
    tenants.dedup();
    tenants.len()
}

fn is_good(record: &Value) -> bool {
    record.get("status") == Some(&Value::from(0)) && !id_of(record).is_empty()
}

fn id_of(record: &Value) -> String {
    record.get("id").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Visits every file below a folder, which need not be there.
fn for_each_file(folder: &Path, visit: &mut impl FnMut(&Path) -> Result<(), BoxError>) -> Result<(), BoxError> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            for_each_file(&path, visit)?;
        } else {
            visit(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const FIRST: &str = "0197a1c2-d3e4-7f56-8123-456789abcdef";
    const SECOND: &str = "0197a1c2-d3e5-7f56-8123-456789abcdef";

    fn record(id: &str, status: i32) -> String {
        format!(r#"{{"id":"{id}","status":{status}}}"#)
    }

    fn write_batch(bucket: &Path, commit: u64, name_ids: [&str; 2], records: &[String]) {
        let folder = bucket.join("batches/tenant=-/dt=2025-06-24");
        fs::create_dir_all(&folder).expect("a folder");
        let [smallest, largest] = name_ids.map(|id| id.replace('-', ""));
        let file = File::create(folder.join(format!("{commit}-{smallest}-{largest}.ndjson.gz"))).expect("a file");
        let mut gzip = GzEncoder::new(file, Compression::fast());
        gzip.write_all(records.join("\n").as_bytes()).expect("written");
        gzip.finish().expect("written");
    }

    fn write_object(bucket: &Path, name: &str, record: &str) {
        let folder = bucket.join("operations/tenant=-/dt=2025-06-24");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(name), record).expect("written");
    }

    #[test]
    fn records_are_counted_in_objects_and_in_batches() {
        let bucket = tempfile::tempdir().expect("a folder");
        write_object(bucket.path(), &format!("8249234410523-{FIRST}.json"), &record(FIRST, 0));
        write_object(bucket.path(), &format!("8249234410523-{FIRST}.dead.json"), &record(FIRST, 13));
        write_batch(bucket.path(), 8_249_234_410_520, [FIRST, SECOND], &[record(FIRST, 0), record(SECOND, 0)]);
        let log = Log::read(bucket.path()).expect("read");
        assert_eq!((log.len(), log.batches, log.batched()), (2, 1, 2));
        assert_eq!(log.copies_of(FIRST), Copies { objects: 1, batched: 1 });
        assert_eq!(log.copies_of(SECOND), Copies { objects: 0, batched: 1 });
        assert_eq!(log.odd, Vec::<String>::new());
    }

    #[test]
    fn an_object_that_is_not_what_its_name_says_is_odd() {
        let odd = |write: &dyn Fn(&Path)| {
            let bucket = tempfile::tempdir().expect("a folder");
            write(bucket.path());
            Log::read(bucket.path()).expect("read").odd.len()
        };
        let both = [record(FIRST, 0), record(SECOND, 0)];
        let reversed = [record(SECOND, 0), record(FIRST, 0)];
        let foreign = [record(FIRST, 0), record(SECOND, 0).replace("status", "tenant\":\"acme\",\"status")];
        assert_eq!(odd(&|bucket| write_batch(bucket, 1, [FIRST, SECOND], &both)), 0);
        assert_eq!(odd(&|bucket| write_batch(bucket, 1, [FIRST, FIRST], &both)), 1);
        assert_eq!(odd(&|bucket| write_batch(bucket, 1, [SECOND, FIRST], &reversed)), 1);
        assert_eq!(odd(&|bucket| write_batch(bucket, 1, [FIRST, SECOND], &foreign)), 1);
        assert_eq!(odd(&|bucket| write_batch(bucket, 1, [FIRST, FIRST], &[record(FIRST, 3)])), 1);
        assert_eq!(odd(&|bucket| write_object(bucket, &format!("1-{FIRST}.json"), &record(SECOND, 0))), 1);
    }

    #[test]
    fn a_batch_that_was_cut_short_is_an_error() {
        let bucket = tempfile::tempdir().expect("a folder");
        write_batch(bucket.path(), 1, [FIRST, FIRST], &[record(FIRST, 0)]);
        for_each_file(bucket.path(), &mut |path| {
            let content = fs::read(path)?;
            Ok(fs::write(path, &content[..content.len() - 9])?)
        })
        .expect("cut");
        assert!(Log::read(bucket.path()).is_err());
    }
}
