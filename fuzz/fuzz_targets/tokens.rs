//! A file of bearer tokens, read a second time in the plainest way.

#![no_main]

use std::collections::HashMap;

use compute_gateway::fuzzing::{holder, tokens};
use libfuzzer_sys::fuzz_target;

/// A token, and its SHA-256, which seeds and cases have.
const TOKEN: &[u8] = b"secret";
const DIGEST: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

/// What a line says of a tenant: calls in a second, calls in flight.
type Limits = (Option<u32>, Option<usize>);

fuzz_target!(|bytes: &[u8]| {
    let expected = std::str::from_utf8(bytes).ok().and_then(read);
    let count = tokens(bytes);
    let mine = holder(bytes, TOKEN);
    assert_eq!(holder(bytes, b"a token of nobody").is_ok(), mine.is_ok());
    match (&expected, &count, &mine) {
        (Some(file), Ok(count), Ok(mine)) => {
            assert_eq!(file.len(), *count);
            let expected = file.get(DIGEST).map(|(tenant, limits)| (tenant.to_string(), limits.0, limits.1));
            assert_eq!(*mine, expected);
        }
        (None, Err(problems), Err(problem)) => {
            // The gateway stops at the first problem, a doctor tells all; neither repeats anything of the file.
            assert!(problems.contains(problem), "{problem:?} is not among {problems:?}");
            assert!(problems.iter().all(|problem| problem.len() < 200), "{problems:?}");
        }
        _ => panic!("{count:?} and {mine:?}, not {expected:?}"),
    }
});

/// The definition, written down in another way: the tokens by their digests, or nothing if any line is wrong.
fn read(text: &str) -> Option<HashMap<String, (&str, Limits)>> {
    let (mut tokens, mut tenants) = (HashMap::new(), HashMap::new());
    for line in text.lines() {
        let words: Vec<_> = line.split_once('#').map_or(line, |(before, _)| before).split_whitespace().collect();
        let [digest, tenant, limits @ ..] = &words[..] else {
            if words.is_empty() {
                continue;
            }
            return None;
        };
        let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_tenant = (1..=64).contains(&tenant.len())
            && tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            && *tenant != "-";
        let limits = read_limits(limits)?;
        let is_new = tokens.insert(digest.to_lowercase(), (*tenant, limits)).is_none();
        if !is_digest || !is_tenant || !is_new || *tenants.entry(*tenant).or_insert(limits) != limits {
            return None;
        }
    }
    (!tokens.is_empty()).then_some(tokens)
}

fn read_limits(words: &[&str]) -> Option<Limits> {
    let (mut rate, mut in_flight) = (None, None);
    for word in words {
        if let Some(number) = word.strip_prefix("rate=") {
            let number = number.strip_suffix("/s")?.parse().ok()?;
            (rate.is_none() && (1..=1_000_000).contains(&number)).then(|| rate = Some(number))?;
        } else {
            let number = word.strip_prefix("in-flight=")?.parse().ok()?;
            (in_flight.is_none() && (1..=1_000_000).contains(&number)).then(|| in_flight = Some(number))?;
        }
    }
    Some((rate, in_flight))
}
