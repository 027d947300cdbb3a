//! Deletes records from a batch that holds others too.

use uuid::Uuid;

use super::{Deleted, LogDeleter, payload_in};
use crate::bucket::Created;
use crate::key::BatchName;
use crate::log::LogError;
use crate::log::batch::{self, Line};

impl LogDeleter {
    /// Deletes those records of a batch, and their payloads. The others are written to a new batch before the old one goes, so
    /// that a crash in between leaves them twice, which readers do not mind.
    pub(super) async fn delete_from_batch(
        &self,
        tenant: Option<&str>,
        name: BatchName,
        goes: impl Fn(Uuid) -> bool,
        deleted: &mut Deleted,
    ) -> Result<(), LogError> {
        let Some(batch) = self.reader.batch(tenant, name).await? else { return Ok(()) };
        let key = name.key(tenant)?;
        if let Some(reason) = batch.damage {
            return Err(LogError::Content { key, reason });
        }
        let (go, stay): (Vec<_>, Vec<_>) = batch.lines.into_iter().partition(|line| goes(line.id));
        if go.is_empty() {
            return Ok(());
        }
        let payloads: Vec<_> = go.iter().filter_map(|line| payload_in(&line.json)).collect();
        self.delete_payloads(&payloads, deleted).await?;
        if let (Some(first), Some(last)) = (stay.first(), stay.last()) {
            let stays = BatchName::new(name.committed(), first.id, last.id);
            if stays == name {
                self.bucket.put(&key, batch::CONTENT, batch::encode(stay).await).await?;
            } else {
                self.write_beside(tenant, stays, stay).await?;
                self.bucket.delete(&key).await?;
            }
            deleted.rewritten += 1;
        } else {
            self.bucket.delete(&key).await?;
            deleted.objects += 1;
        }
        deleted.records += go.len() as u64;
        Ok(())
    }

    /// Writes a batch of a new name, or leaves it if a deletion that did not come to its end has written it before.
    async fn write_beside(&self, tenant: Option<&str>, name: BatchName, lines: Vec<Line>) -> Result<(), LogError> {
        let content = batch::encode(lines.clone()).await;
        let mut name = name;
        while self.bucket.create(&name.key(tenant)?, batch::CONTENT, content.clone()).await? == Created::Existed {
            let there = self.reader.batch(tenant, name).await?.unwrap_or_default();
            if lines.iter().all(|line| there.lines.contains(line)) {
                break;
            }
            // It is another batch, by the oddest of chances: the next millisecond does as well.
            name = BatchName::new(name.committed() + 1, name.smallest, name.largest);
        }
        Ok(())
    }
}
