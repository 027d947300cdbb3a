//! The lifecycle rules of a bucket, and when they say that something's time has come.
//!
//! Done are `Expiration` by `Days` and `AbortIncompleteMultipartUpload`, each for a prefix or for the whole bucket. Rules that
//! say more are refused when they are set, so that nobody waits for what never happens.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{Timestamp, TimestampFormat};
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

/// S3's limits: rules of a bucket, characters of a rule's id.
const MAX_RULES: usize = 1000;
const MAX_ID: usize = 255;
const DAY: u64 = 24 * 60 * 60;

/// What the id of a rule may have in a header as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A lifecycle configuration. Its JSON is the one of `aws s3api put-bucket-lifecycle-configuration`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Configuration {
    pub(super) rules: Vec<Rule>,
}

/// A rule. It has a filter, or a prefix in its place, which is how S3 wrote it at first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(rename = "ID")]
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) filter: Option<Filter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) prefix: Option<String>,
    pub(super) status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expiration: Option<Expiration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) abort_incomplete_multipart_upload: Option<AbortIncompleteMultipartUpload>,
}

/// Which keys a rule is for: without a prefix, all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Filter {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) prefix: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Status {
    Enabled,
    Disabled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Expiration {
    pub(super) days: NonZeroU32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AbortIncompleteMultipartUpload {
    pub(super) days_after_initiation: NonZeroU32,
}

/// When something is to be removed, and which rule says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due<'a> {
    pub(super) at: SystemTime,
    pub(super) rule: &'a str,
}

impl Configuration {
    /// # Errors
    /// `MalformedXML`, `InvalidArgument` or `InvalidRequest`, like S3's.
    pub(super) fn check(&self) -> S3Result<()> {
        if self.rules.is_empty() || self.rules.len() > MAX_RULES {
            return Err(s3_error!(
                MalformedXML,
                "a lifecycle configuration has 1 to {MAX_RULES} rules, not {}",
                self.rules.len()
            ));
        }
        let mut ids = HashSet::new();
        for rule in &self.rules {
            if !ids.insert(&rule.id) {
                return Err(s3_error!(
                    InvalidArgument,
                    "Rule ID must be unique. Found same ID for more than one rule: {:?}",
                    rule.id
                ));
            }
            rule.check()?;
        }
        Ok(())
    }

    /// When an object that was last changed at this time expires. Of several rules the earliest counts.
    pub(super) fn expiration(&self, key: &str, modified: SystemTime) -> Option<Due<'_>> {
        self.earliest(key, modified, |rule| Some(rule.expiration?.days))
    }

    /// When an upload that was started at this time is aborted.
    pub(super) fn abortion(&self, key: &str, initiated: SystemTime) -> Option<Due<'_>> {
        self.earliest(key, initiated, |rule| Some(rule.abort_incomplete_multipart_upload?.days_after_initiation))
    }

    fn earliest(&self, key: &str, since: SystemTime, days: impl Fn(&Rule) -> Option<NonZeroU32>) -> Option<Due<'_>> {
        let rules = self.rules.iter().filter(|rule| rule.status == Status::Enabled && key.starts_with(rule.prefix()));
        let dues = rules.filter_map(|rule| Some(Due { at: due(since, days(rule)?)?, rule: &rule.id }));
        dues.min_by_key(|due| due.at)
    }

    /// The prefixes below which objects expire, none of them below another.
    pub(super) fn expiring_prefixes(&self) -> Vec<String> {
        let rules = self.rules.iter().filter(|rule| rule.status == Status::Enabled && rule.expiration.is_some());
        let mut prefixes: Vec<_> = rules.map(|rule| rule.prefix().to_owned()).collect();
        prefixes.sort();
        // What is below a prefix comes right behind it.
        prefixes.dedup_by(|longer, shorter| longer.starts_with(shorter.as_str()));
        prefixes
    }
}

impl Rule {
    fn check(&self) -> S3Result<()> {
        if self.id.chars().count() > MAX_ID {
            return Err(s3_error!(InvalidArgument, "ID length should not exceed allowed limit of {MAX_ID}"));
        }
        if self.filter.is_some() == self.prefix.is_some() {
            return Err(s3_error!(MalformedXML, "the rule {:?} needs a Filter, or a Prefix in its place", self.id));
        }
        if self.expiration.is_none() && self.abort_incomplete_multipart_upload.is_none() {
            return Err(s3_error!(
                InvalidRequest,
                "At least one action needs to be specified in a rule; {:?} has none",
                self.id
            ));
        }
        Ok(())
    }

