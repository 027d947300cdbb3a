//! Region, credentials, and whose they are.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature as Feature;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_sts::error::ProvideErrorMetadata as _;

use crate::report::{Finding, Section, check, section};

const CREDENTIALS: &str = "credentials";
const IDENTITY: &str = "identity";

/// Where credentials come from that there are none of.
const HOW_TO_GET: &str = "give the instance a role (an instance profile), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
                          AWS_SECRET_ACCESS_KEY";

/// Checks region and credentials, and asks STS whose they are. That needs no permission. An endpoint of one's own is not asked.
pub fn account(aws: &SdkConfig) -> Section<'_> {
    let mut checks = vec![check("region", async { region(aws) }), check(CREDENTIALS, credentials(aws))];
    if aws.endpoint_url().is_none() {
        checks.push(check(IDENTITY, identity(aws)));
    }
    section(checks)
}

fn region(aws: &SdkConfig) -> Finding {
    match aws.region() {
        Some(region) => Finding::ok("region", region),
        None => Finding::fail("region", "none is set", "set AWS_REGION, such as AWS_REGION=us-east-1"),
    }
}

async fn credentials(aws: &SdkConfig) -> Finding {
    let Some(provider) = aws.credentials_provider() else {
        return Finding::fail(CREDENTIALS, "there is no source of any", HOW_TO_GET);
    };
    let credentials = match provider.provide_credentials().await {
        Ok(credentials) => credentials,
        Err(error) => return Finding::fail(CREDENTIALS, causes(&error), HOW_TO_GET),
    };
    let key = credentials.access_key_id();
    // Enough to tell keys apart. The rest is nobody's business.
    let known: String = key.chars().skip(key.chars().count().saturating_sub(4)).collect();
    let detail = format!("the key that ends in {known:?}{}", source(&credentials).unwrap_or_default());
    let Some(expiry) = credentials.expiry() else {
        return Finding::ok(CREDENTIALS, format!("{detail}, for good"));
    };
    match expiry.duration_since(SystemTime::now()) {
        Ok(left) => {
            let left = humantime::format_duration(Duration::from_secs(left.as_secs()));
            Finding::ok(CREDENTIALS, format!("{detail}, good for another {left}"))
        }
        Err(_) => Finding::fail(CREDENTIALS, format!("{detail}: expired"), HOW_TO_GET),
    }
}

fn source(credentials: &Credentials) -> Option<&'static str> {
    let features = credentials.get_property::<Vec<Feature>>()?;
    features.iter().find_map(|feature| {
        Some(match feature {
            Feature::CredentialsEnvVars => ", from the environment",
            Feature::CredentialsImds => ", from the role of the instance",
            Feature::CredentialsHttp => ", from the role of the container",
            Feature::CredentialsProfile | Feature::CredentialsProfileSourceProfile => ", from a profile",
            Feature::CredentialsProfileProcess | Feature::CredentialsProcess => ", from a process that a profile names",
            Feature::CredentialsProfileSso | Feature::CredentialsSso => ", from a single sign-on",
            Feature::CredentialsEnvVarsStsWebIdToken
            | Feature::CredentialsProfileStsWebIdToken
            | Feature::CredentialsStsAssumeRoleWebId => ", from a role by web identity",
            Feature::CredentialsStsAssumeRole => ", from a role that was assumed",
            _ => return None,
        })
    })
}

async fn identity(aws: &SdkConfig) -> Finding {
    match aws_sdk_sts::Client::new(aws).get_caller_identity().send().await {
        Ok(answer) => Finding::ok(IDENTITY, answer.arn().unwrap_or("STS does not say")),
        // The process has no need of STS: there may be no way to it.
        Err(error) if error.as_service_error().is_none() => {
            Finding::skip(IDENTITY, format!("STS does not answer: {}", causes(&error)))
        }
        Err(error) => {
            let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
            Finding::fail(IDENTITY, format!("STS does not know the credentials: {code}: {message}"), HOW_TO_GET)
        }
    }
}

fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
