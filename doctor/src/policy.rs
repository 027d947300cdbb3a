//! What IAM has to allow, without asking anybody.
//!
//! The statements are those of `deploy/policies`, which CloudFormation reads as well: here their variables get the names that the
//! flags give.

use serde_json::Value;

/// The names in a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The request queue: its name, or its URL, which tells region and account as well.
    pub request_queue: String,
    /// What the names of reply queues start with.
    pub prefix: String,
    /// The bucket.
    pub log_bucket: String,
    /// The region, if it is known.
    pub region: Option<String>,
}

/// What stands in a policy for a region and an account that nobody has named.
pub const REGION: &str = "REGION";
/// See [`REGION`].
pub const ACCOUNT: &str = "ACCOUNT_ID";

impl Names {
    /// With the region that the environment names, if it does.
    pub fn new(request_queue: &str, prefix: &str, log_bucket: &str) -> Self {
        let region = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(|name| std::env::var(name).ok());
        Self {
            request_queue: request_queue.to_owned(),
            prefix: prefix.to_owned(),
            log_bucket: log_bucket.to_owned(),
            region: region.filter(|region| !region.is_empty()),
        }
    }

    /// The policy that a template of `deploy/policies` stands for.
    ///
    /// # Panics
    ///
    /// When the template is no JSON: it is a part of the program.
    pub fn policy(&self, template: &str) -> Value {
        let queue = Queue::of(&self.request_queue);
        let region = queue.region.or(self.region.as_deref()).unwrap_or(REGION);
        // All of these were checked to have no characters but those of names.
        let text = template
            .replace("${AWS::Partition}", partition(region))
            .replace("${AWS::Region}", region)
            .replace("${AWS::AccountId}", queue.account.unwrap_or(ACCOUNT))
            .replace("${Prefix}-requests\"", &format!("{}\"", queue.name))
            .replace("${Prefix}", &self.prefix)
            .replace("${LogBucket}", &self.log_bucket);
        serde_json::from_str(&text).expect("a template is JSON")
    }
}

/// What a queue's name or URL tells.
struct Queue<'a> {
    name: &'a str,
    account: Option<&'a str>,
    region: Option<&'a str>,
}

impl<'a> Queue<'a> {
    /// `https://sqs.<region>.amazonaws.com/<account>/<name>`
    fn of(name_or_url: &'a str) -> Self {
        let Some((_, rest)) = name_or_url.split_once("://") else {
            return Self { name: name_or_url, account: None, region: None };
        };
        let mut parts = rest.rsplitn(3, '/');
        let (name, account, host) = (parts.next(), parts.next(), parts.next());
        let region = host.and_then(|host| host.strip_prefix("sqs.")?.split_once(".amazonaws.com"));
        Self { name: name.unwrap_or_default(), account, region: region.map(|(region, _)| region) }
    }
}

fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = r#"{"Resource": ["arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${Prefix}-requests",
        "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${Prefix}-replies-*", "${LogBucket}"]}"#;

    fn resources(request_queue: &str, region: Option<&str>) -> Value {
        let names = Names {
            request_queue: request_queue.to_owned(),
            prefix: "acme".to_owned(),
            log_bucket: "logs".to_owned(),
            region: region.map(str::to_owned),
        };
        names.policy(TEMPLATE)["Resource"].take()
    }

    #[test]
    fn a_policy_has_the_names_of_the_flags_and_says_so_where_they_give_none() {
        let named = resources("jobs", None);
        let expected = ["arn:aws:sqs:REGION:ACCOUNT_ID:jobs", "arn:aws:sqs:REGION:ACCOUNT_ID:acme-replies-*", "logs"];
        assert_eq!(named, serde_json::json!(expected));
        assert_eq!(resources("jobs", Some("eu-west-1"))[0], "arn:aws:sqs:eu-west-1:ACCOUNT_ID:jobs");
    }

    #[test]
    fn a_url_tells_region_and_account() {
        let url = "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/jobs";
        assert_eq!(resources(url, Some("eu-west-1"))[0], "arn:aws-cn:sqs:cn-north-1:123456789012:jobs");
        let local = "http://127.0.0.1:4566/000000000000/jobs";
        assert_eq!(resources(local, None)[0], "arn:aws:sqs:REGION:000000000000:jobs");
    }
}
