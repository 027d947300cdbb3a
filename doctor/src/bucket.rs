//! How the bucket was made, and what may be done in it.

use std::time::Duration;

use aws_config::SdkConfig;
use compute_operations::BucketError;
use compute_operations::probe::{BucketProbe, Folder, LifecycleRule, Setting};
use tokio::time::timeout;

use crate::contact::Contact;
use crate::permission::Permission;
use crate::queues::hidden;
use crate::report::{Check, Finding, LIMIT, Section, check, section};

/// For how many days claims must stay: an operation id can be new for a day.
const LEAST_CLAIM_DAYS: u32 = 2;

/// The bucket, as it was found.
#[derive(Debug)]
pub struct LogBucket {
    probe: BucketProbe,
    reached: Result<(), Option<BucketError>>,
}

/// What a process does with the objects in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It creates them.
    Put,
    /// It reads them.
    Get,
    /// It deletes them.
    Delete,
    /// It gives up uploads in parts.
    AbortUpload,
}

impl LogBucket {
    /// Looks for the bucket of this name.
    pub async fn look(aws: &SdkConfig, name: &str) -> Self {
        let probe = BucketProbe::new(aws, name, Contact::default());
        let reached = match timeout(LIMIT, probe.reach()).await {
            Ok(reached) => reached.map_err(Some),
            Err(_) => Err(None),
        };
        Self { probe, reached }
    }

    /// Whether it is there, how it was made, and whether `program` may put it to these uses. Payloads must live for `payload_life`.
    pub fn findings<'a>(
        &'a self,
        program: &'static str,
        uses: &'a [(Folder, Use)],
        payload_life: Duration,
    ) -> Vec<Section<'a>> {
        let name = self.probe.name();
        match &self.reached {
            Err(Some(error)) if !error.is_denied() => {
                let mend = if error.is_refusal() {
                    format!("is --log-bucket right, and AWS_REGION? `aws s3 mb s3://{name}`")
                } else {
                    "see whether S3 is reached, and the region, above".to_owned()
                };
                let found = Finding::fail("bucket", error, mend);
                return vec![Box::pin(async { vec![found] })];
            }
            Err(None) => {
                let found = Finding::fail("bucket", "no answer", "see whether S3 is reached, above");
                return vec![Box::pin(async { vec![found] })];
            }
            // Without s3:ListBucket S3 does not even say that it is there. The permission is a check of its own.
            Ok(()) | Err(Some(_)) => {}
        }
        let list = Permission::new(program, "s3:ListBucket", name);
        let list = check(list.what(), async move { list.of_bucket(self.probe.try_list().await) });
        let trials = uses.iter().map(|&(folder, use_of_it)| self.trial(program, folder, use_of_it));
        vec![
            section(std::iter::once(list).chain(trials).collect()),
            Box::pin(async move {
                match timeout(LIMIT, self.probe.lifecycle()).await {
                    Ok(lifecycle) => lifecycle_findings(name, lifecycle, payload_life),
                    Err(_) => vec![Finding::skip("bucket: lifecycle", "no answer")],
                }
            }),
            section(vec![
                check("bucket: public access", async { public_access(name, self.probe.blocks_public_access().await) }),
                check("bucket: encryption", async { encryption(name, self.probe.encryption().await) }),
                check("bucket: versions", async { versions(name, self.probe.keeps_versions().await) }),
            ]),
        ]
    }

    fn trial(&self, program: &'static str, folder: Folder, use_of_it: Use) -> Check<'_> {
        let action = match use_of_it {
            Use::Put => "s3:PutObject",
            Use::Get => "s3:GetObject",
            Use::Delete => "s3:DeleteObject",
            Use::AbortUpload => "s3:AbortMultipartUpload",
        };
        let permission = Permission::new(program, action, format!("{}/{folder}*", self.probe.name()));
        let probe = &self.probe;
        check(permission.what(), async move {
            match use_of_it {
                Use::Put => created(&permission, probe.try_create(folder).await),
                Use::Get => permission.of_bucket(probe.try_read(folder).await),
                Use::Delete => permission.of_bucket(probe.try_delete(folder).await),
                Use::AbortUpload => permission.of_bucket(probe.try_abort_upload(folder).await),
            }
        })
    }
}

fn created(permission: &Permission, trial: Result<bool, BucketError>) -> Finding {
    match trial {
        Ok(true) => Finding::ok(permission.what(), "tried: created once, and refused to create it twice"),
        Ok(false) => Finding::fail(
            permission.what(),
            "an object was created twice: the store does not keep to If-None-Match, on which the log rests",
            "use Amazon S3, or a store that takes create-only PUTs",
        ),
        error => permission.of_bucket(error),
    }
}

fn unset_or<T>(what: &str, action: &str, found: Result<Setting<T>, BucketError>) -> Result<Option<T>, Finding> {
    match found {
        Ok(Setting::Is(value)) => Ok(Some(value)),
        Ok(Setting::Unset) => Ok(None),
        Ok(Setting::Hidden) => Err(Finding::skip(what, hidden(action))),
        Ok(Setting::Unknown) => Err(Finding::skip(what, "this endpoint has no such setting")),
        Err(error) => Err(Finding::warn(what, error, "look again")),
    }
}

fn lifecycle_findings(
    name: &str,
    found: Result<Setting<Vec<LifecycleRule>>, BucketError>,
    payload_life: Duration,
) -> Vec<Finding> {
    match unset_or("bucket: lifecycle", "s3:GetLifecycleConfiguration", found) {
        Ok(rules) => lifecycle(name, &rules.unwrap_or_default(), payload_life),
        Err(finding) => vec![finding],
    }
}

