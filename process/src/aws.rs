//! One configuration, and one HTTP client, for all AWS clients of a process; and what their requests come to.

mod requests;

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

pub use self::requests::Requests;

/// How long a connection to AWS may take to come about before the attempt is given up and retried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The configuration of the environment, as every AWS tool reads it: region, credentials and endpoint from the variables
/// `AWS_*`, the profile files, a container's or an instance's role.
///
/// Nothing is contacted here but, possibly, the instance's metadata service for the region; missing or wrong credentials
/// show at the first call.
pub async fn load() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).http_client(http_client()).timeout_config(timeouts()).load().await
}

/// The configuration for an endpoint that takes any credentials, such as the embedded one of local mode or `moto`: region
/// `us-east-1`, credentials `local` / `local`, nothing from the environment.
#[must_use]
pub fn for_endpoint(url: &str) -> SdkConfig {
    for_endpoint_as("local", url, http_client())
}

/// As [`for_endpoint`], but through this client, and with this access key id, so that it can be told whose requests
/// come in.
#[must_use]
pub fn for_endpoint_as(access_key_id: &str, url: &str, http_client: SharedHttpClient) -> SdkConfig {
    let credentials = Credentials::new(access_key_id, "local", None, None, "for_endpoint");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .http_client(http_client)
        .timeout_config(timeouts())
        .build()
}

/// A client for HTTPS and plain HTTP; TLS by rustls on ring, with the roots of the system.
#[must_use]
pub fn http_client() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_needs_nothing_from_the_environment() {
        let config = for_endpoint("http://127.0.0.1:4566");
        assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:4566"));
        assert_eq!(config.region().map(AsRef::as_ref), Some("us-east-1"));
        assert!(config.credentials_provider().is_some() && config.http_client().is_some());
    }
}