    fn prefix(&self) -> &str {
        let filtered = self.filter.as_ref().and_then(|filter| filter.prefix.as_deref());
        filtered.or(self.prefix.as_deref()).unwrap_or_default()
    }
}

impl Due<'_> {
    /// The header `x-amz-expiration`, such as `expiry-date="Fri, 23 Dec 2012 00:00:00 GMT", rule-id="a%20rule"`.
    pub(super) fn header(self) -> Option<String> {
        let mut date = Vec::new();
        Timestamp::from(self.at).format(TimestampFormat::HttpDate, &mut date).ok()?;
        let date = String::from_utf8(date).ok()?;
        Some(format!("expiry-date=\"{date}\", rule-id=\"{}\"", utf8_percent_encode(self.rule, ENCODED)))
    }
}

/// So many days after a time, at the next midnight UTC, as S3 rounds it: 3 days after 10:30 on 15 January is 00:00 on the 19th.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html#intro-lifecycle-rules-number-of-days>
///
/// `None` if no clock gets there.
fn due(since: SystemTime, days: NonZeroU32) -> Option<SystemTime> {
    let since = since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let midnights = since.as_secs() / DAY + u64::from(days.get()) + 1;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(midnights.checked_mul(DAY)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn configuration(json: &str) -> Configuration {
        let configuration: Configuration = serde_json::from_str(json).expect("well-formed");
        configuration.check().expect("valid");
        configuration
    }

    #[test]
    fn days_end_at_the_next_midnight_as_in_the_user_guides_example() {
        // 2014-01-15 10:30 UTC, 3 days: 2014-01-19 00:00 UTC.
        assert_eq!(due(at(1_389_781_800), NonZeroU32::MIN.saturating_add(2)), Some(at(1_390_089_600)));
        // From midnight on it is the next one, too.
        assert_eq!(due(at(DAY), NonZeroU32::MIN), Some(at(3 * DAY)));
        assert_eq!(due(at(2 * DAY - 1), NonZeroU32::MIN), Some(at(3 * DAY)));
        assert_eq!(due(at(i64::MAX as u64), NonZeroU32::MAX), None);
    }

    #[test]
    fn of_several_rules_the_earliest_counts_and_a_disabled_one_does_not() {
        let rules = configuration(
            r#"{"Rules": [
                {"ID": "all", "Filter": {}, "Status": "Enabled", "Expiration": {"Days": 9}},
                {"ID": "a rule", "Prefix": "a/", "Status": "Enabled", "Expiration": {"Days": 3}},
                {"ID": "off", "Filter": {"Prefix": "a/b/"}, "Status": "Disabled", "Expiration": {"Days": 1}},
                {"ID": "parts", "Filter": {"Prefix": "a/"}, "Status": "Enabled",
                 "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}}]}"#,
        );
        let created = at(1_389_781_800);
        let expiration = rules.expiration("a/b/c", created).expect("it expires");
        assert_eq!(expiration, Due { at: at(1_390_089_600), rule: "a rule" });
        assert_eq!(
            expiration.header().expect("a header"),
            "expiry-date=\"Sun, 19 Jan 2014 00:00:00 GMT\", rule-id=\"a%20rule\""
        );
        assert_eq!(rules.expiration("b", created).map(|due| due.rule), Some("all"));
        assert_eq!(rules.abortion("a/b", created).map(|due| due.rule), Some("parts"));
        assert_eq!(rules.abortion("b", created), None);
        assert_eq!(rules.expiring_prefixes(), [""]);
    }

    #[test]
    fn prefixes_below_others_are_not_walked_twice() {
        let rule = |id: &str, prefix: &str| {
            format!(r#"{{"ID":"{id}","Filter":{{"Prefix":"{prefix}"}},"Status":"Enabled","Expiration":{{"Days":1}}}}"#)
        };
        let rules = [rule("1", "b/c/"), rule("2", "a/"), rule("3", "b/"), rule("4", "b/"), rule("5", "b0")].join(",");
        assert_eq!(configuration(&format!(r#"{{"Rules":[{rules}]}}"#)).expiring_prefixes(), ["a/", "b/", "b0"]);
    }
}
