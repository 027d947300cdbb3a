//! The names of objects in the bucket.

use compute_proto::validate::{MAX_TENANT, is_tenant};
use time::{Date, OffsetDateTime};
use uuid::{Uuid, Variant, Version};

/// The largest time that the 13 digits of a key can count down from: in the year 2286.
const MAX_MS: u64 = 9_999_999_999_999;

/// Why there is no key for an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The operation id is of another kind, so that no time can be read from it.
    #[error("operation id {0} is not a UUID of version 7")]
    Id(Uuid),
    /// The operation id is from a time after the year 2286.
    #[error("operation id {id} is of the Unix millisecond {ms}, at most {MAX_MS} is allowed")]
    Time {
        /// The operation id.
        id: Uuid,
        /// The time in it.
        ms: u64,
    },
    /// The tenant's name is not 1 to 64 of the characters `A-Z a-z 0-9 . _ -`, or it is the single hyphen that stands for no
    /// tenant.
    #[error(
        "tenant {0:?} is not 1 to {MAX_TENANT} letters, digits, dots, underscores and hyphens, or is a single hyphen"
    )]
    Tenant(String),
}

/// The key of the record of an operation:
/// `operations/tenant=<tenant or ->/dt=YYYY-MM-DD/<9999999999999 - ms, 13 digits>-<operation id>.json`.
///
/// A function of tenant and id, so that a repeated delivery writes to the same key. Day (UTC) and milliseconds are those in the
/// UUIDv7 (RFC 9562, section 5.7). Within a day the keys of later operations come first in a listing.
///
/// # Errors
///
/// See [`KeyError`].
pub fn record(tenant: Option<&str>, id: Uuid) -> Result<String, KeyError> {
    let folder = tenant_folder(tenant)?;
    let ms = milliseconds(id)?;
    let countdown = MAX_MS.checked_sub(ms).ok_or(KeyError::Time { id, ms })?;
    let seconds = i64::try_from(ms / 1000).map_err(|_| KeyError::Time { id, ms })?;
    let day = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| KeyError::Time { id, ms })?.date();
    Ok(format!("{}{countdown:013}-{id}.json", day_folder(&folder, day)))
}

/// The folder of a tenant's records: `operations/tenant=<tenant or ->/`.
pub(crate) fn tenant_folder(tenant: Option<&str>) -> Result<String, KeyError> {
    Ok(format!("operations/tenant={}/", tenant_or_none(tenant)?))
}

/// The folder of a day below that of a tenant: `<tenant's folder>dt=YYYY-MM-DD/`.
pub(crate) fn day_folder(tenant_folder: &str, day: Date) -> String {
    let (year, month, day) = (day.year(), u8::from(day.month()), day.day());
    format!("{tenant_folder}dt={year:04}-{month:02}-{day:02}/")
}

/// The key of the claim on an operation id: `claims/tenant=<tenant or ->/<operation id>`.
pub(crate) fn claim(tenant: Option<&str>, id: Uuid) -> Result<String, KeyError> {
    milliseconds(id)?;
    Ok(format!("claims/tenant={}/{id}", tenant_or_none(tenant)?))
}

/// The key of a payload: `payloads/<uuid>`.
pub fn payload(id: Uuid) -> String {
    format!("payloads/{id}")
}

fn tenant_or_none(tenant: Option<&str>) -> Result<&str, KeyError> {
    match tenant {
        None => Ok("-"),
        Some(tenant) if is_tenant(tenant) => Ok(tenant),
        Some(tenant) => Err(KeyError::Tenant(tenant.chars().take(MAX_TENANT).collect())),
    }
}

/// The Unix milliseconds in a UUIDv7: its first 48 bits.
pub(crate) fn milliseconds(id: Uuid) -> Result<u64, KeyError> {
    match (id.get_version(), id.get_variant()) {
        (Some(Version::SortRand), Variant::RFC4122) => Ok(id.as_u64_pair().0 >> 16),
        _ => Err(KeyError::Id(id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A UUIDv7 of that time.
    fn id(ms: u64) -> Uuid {
        uuid::Builder::from_unix_timestamp_millis(ms, &[7; 10]).into_uuid()
    }

    #[test]
    fn a_key_is_made_of_tenant_and_id_alone() {
        let id = Uuid::parse_str("0197a1c2-d3e4-7f56-8123-456789abcdef").expect("a UUID");
        let rest = "dt=2025-06-24/8249234410523-0197a1c2-d3e4-7f56-8123-456789abcdef.json";
        assert_eq!(record(None, id), Ok(format!("operations/tenant=-/{rest}")));
        assert_eq!(record(Some("Acme_1.x-y"), id), Ok(format!("operations/tenant=Acme_1.x-y/{rest}")));
    }

    #[test]
    fn days_begin_and_end_at_midnight_utc() {
        let day = |ms| record(None, id(ms)).map(|key| key[20..33].to_owned());
        assert_eq!(day(0).as_deref(), Ok("dt=1970-01-01"));
        assert_eq!(day(86_399_999).as_deref(), Ok("dt=1970-01-01"));
        assert_eq!(day(86_400_000).as_deref(), Ok("dt=1970-01-02"));
        assert_eq!(day(951_782_400_000).as_deref(), Ok("dt=2000-02-29"));
        assert_eq!(day(MAX_MS).as_deref(), Ok("dt=2286-11-20"));
    }

    #[test]
    fn later_operations_of_a_day_come_first() {
        let keys: Vec<_> =
            [1_700_000_002_000, 1_700_000_001_999, 1_700_000_000_000].map(|ms| record(None, id(ms))).into();
        assert!(keys.iter().flatten().is_sorted(), "{keys:?}");
        assert_eq!(keys.iter().flatten().count(), 3);
    }

    #[test]
    fn an_id_without_a_usable_time_is_refused() {
        for text in ["00000000-0000-0000-0000-000000000000", "6fa459ea-ee8a-4ca4-894e-db77e160355e"] {
            let id = Uuid::parse_str(text).expect("a UUID");
            assert_eq!(record(None, id), Err(KeyError::Id(id)));
        }
        let (ms, late) = (MAX_MS + 1, id(MAX_MS + 1));
        assert_eq!(record(None, late), Err(KeyError::Time { id: late, ms }));
        assert!(record(None, id((1 << 48) - 1)).is_err());
    }

    #[test]
    fn a_tenant_cannot_leave_its_folder_or_pass_for_none() {
        let long = "x".repeat(65);
        for tenant in ["", "-", "a/b", "../x", "a b", "é", "a\n", &long] {
            assert!(matches!(record(Some(tenant), id(1)), Err(KeyError::Tenant(_))), "{tenant:?}");
        }
        assert!(record(Some(&long[..64]), id(1)).is_ok());
    }
}
