//! The caller's trace context, handed on to the worker.
//!
//! The form is that of [W3C Trace Context](https://www.w3.org/TR/trace-context/#traceparent-header), version 00:
//! `00-<trace id, 32 hex digits>-<parent id, 16>-<flags, 2>`, in lower case; ids of zeros only are invalid.

/// The metadata entry.
pub(crate) const KEY: &str = "traceparent";

/// The value, if it is well-formed. One that is not is dropped, as the standard asks: the call counts, not its trace.
pub(crate) fn parse(value: &str) -> Option<String> {
    let mut parts = value.split('-');
    let mut next = |digits: usize| {
        let is_hex = |part: &&str| part.len() == digits && part.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        parts.next().filter(is_hex)
    };
    let is_zero = |part: &str| part.bytes().all(|c| c == b'0');
    let (version, trace, parent, _flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
    let is_well_formed = version == "00" && !is_zero(trace) && !is_zero(parent) && parts.next().is_none();
    is_well_formed.then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_standards_form_is_handed_on() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(parse(good).as_deref(), Some(good));
        for bad in [
            "",
            "00",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
