//! The file of bearer tokens: whose each is, and what its tenant may do.
//!
//! The file holds the SHA-256 of tokens, not tokens: who reads it learns nothing to call with. A line is
//!
//! ```text
//! <sha256 of the token, 64 hexadecimal digits> <tenant> [rate=<calls>/s] [in-flight=<calls>]   # a comment
//! ```
//!
//! A tenant may have several tokens, so that one can be replaced by another; they share the tenant's limits, which have to be
//! the same on each of its lines.
//!
//! A token is looked up by its digest. How long that takes may tell something about digests, of which whoever sends tokens has
//! no use: to come near to a digest on purpose, one would have to invert SHA-256.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use compute_proto::validate::is_tenant;
use sha2::{Digest as _, Sha256};

use super::allowance::{Allowance, Limits};
use super::reload::{FileError, Named, Reloaded};

pub(crate) const FLAG: &str = "--tokens";
const RATE_MAX: u32 = 1_000_000;
const IN_FLIGHT_MAX: usize = 1_000_000;

type Sha = [u8; 32];

/// Whose the tokens are.
pub(crate) struct Tokens(HashMap<Sha, Arc<Holder>>);

/// Without the digests: somebody's token may be a word that can be guessed.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tokens").field(&self.0.len()).finish()
    }
}

/// A tenant that has tokens.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) tenant: Arc<str>,
    pub(crate) limits: Limits,
    pub(crate) allowance: Arc<Allowance>,
}

/// What tenants have used. It outlives the changes of the file: to load it anew gives nobody a new allowance.
#[derive(Debug, Default)]
struct Allowances(Mutex<HashMap<Arc<str>, Arc<Allowance>>>);

impl Allowances {
    fn of(&self, tenant: &Arc<str>) -> Arc<Allowance> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(tenant.clone()).or_default().clone()
    }
}

/// Reads the tokens from a file, to be watched.
///
/// # Errors
///
/// When it cannot be read, or holds something else.
pub(crate) fn load(path: std::path::PathBuf) -> Result<Arc<Reloaded<Tokens>>, FileError> {
    let allowances = Allowances::default();
    let parse = move |files: &[Named], contents: &[Vec<u8>]| {
        parse(&contents[0], &allowances).map_err(|reason| files[0].unusable(&reason))
    };
    Reloaded::load(vec![Named { flag: FLAG, path }], Box::new(parse))
}

impl Tokens {
    /// Whose a token is.
    pub(crate) fn holder(&self, token: &[u8]) -> Option<&Holder> {
        self.0.get::<Sha>(&Sha256::digest(token).into()).map(|holder| &**holder)
    }
}

/// What is wrong with a file of tokens. Nothing of a line is repeated: somebody may have put a token there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Malformed {
    #[error("it is not text in UTF-8")]
    Text,
    #[error("it holds no token")]
    Empty,
    #[error("line {0}: the SHA-256 of a token, as 64 hexadecimal digits, and the name of a tenant are wanted")]
    Line(usize),
    #[error(
        "line {0}: after the digest comes a tenant, 1 to 64 letters, digits, '.', '_' and '-', and not a single hyphen"
    )]
    Tenant(usize),
    #[error(
        "line {0}: rate=N/s with N from 1 to {RATE_MAX}, in-flight=N with N from 1 to {IN_FLIGHT_MAX}, each at most once"
    )]
    Limit(usize),
    #[error("line {0}: line {1} has the same token")]
    Twice(usize, usize),
    #[error("line {0}: line {1} has other limits for the same tenant")]
    OtherLimits(usize, usize),
}

fn parse(content: &[u8], allowances: &Allowances) -> Result<Tokens, Malformed> {
    let mut reading = Reading::new(allowances);
    for (number, line) in lines(content)? {
        reading.read(number, line)?;
    }
    reading.finish()
}

/// Looks at a file of tokens: how many there are, or everything that is wrong with it.
///
/// # Errors
///
/// What is wrong. Nothing of a line is repeated.
pub(crate) fn examine(content: &[u8]) -> Result<usize, Vec<String>> {
    let allowances = Allowances::default();
    let mut reading = Reading::new(&allowances);
    let lines = lines(content).map_err(|problem| vec![problem.to_string()])?;
    let problems: Vec<_> = lines
        .filter_map(|(number, line)| reading.read(number, line).err())
        .map(|problem| problem.to_string())
        .collect();
    if problems.is_empty() {
        reading.finish().map(|tokens| tokens.0.len()).map_err(|problem| vec![problem.to_string()])
    } else {
        Err(problems)
    }
}

/// Reads a file's content, with nobody's past.
#[cfg(fuzzing)]
pub(crate) fn read(content: &[u8]) -> Result<Tokens, impl fmt::Display + use<>> {
    parse(content, &Allowances::default())
}

fn lines(content: &[u8]) -> Result<impl Iterator<Item = (usize, &str)>, Malformed> {
    let text = std::str::from_utf8(content).map_err(|_| Malformed::Text)?;
    Ok((1..).zip(text.lines()))
}

/// What was read of a file so far.
struct Reading<'a> {
    allowances: &'a Allowances,
    tokens: HashMap<Sha, Arc<Holder>>,
    token_lines: HashMap<Sha, usize>,
    /// With the line that each came in first.
    holders: HashMap<&'a str, (usize, Arc<Holder>)>,
}

impl<'a> Reading<'a> {
    fn new(allowances: &'a Allowances) -> Self {
        Self { allowances, tokens: HashMap::new(), token_lines: HashMap::new(), holders: HashMap::new() }
    }

