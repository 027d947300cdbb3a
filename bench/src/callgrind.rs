//! What callgrind has counted: instructions by function, read from the files it writes.
//!
//! The format is that of <https://valgrind.org/docs/manual/cl-format.html>: lines `fn=(id) name` say whose costs follow, names stand
//! only where an id comes for the first time, and the line after `calls=` has the cost of the called function, which is counted
//! there already. So what is left is each function's self cost; code that the compiler has inlined counts for the function it
//! was inlined into.

use std::collections::{BTreeMap, HashMap};

/// Instructions that each function has executed itself, by its name.
pub(crate) fn self_costs(text: &str) -> BTreeMap<String, u64> {
    let (mut names, mut costs) = (HashMap::new(), BTreeMap::new());
    let (mut current, mut is_of_call) = (String::new(), false);
    for line in text.lines() {
        if let Some(function) = line.strip_prefix("fn=") {
            current = name(function, &mut names);
        } else if let Some(function) = line.strip_prefix("cfn=") {
            name(function, &mut names);
        } else if line.starts_with("calls=") {
            is_of_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost = line.split_whitespace().nth(1).and_then(|cost| cost.parse::<u64>().ok());
            if let (false, Some(cost)) = (is_of_call, cost) {
                *costs.entry(current.clone()).or_default() += cost;
            }
            is_of_call = false;
        }
    }
    costs
}

/// The name that `(id) name` or `(id)` stands for.
fn name(text: &str, names: &mut HashMap<String, String>) -> String {
    match text.split_once(' ') {
        Some((id, name)) => {
            names.insert(id.to_owned(), name.to_owned());
            name.to_owned()
        }
        None => names.get(text).cloned().unwrap_or_default(),
    }
}

/// The crate whose code a function is. A library's generic function stays the library's, whatever types it is made for:
/// `<tower::util::Oneshot<compute_gateway::Calls> as Future>::poll` is code of `tower`. A trait that is implemented for a type of
/// another crate counts for that type.
pub(crate) fn crate_of(function: &str) -> &str {
    // `<&mut A as B>::c`, `<<A as B>::C as D>::e`, `<[A] as B>::c`, `<dyn A as B>::c`
    let function = function.trim_start_matches(['<', '&', '[', '(', '*']);
    let function = ["mut ", "const ", "dyn "].into_iter().fold(function, |rest, word| rest.trim_start_matches(word));
    let end = function.find(|other: char| !other.is_alphanumeric() && other != '_').unwrap_or(function.len());
    &function[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_of_what_a_function_calls_is_not_its_own() {
        let text = "events: Ir\n\nfl=(1) a.rs\nfn=(1) one::a\n16 400\n+1 30\ncfn=(2) two::b\ncalls=1 50\n16 1000\n* 7\n\nfn=(2)\n51 1000\n";
        let costs = self_costs(text);
        assert_eq!(costs, BTreeMap::from([("one::a".to_owned(), 437), ("two::b".to_owned(), 1000)]));
    }

    #[test]
    fn a_function_belongs_to_the_crate_that_wrote_it() {
        for (function, wanted) in [
            ("compute_gateway::service::Compute::compute::{{closure}}", "compute_gateway"),
            ("<sqs_rpc::queue::Queue as core::fmt::Debug>::fmt", "sqs_rpc"),
            ("<tower::util::Oneshot<compute_gateway::calls::Calls> as core::future::Future>::poll", "tower"),
            ("core::ptr::drop_in_place<compute_gateway::Config>", "core"),
            ("<&mut dyn sqs_rpc::A as B>::c", "sqs_rpc"),
            ("malloc", "malloc"),
        ] {
            assert_eq!(crate_of(function), wanted, "{function}");
        }
    }
}