fn lifecycle(name: &str, rules: &[LifecycleRule], payload_life: Duration) -> Vec<Finding> {
    let mend = format!(
        "`aws s3api put-bucket-lifecycle-configuration --bucket {name} --lifecycle-configuration file://lifecycle.json`, with the \
         rules of local/lifecycle.json"
    );
    // S3 deletes at the first rule that says so.
    let days = |folder: &str| {
        let about = rules.iter().filter(|rule| folder.starts_with(&rule.prefix));
        about.filter_map(|rule| rule.expires_after_days).min()
    };
    let kept = |what: &str, folder: &str, least: u32, reason: &str| match days(folder) {
        None => Finding::warn(what, "kept for ever: nothing else deletes them", mend.clone()),
        Some(days) if days < least => Finding::fail(what, format!("deleted after {days} days: {reason}"), mend.clone()),
        Some(days) => Finding::ok(what, format!("deleted after {days} days")),
    };
    let least = u32::try_from(payload_life.as_secs().div_ceil(24 * 60 * 60)).unwrap_or(u32::MAX);
    let reason = format!("a request may come for one after {least}, through both queues and back");
    let uploads = "bucket: broken-off uploads";
    let mut findings = vec![
        kept("bucket: payloads", "payloads/", least, &reason),
        kept(
            "bucket: claims",
            "claims/",
            LEAST_CLAIM_DAYS,
            "an operation id can be used for longer than its claim stays",
        ),
        match rules
            .iter()
            .filter(|rule| "payloads/".starts_with(&rule.prefix))
            .find_map(|r| r.aborts_uploads_after_days)
        {
            Some(days) => Finding::ok(uploads, format!("given up after {days} days")),
            None => Finding::warn(uploads, "kept, and billed, for ever", mend.clone()),
        },
    ];
    for folder in ["operations/", "batches/"] {
        if let Some(days) = days(folder) {
            findings.push(Finding::ok(format!("bucket: {folder}"), format!("the log forgets after {days} days")));
        }
    }
    findings
}

fn public_access(name: &str, found: Result<Setting<bool>, BucketError>) -> Finding {
    let what = "bucket: public access";
    match unset_or(what, "s3:GetBucketPublicAccessBlock", found) {
        Ok(Some(true)) => Finding::ok(what, "blocked"),
        Ok(_) => {
            let mend = format!(
                "`aws s3api put-public-access-block --bucket {name} --public-access-block-configuration \
                 BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`"
            );
            Finding::warn(what, "not blocked by the bucket: an ACL or a policy could open it", mend)
        }
        Err(finding) => finding,
    }
}

fn encryption(name: &str, found: Result<Setting<String>, BucketError>) -> Finding {
    let what = "bucket: encryption";
    match unset_or(what, "s3:GetEncryptionConfiguration", found) {
        Ok(Some(algorithm)) => Finding::ok(what, algorithm),
        Ok(None) => {
            let rule = r#"{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}"#;
            let mend = format!(
                "`aws s3api put-bucket-encryption --bucket {name} --server-side-encryption-configuration '{rule}'`"
            );
            Finding::warn(what, "none by default", mend)
        }
        Err(finding) => finding,
    }
}

fn versions(name: &str, found: Result<Setting<bool>, BucketError>) -> Finding {
    let what = "bucket: versions";
    match unset_or(what, "s3:GetBucketVersioning", found) {
        Ok(Some(true)) => {
            let mend = format!(
                "a rule with NoncurrentVersionExpiration (`aws s3api put-bucket-lifecycle-configuration --bucket {name}`), if what \
                 is deleted is to be gone"
            );
            Finding::warn(what, "kept: `compute-worker log delete` and lifecycle rules leave the old ones", mend)
        }
        Ok(_) => Finding::ok(what, "not kept: what is deleted is gone"),
        Err(finding) => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Verdict;

    fn rule(prefix: &str, days: u32) -> LifecycleRule {
        LifecycleRule {
            id: prefix.to_owned(),
            prefix: prefix.to_owned(),
            expires_after_days: Some(days),
            aborts_uploads_after_days: None,
        }
    }

    fn uploads() -> LifecycleRule {
        LifecycleRule { expires_after_days: None, aborts_uploads_after_days: Some(1), ..rule("", 0) }
    }

    fn ill(rules: &[LifecycleRule]) -> Vec<(String, Verdict)> {
        let findings = lifecycle("logs", rules, Duration::from_secs(22 * 24 * 60 * 60));
        findings.into_iter().filter(|f| f.verdict != Verdict::Ok).map(|f| (f.what, f.verdict)).collect()
    }

    #[test]
    fn rules_as_the_local_stack_has_them_are_well_and_each_that_is_missing_is_named() {
        let all = [rule("payloads/", 40), rule("claims/", 40), uploads()];
        assert_eq!(ill(&all), []);
        for (index, name) in ["payloads", "claims", "broken-off uploads"].into_iter().enumerate() {
            let mut rules = all.to_vec();
            rules.remove(index);
            assert_eq!(ill(&rules), [(format!("bucket: {name}"), Verdict::Warn)]);
        }
    }

    #[test]
    fn a_rule_that_deletes_payloads_while_their_requests_may_come_back_is_wrong_whatever_its_prefix() {
        for prefix in ["", "pay", "payloads/"] {
            let found = ill(&[rule("payloads/", 40), rule("claims/", 40), rule(prefix, 21), uploads()]);
            assert_eq!(found, [("bucket: payloads".to_owned(), Verdict::Fail)], "{prefix:?}");
        }
    }
}
