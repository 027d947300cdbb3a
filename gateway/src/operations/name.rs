//! The names of operations, and the ids in them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use compute_proto::validate::FieldViolation;
use uuid::{Uuid, Variant, Version};

/// What every name starts with.
const COLLECTION: &str = "operations/";

/// How far ahead of this host's clock the clock may be that made an id.
const MAX_AHEAD: Duration = Duration::from_secs(60);

/// How long after an id was made a request can have it for the first time.
pub(crate) const CLAIM_TIME: Duration = Duration::from_secs(24 * 3600);

/// `operations/<id>`.
pub(crate) fn name(id: Uuid) -> String {
    format!("{COLLECTION}{id}")
}

/// The id in a name.
///
/// # Errors
///
/// When it is not the name of an operation that can be.
pub(crate) fn id_in(name: &str) -> Result<Uuid, FieldViolation> {
    let violation = |description: String| FieldViolation { field: "name".to_owned(), description };
    let id = name.strip_prefix(COLLECTION).and_then(parse);
    let id = id.ok_or_else(|| violation(format!("{COLLECTION}<id> is wanted, the id {FORM}")))?;
    age(id).map_err(|Ahead| violation("the id is of a time to come".to_owned()))?;
    Ok(id)
}

/// An id that a caller chose, in the field of this name.
///
/// # Errors
///
/// When it is no id, or is of a time to come.
pub(crate) fn chosen(id: &str, field: &str) -> Result<Uuid, FieldViolation> {
    let violation = |description: String| FieldViolation { field: field.to_owned(), description };
    let id = parse(id).ok_or_else(|| violation(format!("{FORM} is wanted")))?;
    age(id).map_err(|Ahead| violation("the id is of a time to come".to_owned()))?;
    Ok(id)
}

/// What an id looks like.
const FORM: &str = "a UUID of version 7 in lower case with hyphens";

/// There is one way to write an id, so that the same one is the same text everywhere.
fn parse(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    let is_v7 = id.get_version() == Some(Version::SortRand) && id.get_variant() == Variant::RFC4122;
    let mut buffer = Uuid::encode_buffer();
    (is_v7 && id.hyphenated().encode_lower(&mut buffer) == text).then_some(id)
}

/// The id is of a time to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ahead;

/// How old an id is by this host's clock; nothing for one that is a little ahead of it.
pub(crate) fn age(id: Uuid) -> Result<Duration, Ahead> {
    let (now, made) = (SystemTime::now(), UNIX_EPOCH + since_epoch(id));
    match now.duration_since(made) {
        Ok(age) => Ok(age),
        Err(ahead) if ahead.duration() <= MAX_AHEAD => Ok(Duration::ZERO),
        Err(_) => Err(Ahead),
    }
}

/// When an id was made, as a time since 1970: the first 48 bits are milliseconds (RFC 9562, section 5.7).
pub(crate) fn since_epoch(id: Uuid) -> Duration {
    Duration::from_millis(id.as_u64_pair().0 >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(ahead_ms: i64) -> Uuid {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        let ms = i64::try_from(now).expect("in range") + ahead_ms;
        uuid::Builder::from_unix_timestamp_millis(ms.unsigned_abs(), &[7; 10]).into_uuid()
    }

    #[test]
    fn a_name_reads_back() {
        let id = Uuid::now_v7();
        assert_eq!(id_in(&name(id)), Ok(id));
        assert_eq!(chosen(&id.to_string(), "operation_id"), Ok(id));
    }

    #[test]
    fn what_is_not_the_one_way_to_write_an_id_is_refused_by_field() {
        let id = Uuid::now_v7();
        let (v4, nil) = (Uuid::new_v4(), Uuid::nil());
        let other_variant = Uuid::from_u128(id.as_u128() | 0xc000 << 48);
        for text in [
            String::new(),
            "operations/".to_owned(),
            id.to_string(),
            format!("operation/{id}"),
            format!("operations//{id}"),
            format!("operations/{id}/"),
            format!("operations/{id} "),
            format!("operations/{}", id.to_string().to_uppercase()),
            format!("operations/{}", id.simple()),
            format!("operations/{}", id.braced()),
            format!("operations/{}", id.urn()),
            format!("operations/{v4}"),
            format!("operations/{nil}"),
            format!("operations/{other_variant}"),
            format!("operations/{}", "x".repeat(1 << 20)),
        ] {
            let violation = id_in(&text).expect_err(&text);
            assert_eq!(violation.field, "name");
            assert!(violation.description.len() < 200);
            let rest = text.strip_prefix(COLLECTION).unwrap_or("no id");
            assert_eq!(chosen(rest, "request.operation_id").expect_err(&text).field, "request.operation_id");
        }
    }

    #[test]
    fn an_id_may_be_a_minute_ahead_and_no_more() {
        assert_eq!(age(made(50_000)), Ok(Duration::ZERO));
        assert_eq!(age(made(70_000)), Err(Ahead));
        assert!(id_in(&name(made(70_000))).is_err_and(|violation| violation.description.contains("time to come")));
        assert!(chosen(&made(70_000).to_string(), "operation_id").is_err());
        let age = age(made(-3_600_000)).expect("it is of the past");
        assert!((3_600..3_700).contains(&age.as_secs()), "{age:?}");
        let last = uuid::Builder::from_unix_timestamp_millis((1 << 48) - 1, &[255; 10]).into_uuid();
        assert_eq!(super::age(last), Err(Ahead));
    }
}
