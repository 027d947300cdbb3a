//! `log delete`.

use std::io::{self, BufRead as _, IsTerminal as _, Write};

use clap::Args;
use compute_operations::Bucket;
use compute_operations::log::{Deleted, LogDeleter, LogReader};
use serde_json::json;
use time::Date;
use uuid::Uuid;

use super::progress::Progress;
use super::{About, LogCommandError, day, operation_id, whose};

#[derive(Debug, Clone, Args)]
pub(super) struct Delete {
    #[command(flatten)]
    which: Which,

    /// Those of every tenant, and of callers without one
    #[arg(long, requires = "before", conflicts_with_all = ["tenant", "all", "id"])]
    all_tenants: bool,

    /// Delete without asking
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    pub(super) about: About,
}

/// What to delete.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The id of an operation
    #[arg(value_parser = operation_id)]
    id: Option<Uuid>,

    /// All operations made before this day, such as 2026-11-24
    #[arg(long, value_name = "DAY", value_parser = day)]
    before: Option<Date>,

    /// All operations of the tenant, and its claims on ids. The tenant must be named, if only as `-`
    #[arg(long, requires = "tenant")]
    all: bool,
}

impl Delete {
    pub(super) async fn run(
        &self,
        bucket: Bucket,
        out: &mut impl Write,
        mut notes: impl Write,
    ) -> Result<(), LogCommandError> {
        self.confirm(bucket.name(), &mut notes)?;
        let reader = LogReader::new(bucket.clone());
        let deleter = LogDeleter::new(bucket);
        let deleted = match self.which.id {
            Some(id) => {
                let deleted = deleter.delete(self.about.tenant(), id).await?;
                if deleted == Deleted::default() {
                    return Err(self.about.not_found(id));
                }
                deleted
            }
            None if self.all_tenants => self.delete_many(&deleter, &reader.tenants().await?).await?,
            None => self.delete_many(&deleter, &[self.about.tenant().map(str::to_owned)]).await?,
        };
        self.write(deleted, out)
    }

    async fn delete_many(&self, deleter: &LogDeleter, tenants: &[Option<String>]) -> Result<Deleted, LogCommandError> {
        let progress = Progress::new(None, "records deleted");
        let mut sum = Deleted::default();
        for tenant in tenants {
            let tenant = tenant.as_deref();
            let show = |deleted: &Deleted| progress.set(sum.records + deleted.records);
            let deleted = match self.which.before {
                Some(day) => deleter.delete_before(tenant, day, show).await?,
                None => deleter.delete_tenant(tenant, show).await?,
            };
            sum.records += deleted.records;
            sum.payloads += deleted.payloads;
            sum.objects += deleted.objects;
            sum.rewritten += deleted.rewritten;
        }
        Ok(sum)
    }

    fn write(&self, deleted: Deleted, out: &mut impl Write) -> Result<(), LogCommandError> {
        let Deleted { records, payloads, objects, rewritten } = deleted;
        if self.about.json {
            let deleted = json!({"records": records, "payloads": payloads, "objects": objects, "rewritten": rewritten});
            writeln!(out, "{deleted}")?;
        } else {
            writeln!(
                out,
                "deleted {records} records and {payloads} payloads ({objects} objects of the log deleted, {rewritten} rewritten)"
            )?;
        }
        Ok(())
    }

    /// What the command is about to delete.
    fn what(&self) -> String {
        let of = if self.all_tenants {
            "all tenants and of callers without one".to_owned()
        } else {
            whose(self.about.tenant())
        };
        match (self.which.id, self.which.before) {
            (Some(id), _) => format!("the operation {id} of {of}"),
            (None, Some(day)) => format!("all operations of {of} made before {day}"),
            (None, None) => format!("all operations of {of}, and their claims on ids"),
        }
    }

    /// Asks whether it is meant, unless that was said.
    fn confirm(&self, bucket: &str, notes: &mut impl Write) -> Result<(), LogCommandError> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Err(LogCommandError::Unconfirmed(self.what()));
        }
        write!(notes, "Delete {}, and the payloads they point to, from the bucket {bucket}? [y/N] ", self.what())?;
        notes.flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(LogCommandError::Declined),
        }
    }
}
