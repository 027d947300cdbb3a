//! What an X.509 certificate says of itself (RFC 5280), as far as a doctor wants to know. TLS reads certificates by itself.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};
use x509_cert::{Certificate as Parsed, TbsCertificate};

use crate::edge::reload::{FileError, Named};
use crate::edge::tls;

/// When a certificate that expires so soon should be on somebody's mind. Those that are renewed by programs are renewed before.
pub(super) const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// A certificate.
pub(super) struct Certificate(Parsed);

/// Reads the certificates of a file, at least one.
///
/// # Errors
///
/// When there is none, or one is none.
pub(super) fn read(file: &Named, content: &[u8]) -> Result<Vec<Certificate>, FileError> {
    let certificates = tls::certificates(file, content)?;
    certificates.iter().zip(1..).map(|(certificate, number)| parse(file, certificate, number)).collect()
}

fn parse(file: &Named, certificate: &CertificateDer<'_>, number: usize) -> Result<Certificate, FileError> {
    let parsed = Parsed::from_der(certificate);
    parsed.map(Certificate).map_err(|error| file.unusable(&format!("number {number} is no certificate: {error}")))
}

impl Certificate {
    fn content(&self) -> &TbsCertificate {
        self.0.tbs_certificate()
    }

    /// The hosts that it is for: DNS names and addresses.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.content().get_extension::<SubjectAltName>().ok().flatten();
        names.iter().flat_map(|(_critical, names)| &names.0).filter_map(host).collect()
    }

    /// Whether it may sign others.
    pub(super) fn is_authority(&self) -> bool {
        let constraints = self.content().get_extension::<BasicConstraints>();
        constraints.is_ok_and(|constraints| constraints.is_some_and(|(_critical, constraints)| constraints.ca))
    }

    /// Whether it names the other one as its issuer.
    pub(super) fn is_issued_by(&self, other: &Self) -> bool {
        self.content().issuer() == other.content().subject()
    }

    pub(super) fn subject(&self) -> String {
        self.content().subject().to_string()
    }

    pub(super) fn issuer(&self) -> String {
        self.content().issuer().to_string()
    }

    pub(super) fn not_before(&self) -> SystemTime {
        self.content().validity().not_before.to_system_time()
    }

    pub(super) fn not_after(&self) -> SystemTime {
        self.content().validity().not_after.to_system_time()
    }

    /// [`Self::not_before`], to be read.
    pub(super) fn valid_from(&self) -> String {
        self.content().validity().not_before.to_string()
    }

    /// [`Self::not_after`], to be read.
    pub(super) fn valid_until(&self) -> String {
        self.content().validity().not_after.to_string()
    }
}

fn host(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(address) => {
            let bytes = address.as_bytes();
            let address = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            address.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}
