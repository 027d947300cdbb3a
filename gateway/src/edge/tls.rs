//! TLS on the port: the gateway's certificate, and whose client certificates it takes.

use std::sync::Arc;

use compute_proto::validate::is_tenant;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::config::EdgeConfig;
use super::reload::{FileError, Named, Reloaded};

pub(crate) const CERTIFICATE: &str = "--tls-certificate";
pub(crate) const KEY: &str = "--tls-key";
pub(crate) const CLIENT_CA: &str = "--tls-client-ca";

/// What is spoken inside, the one that is preferred first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Reads certificate, key and the CA of clients, to be watched; none if there is to be no TLS.
///
/// # Errors
///
/// When one of the files cannot be read or is of no use, or when key and certificate do not belong together.
pub(crate) fn load(config: &EdgeConfig) -> Result<Option<Arc<Reloaded<ServerConfig>>>, FileError> {
    let named = |flag, path: &Option<std::path::PathBuf>| path.clone().map(|path| Named { flag, path });
    let certificate = named(CERTIFICATE, &config.tls_certificate);
    let key = named(KEY, &config.tls_key);
    let (Some(certificate), Some(key)) = (certificate, key) else { return Ok(None) };
    let client_ca = named(CLIENT_CA, &config.tls_client_ca);
    let files = [certificate, key].into_iter().chain(client_ca).collect();
    Reloaded::load(files, Box::new(parse)).map(Some)
}

fn parse(files: &[Named], contents: &[Vec<u8>]) -> Result<ServerConfig, FileError> {
    let chain = certificates(&files[0], &contents[0])?;
    let key = PrivateKeyDer::from_pem_slice(&contents[1])
        .map_err(|_| files[1].unusable("a private key in PEM is wanted, without a passphrase"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| files[0].unusable(&error))?;
    let builder = match (files.get(2), contents.get(2)) {
        (Some(file), Some(content)) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(file, content)? {
                roots.add(certificate).map_err(|error| file.unusable(&error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| file.unusable(&error))?)
        }
        _ => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => files[1].unusable("it is not the key of the certificate"),
        // Its errors are about the key's form, and hold nothing of it.
        error => files[1].unusable(&error),
    })?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

/// The certificates in a file, at least one.
///
/// # Errors
///
/// When there is none, or something that is not PEM.
pub(crate) fn certificates(file: &Named, content: &[u8]) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(content).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(file.unusable("certificates in PEM are wanted")),
    }
}

/// The tenant that a client certificate names: its one DNS name (`subjectAltName`), if that can be a tenant's name.
///
/// The common name does not count. It is free text, which CAs check less than names that have a type (RFC 9525, section 2).
pub(crate) fn tenant(certificate: &CertificateDer<'_>) -> Option<Arc<str>> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    let mut names = certificate.valid_dns_names();
    match (names.next(), names.next()) {
        (Some(name), None) if is_tenant(name) => Some(Arc::from(name)),
        _ => None,
    }
}