    fn read(&mut self, number: usize, line: &'a str) -> Result<(), Malformed> {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(digest) = words.next() else { return Ok(()) };
        let digest: Sha =
            hex::decode(digest).ok().and_then(|digest| digest.try_into().ok()).ok_or(Malformed::Line(number))?;
        let tenant = words.next().ok_or(Malformed::Line(number))?;
        if !is_tenant(tenant) {
            return Err(Malformed::Tenant(number));
        }
        let limits = limits(words).ok_or(Malformed::Limit(number))?;
        if let Some(before) = self.token_lines.insert(digest, number) {
            return Err(Malformed::Twice(number, before));
        }
        let (first, holder) = self.holders.entry(tenant).or_insert_with(|| {
            let tenant = Arc::from(tenant);
            let allowance = self.allowances.of(&tenant);
            (number, Arc::new(Holder { tenant, limits, allowance }))
        });
        if holder.limits != limits {
            return Err(Malformed::OtherLimits(number, *first));
        }
        self.tokens.insert(digest, holder.clone());
        Ok(())
    }

    fn finish(self) -> Result<Tokens, Malformed> {
        if self.tokens.is_empty() { Err(Malformed::Empty) } else { Ok(Tokens(self.tokens)) }
    }
}

fn limits<'a>(words: impl Iterator<Item = &'a str>) -> Option<Limits> {
    let mut limits = Limits::default();
    for word in words {
        match word.split_once('=')? {
            ("rate", rate) if limits.rate.is_none() => {
                let rate = rate.strip_suffix("/s")?.parse::<NonZeroU32>().ok()?;
                limits.rate = Some(rate).filter(|rate| rate.get() <= RATE_MAX);
                limits.rate?;
            }
            ("in-flight", calls) if limits.in_flight.is_none() => {
                let calls = calls.parse().ok()?;
                limits.in_flight = Some(calls).filter(|calls| (1..=IN_FLIGHT_MAX).contains(calls));
                limits.in_flight?;
            }
            _ => return None,
        }
    }
    Some(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(token: &str) -> String {
        hex::encode(Sha256::digest(token))
    }

    fn read(text: &str) -> Result<Tokens, Malformed> {
        parse(text.as_bytes(), &Allowances::default())
    }

    #[test]
    fn a_token_belongs_to_the_tenant_of_its_line() {
        let text = format!(
            "# our callers\n\n{} acme rate=10/s in-flight=5 # until June\n  {}\tzeta\n{} acme in-flight=5 rate=10/s\n",
            digest("one"),
            digest("two").to_uppercase(),
            digest("three"),
        );
        let tokens = read(&text).expect("it is well-formed");
        let tenant = |token: &str| tokens.holder(token.as_bytes()).map(|holder| (&*holder.tenant, holder.limits));
        let acme = Limits { rate: NonZeroU32::new(10), in_flight: Some(5) };
        assert_eq!(tenant("one"), Some(("acme", acme)));
        assert_eq!(tenant("three"), Some(("acme", acme)));
        assert_eq!(tenant("two"), Some(("zeta", Limits::default())));
        for stranger in ["", "on", "one ", "four", &digest("one")] {
            assert_eq!(tenant(stranger), None, "{stranger:?}");
        }
        assert_eq!(format!("{tokens:?}"), "Tokens(3)");
        let allowance = |token: &[u8]| tokens.holder(token).map(|holder| Arc::as_ptr(&holder.allowance));
        assert_eq!(allowance(b"one"), allowance(b"three"), "two tokens do not make two allowances");
    }

    #[test]
    fn to_load_a_file_anew_gives_nobody_a_new_allowance() {
        let allowances = Allowances::default();
        let (before, after) = (format!("{} acme", digest("one")), format!("{} acme rate=1/s", digest("two")));
        let before = parse(before.as_bytes(), &allowances).expect("well-formed");
        let after = parse(after.as_bytes(), &allowances).expect("well-formed");
        let (before, after) = (before.holder(b"one").expect("hers"), after.holder(b"two").expect("hers"));
        assert!(Arc::ptr_eq(&before.allowance, &after.allowance));
    }

    #[test]
    fn a_malformed_line_is_named_and_not_repeated() {
        let good = digest("a");
        for (text, expected) in [
            (String::new(), Malformed::Empty),
            ("# nothing\n".to_owned(), Malformed::Empty),
            ("secret acme".to_owned(), Malformed::Line(1)),
            (format!("\n{good}"), Malformed::Line(2)),
            (format!("{}0 acme", &good[..62]), Malformed::Line(1)),
            (format!("{good} a/b"), Malformed::Tenant(1)),
            (format!("{good} -"), Malformed::Tenant(1)),
            (format!("{good} acme rate=10"), Malformed::Limit(1)),
            (format!("{good} acme rate=0/s"), Malformed::Limit(1)),
            (format!("{good} acme rate=1000001/s"), Malformed::Limit(1)),
            (format!("{good} acme rate=1/s rate=1/s"), Malformed::Limit(1)),
            (format!("{good} acme in-flight=-1"), Malformed::Limit(1)),
            (format!("{good} acme burst=1"), Malformed::Limit(1)),
            (format!("{good} acme admin"), Malformed::Limit(1)),
            (format!("{good} acme\n{good} zeta"), Malformed::Twice(2, 1)),
            (format!("{good} acme\n{} acme rate=1/s", digest("b")), Malformed::OtherLimits(2, 1)),
        ] {
            let error = read(&text).expect_err(&text);
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("secret"));
        }
        assert_eq!(parse(b"\xff", &Allowances::default()).expect_err("no text"), Malformed::Text);
    }
}
