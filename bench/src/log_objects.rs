//! What the log holds, read from the files of the embedded S3.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::BoxError;

/// The log, by operation id.
#[derive(Debug, Default)]
pub(crate) struct Log {
    objects: HashMap<String, u64>,
    /// Objects that are not the record of the operation that their name says, or of a failed one.
    pub(crate) odd: Vec<String>,
}

impl Log {
    /// Reads all objects below a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self, BoxError> {
        let mut log = Self::default();
        log.read_folder(folder)?;
        Ok(log)
    }

    /// How many operations it holds.
    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// How many objects an operation has.
    pub(crate) fn objects_of(&self, operation: &str) -> u64 {
        self.objects.get(operation).copied().unwrap_or_default()
    }

    fn read_folder(&mut self, folder: &Path) -> Result<(), BoxError> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.read_folder(&path)?;
                continue;
            }
            let record: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
            let id = record.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let is_of_its_name = path.file_stem().is_some_and(|name| name.to_string_lossy().ends_with(&id));
            if id.is_empty() || !is_of_its_name || record.get("status") != Some(&Value::from(0)) {
                self.odd.push(path.display().to_string());
            }
            *self.objects.entry(id).or_default() += 1;
        }
        Ok(())
    }
}
