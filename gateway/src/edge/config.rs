//! Who may call, and from where: the flags of the edge.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolishValueParser, RangedU64ValueParser};
use compute_process::flags;
use http::{HeaderValue, Uri};

use crate::config::ConfigError;

const MINUTE: Duration = Duration::from_secs(60);

/// Who may call, and from where. The default: anybody on this host, without TLS.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Security")]
#[group(skip)]
pub struct EdgeConfig {
    /// The certificate of the gateway, and the chain of its CA, in PEM. The port then speaks TLS 1.2 and 1.3 alone. This file,
    /// the key and the CA of clients are read again when they change; what is of no use then does not take effect
    #[arg(long, env = "COMPUTE_TLS_CERTIFICATE", value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,

    /// The key of --tls-certificate, in PEM, without a passphrase
    #[arg(long, env = "COMPUTE_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// The CA certificates, in PEM, of clients. Clients without a certificate of one of these are turned away. Unless there are
    /// tokens, the one DNS name in a client's certificate is the tenant of its calls
    #[arg(long, env = "COMPUTE_TLS_CLIENT_CA", value_name = "FILE")]
    pub tls_client_ca: Option<PathBuf>,

    /// The bearer tokens that callers need: a line `<sha256 of the token, in hex> <tenant> [rate=N/s] [in-flight=N]` for each,
    /// where # begins a comment. The limits are the tenant's. The file is read again when it changes
    #[arg(long, env = "COMPUTE_TOKENS", value_name = "FILE")]
    pub tokens: Option<PathBuf>,

    /// Take calls without a token or client certificate from beyond this host too. Without it the gateway then does not start;
    /// on loopback, and without --tokens, nobody needs credentials
    #[arg(long, env = "COMPUTE_ALLOW_ANONYMOUS", value_parser = BoolishValueParser::new())]
    pub allow_anonymous: bool,

    /// An origin whose pages may call, such as `https://example.com`; can be given several times. Without it only the
    /// gateway's own page may
    #[arg(long, env = "COMPUTE_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    pub allow_origin: Vec<HeaderValue>,

    /// The most connections, 1 to 1000000, and fewer if the process may not open so many files. When there are so many, a
    /// new one takes the place of the one that has been without a call for the longest time
    #[arg(
        long, env = "COMPUTE_MAX_CONNECTIONS", value_name = "N", default_value = "10000",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000)
    )]
    pub max_connections: usize,

    /// How long a connection may be without a call, 1s to 1day. Clients then connect again when they next call
    #[arg(
        long, env = "COMPUTE_IDLE_TIMEOUT", value_name = "DURATION", default_value = "10m",
        value_parser = flags::duration(Duration::from_secs(1)..=1440 * MINUTE)
    )]
    pub idle_timeout: Duration,

    /// How long a client may take to send the headers of a request over HTTP/1.1, from the answer before on, 1s to 10m
    #[arg(
        long, env = "COMPUTE_HEADER_TIMEOUT", value_name = "DURATION", default_value = "30s",
        value_parser = flags::duration(Duration::from_secs(1)..=10 * MINUTE)
    )]
    pub header_timeout: Duration,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            tls_certificate: None,
            tls_key: None,
            tls_client_ca: None,
            tokens: None,
            allow_anonymous: false,
            allow_origin: Vec::new(),
            max_connections: 10_000,
            idle_timeout: 10 * MINUTE,
            header_timeout: Duration::from_secs(30),
        }
    }
}

impl EdgeConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            return Err(ConfigError::TlsHalf);
        }
        if self.tls_client_ca.is_some() && self.tls_certificate.is_none() {
            return Err(ConfigError::ClientCaWithoutTls);
        }
        Ok(())
    }

    pub(crate) fn check_address(&self, listen: SocketAddr) -> Result<(), ConfigError> {
        let asks = self.tokens.is_some() || self.tls_client_ca.is_some();
        if asks || self.allow_anonymous || is_loopback(listen) {
            Ok(())
        } else {
            Err(ConfigError::Anonymous { listen })
        }
    }
}

/// Whether an address is of this host alone.
pub(crate) fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// An origin is compared letter by letter with what browsers send: a scheme, a host, and a port unless it is the scheme's own.
fn origin(value: &str) -> Result<HeaderValue, String> {
    let wanted =
        || "an origin as browsers send it is wanted, such as https://example.com or http://localhost:3000".to_owned();
    let uri: Uri = value.parse().map_err(|_| wanted())?;
    let default_port = match uri.scheme_str() {
        Some("https") => 443,
        Some("http") => 80,
        _ => return Err(wanted()),
    };
    let authority = uri.authority().ok_or_else(wanted)?.as_str();
    let is_bare = value.strip_prefix(uri.scheme_str().unwrap_or_default()) == Some(&format!("://{authority}"));
    let is_exact = !authority.contains('@') && value == value.to_lowercase() && uri.port_u16() != Some(default_port);
    if is_bare && is_exact { HeaderValue::from_str(value).map_err(|_| wanted()) } else { Err(wanted()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_sender_has_the_time_for_headers_that_the_readme_says() {
        let readme = include_str!("../../../README.md");
        let row = readme.lines().find(|line| line.starts_with("| `--header-timeout ")).expect("a row of the table");
        let default = row.split('|').nth(3).expect("the column of defaults").trim().trim_matches('`');
        assert_eq!(humantime::parse_duration(default), Ok(EdgeConfig::default().header_timeout));
    }

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for good in ["https://example.com", "http://localhost:3000", "https://[::1]:8443", "http://10.0.0.1"] {
            assert_eq!(origin(good), Ok(HeaderValue::from_static(good)));
        }
        for bad in [
            "*",
            "null",
            "example.com",
            "https://example.com/",
            "https://example.com/page",
            "https://Example.com",
            "https://example.com:443",
            "http://example.com:80",
            "ftp://example.com",
            "https://me@example.com",
            "https://",
            "",
        ] {
            assert!(origin(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn half_of_tls_is_refused() {
        let with = |change: fn(&mut EdgeConfig)| {
            let mut config = EdgeConfig::default();
            change(&mut config);
            config.check()
        };
        assert_eq!(with(|_| {}), Ok(()));
        assert_eq!(with(|config| config.tls_certificate = Some("c".into())), Err(ConfigError::TlsHalf));
        assert_eq!(with(|config| config.tls_key = Some("k".into())), Err(ConfigError::TlsHalf));
        assert_eq!(with(|config| config.tls_client_ca = Some("ca".into())), Err(ConfigError::ClientCaWithoutTls));
    }

    #[test]
    fn beyond_loopback_callers_need_credentials_unless_told_otherwise() {
        let (open, none) = (EdgeConfig::default(), None::<PathBuf>);
        let refused =
            |config: &EdgeConfig, address: &str| config.check_address(address.parse().expect("an address")).is_err();
        for local in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(!refused(&open, local), "{local}");
        }
        for remote in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[::ffff:10.0.0.1]:1"] {
            assert!(refused(&open, remote), "{remote}");
            assert!(!refused(&EdgeConfig { tokens: Some("t".into()), ..open.clone() }, remote));
            assert!(!refused(&EdgeConfig { tls_client_ca: Some("ca".into()), ..open.clone() }, remote));
            assert!(!refused(&EdgeConfig { allow_anonymous: true, ..open.clone() }, remote));
            let tls = EdgeConfig { tls_certificate: Some("c".into()), tokens: none.clone(), ..open.clone() };
            assert!(refused(&tls, remote), "TLS alone says nothing about who calls");
        }
    }
}
