//! The files of the edge: certificate, key, the CA of clients, tokens. Only those that the flags name are looked at.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::time::SystemTime;

use compute_doctor::Finding;

use super::certificate::{self, Certificate};
use crate::edge::config::EdgeConfig;
use crate::edge::reload::{FileError, Named};
use crate::edge::{tls, tokens};

/// Whom the units of `deploy/` let read the files.
const MEND_READING: &str =
    "put it there, and let the user of the gateway read it: `chgrp compute FILE; chmod 640 FILE`";

/// Looks at the files that these flags name. `now` is what times in certificates are compared with.
pub(super) fn examine(config: &EdgeConfig, now: SystemTime) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let (Some(certificate), Some(key)) = (&config.tls_certificate, &config.tls_key) {
        findings.extend(of_certificate(&named(tls::CERTIFICATE, certificate), now));
        findings.extend(of_key(config, &named(tls::KEY, key)));
    }
    if let Some(client_ca) = &config.tls_client_ca {
        findings.extend(of_client_ca(config, &named(tls::CLIENT_CA, client_ca), now));
    }
    if let Some(tokens) = &config.tokens {
        findings.extend(of_tokens(&named(tokens::FLAG, tokens)));
    }
    findings
}

fn named(flag: &'static str, path: &std::path::Path) -> Named {
    Named { flag, path: path.to_owned() }
}

fn of_certificate(file: &Named, now: SystemTime) -> Vec<Finding> {
    let what = "certificate";
    let chain = match read(file).and_then(|content| certificate::read(file, &content)) {
        Ok(chain) => chain,
        Err(error) => {
            return vec![unusable(what, &error, "write the certificate and those it was signed with, in PEM")];
        }
    };
    vec![
        Finding::ok(what, format!("{}: {} in PEM", file.path.display(), certificates(chain.len()))),
        names(&chain[0]),
        order(&chain),
        expiry("certificate: time", &chain, now),
    ]
}

/// Clients look for the host that they call among these, and nowhere else (RFC 9525, section 2).
fn names(own: &Certificate) -> Finding {
    let what = "certificate: names";
    match own.names() {
        names if !names.is_empty() => Finding::ok(what, names.join(", ")),
        _ => Finding::fail(
            what,
            "it names no host, so no client takes it",
            "have one issued that names the hosts by which callers reach the gateway as subjectAltName",
        ),
    }
}

fn order(chain: &[Certificate]) -> Finding {
    let what = "certificate: chain";
    match chain.windows(2).position(|pair| !pair[0].is_issued_by(&pair[1])) {
        None if chain.len() == 1 => {
            Finding::ok(what, format!("it alone, issued by {}: callers must know that one", chain[0].issuer()))
        }
        None => Finding::ok(what, format!("up to one that was issued by {}", chain[chain.len() - 1].issuer())),
        Some(index) => Finding::warn(
            what,
            format!(
                "number {} was not issued by number {}, which follows it: some clients refuse that",
                index + 1,
                index + 2
            ),
            "write the gateway's own certificate first, and after each the one that it was signed with",
        ),
    }
}

/// The first to expire decides.
fn expiry(what: &str, certificates: &[Certificate], now: SystemTime) -> Finding {
    let renew = "have it renewed; the gateway takes a new file without a restart";
    let Some(first) = certificates.iter().min_by_key(|certificate| certificate.not_after()) else {
        return Finding::skip(what, "no certificate");
    };
    if let Some(early) = certificates.iter().find(|certificate| certificate.not_before() > now) {
        let detail = format!("that of {} is valid from {} on", early.subject(), early.valid_from());
        return Finding::fail(what, detail, "wait, or set the clock of this host");
    }
    let until = format!("that of {} is valid until {}", first.subject(), first.valid_until());
    match first.not_after().duration_since(now) {
        Err(_) => Finding::fail(what, format!("{until}: it has expired"), renew),
        Ok(left) if left < certificate::SOON => {
            Finding::warn(what, format!("{until}: {}", days(left.as_secs())), renew)
        }
        Ok(left) => Finding::ok(what, format!("{until}: {}", days(left.as_secs()))),
    }
}

fn of_key(config: &EdgeConfig, file: &Named) -> Vec<Finding> {
    let what = "key";
    let alone = EdgeConfig { tls_client_ca: None, ..config.clone() };
    let fits = match read(file).and_then(|_| tls::load(&alone)) {
        Ok(_) => Finding::ok(what, format!("{}: it is the certificate's", file.path.display())),
        Err(error) if error.flag() == file.flag => {
            let mend = "write the key with which the certificate was applied for, in PEM, without a passphrase";
            unusable(what, &error, mend)
        }
        Err(_) => Finding::skip(what, "without the certificate it is not to be told whether it is its key"),
    };
    [Some(fits), secrecy("key: permissions", file)].into_iter().flatten().collect()
}

fn of_client_ca(config: &EdgeConfig, file: &Named, now: SystemTime) -> Vec<Finding> {
    let what = "client CA";
    let mend = "write the certificates of those who sign the certificates of callers, in PEM";
    let authorities = match read(file).and_then(|content| certificate::read(file, &content)) {
        Ok(authorities) => authorities,
        Err(error) => return vec![unusable(what, &error, mend)],
    };
    // What TLS makes of it, if all else is well.
    let taken = match tls::load(config) {
        Err(error) if error.flag() == file.flag => unusable(what, &error, mend),
        _ => match authorities.iter().find(|certificate| !certificate.is_authority()) {
            Some(other) => Finding::fail(what, format!("{} may sign no certificates", other.subject()), mend),
            None => Finding::ok(what, format!("{}: {} in PEM", file.path.display(), certificates(authorities.len()))),
        },
    };
    vec![taken, expiry("client CA: time", &authorities, now)]
}

fn of_tokens(file: &Named) -> Vec<Finding> {
    let what = "tokens";
    let mend = "write each line as `<sha256 of the token, in hex> <tenant> [rate=N/s] [in-flight=N]`";
    let lines = match read(file).map(|content| tokens::examine(&content)) {
        Ok(Ok(count)) => {
            Finding::ok(what, format!("{}: {count} in all, every line is well-formed", file.path.display()))
        }
        Ok(Err(problems)) => unusable(what, &file.unusable(&problems.join("; ")), mend),
        Err(error) => unusable(what, &error, mend),
    };
    [Some(lines), secrecy("tokens: permissions", file)].into_iter().flatten().collect()
}

fn read(file: &Named) -> Result<Vec<u8>, FileError> {
    file.read()
}

fn unusable(what: &str, error: &FileError, mend: &str) -> Finding {
    let mend = match error {
        FileError::Unreadable { .. } => MEND_READING,
        FileError::Unusable { .. } => mend,
    };
    Finding::fail(what, error, mend)
}

/// Whether nobody but its owner and its group may read a file; nothing if it is not to be seen.
fn secrecy(what: &str, file: &Named) -> Option<Finding> {
    let mode = std::fs::metadata(&file.path).as_ref().map(Metadata::permissions).ok()?.mode() & 0o777;
    let detail = format!("{mode:03o}");
    Some(if mode & 0o007 == 0 {
        Finding::ok(what, detail)
    } else {
        Finding::warn(
            what,
            format!("{detail}: every user of this host may get at it"),
            format!("chmod 640 {}", file.path.display()),
        )
    })
}

fn certificates(count: usize) -> String {
    if count == 1 { "one certificate".to_owned() } else { format!("{count} certificates") }
}

fn days(seconds: u64) -> String {
    match seconds / (24 * 60 * 60) {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}
