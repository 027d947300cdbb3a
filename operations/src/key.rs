//! The names of objects in the bucket.

mod batch;

use compute_proto::validate::{MAX_TENANT, is_tenant};
use time::{Date, OffsetDateTime};
use uuid::{Uuid, Variant, Version};

pub(crate) use self::batch::{BatchName, batch_day_folder, batch_folder};

/// The largest time that the 13 digits of a key can count down from: in the year 2286.
const MAX_MS: u64 = 9_999_999_999_999;

/// The folder of records, each in an object of its own, and of dead marks.
pub(crate) const OPERATIONS: &str = "operations/";

/// The folder of batches.
pub(crate) const BATCHES: &str = "batches/";

/// What the names of records and of dead marks end with.
const RECORD: &str = ".json";
const DEAD_MARK: &str = ".dead.json";

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
    of_operation(tenant, id, RECORD)
}

/// The key of the mark that an operation is about to be worked for the last time: that of its record, but ending in
/// `.dead.json`.
///
/// # Errors
///
/// See [`KeyError`].
pub(crate) fn dead_mark(tenant: Option<&str>, id: Uuid) -> Result<String, KeyError> {
    of_operation(tenant, id, DEAD_MARK)
}

/// Whether there is a key for an operation, which is not made.
///
/// # Errors
///
/// Those of [`record`].
pub fn check(tenant: Option<&str>, id: Uuid) -> Result<(), KeyError> {
    tenant_or_none(tenant)?;
    let ms = milliseconds(id)?;
    if ms > MAX_MS { Err(KeyError::Time { id, ms }) } else { Ok(()) }
}

fn of_operation(tenant: Option<&str>, id: Uuid, ending: &str) -> Result<String, KeyError> {
    let folder = tenant_folder(tenant)?;
    let ms = milliseconds(id)?;
    let place = countdown(ms).zip(day(ms));
    let (countdown, day) = place.ok_or(KeyError::Time { id, ms })?;
    Ok(format!("{}{countdown}-{id}{ending}", day_folder(&folder, day)))
}

/// What the key of a record, or of a dead mark, says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ObjectName {
    pub(crate) id: Uuid,
    pub(crate) is_dead_mark: bool,
}

impl ObjectName {
    /// Reads a key, whatever its folder; none if it is not one of a record.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        let name = key.rsplit_once('/').map_or(key, |(_folder, name)| name);
        let dead = name.strip_suffix(DEAD_MARK);
        let (countdown, text) = dead.or_else(|| name.strip_suffix(RECORD))?.split_once('-')?;
        let id = Uuid::try_parse(text).ok()?;
        // Another spelling of the same id would be a second record of it, under a key where none is looked for.
        let is_its_name = self::countdown(milliseconds(id).ok()?)? == countdown && id.to_string() == text;
        is_its_name.then_some(Self { id, is_dead_mark: dead.is_some() })
    }
}

/// What the names of a millisecond's objects start with: 13 digits that count down, so that later ones come first in a listing.
pub(crate) fn countdown(ms: u64) -> Option<String> {
    MAX_MS.checked_sub(ms).map(|left| format!("{left:013}"))
}

/// The day of a Unix millisecond, in UTC.
pub(crate) fn day(ms: u64) -> Option<Date> {
    let seconds = i64::try_from(ms / 1000).ok()?;
    Some(OffsetDateTime::from_unix_timestamp(seconds).ok()?.date())
}

/// The first millisecond of a day; 0 for one before 1970.
pub(crate) fn day_start(day: Date) -> u64 {
    u64::try_from(day.midnight().assume_utc().unix_timestamp()).unwrap_or(0) * 1000
}

/// The day of a folder below that of a tenant, `…/dt=YYYY-MM-DD/`.
pub(crate) fn day_of_folder(folder: &str) -> Option<Date> {
    let (_tenant, folder_name) = folder.strip_suffix('/')?.rsplit_once('/')?;
    let mut parts = folder_name.strip_prefix("dt=")?.splitn(3, '-').map(str::parse::<u16>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let month = u8::try_from(month).ok()?.try_into().ok()?;
    let date = Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()?;
    // Another spelling of the same day would be a second folder of it, to be listed again.
    (day_name(date) == folder_name).then_some(date)
}

/// The name of the folder of a day.
fn day_name(day: Date) -> String {
    format!("dt={:04}-{:02}-{:02}", day.year(), u8::from(day.month()), day.day())
}

/// The smallest id that an operation of this millisecond can have.
pub(crate) fn smallest_id(ms: u64) -> Uuid {
    Uuid::from_u64_pair(ms << 16, 0)
}

/// The folder of a tenant's records: `operations/tenant=<tenant or ->/`.
pub(crate) fn tenant_folder(tenant: Option<&str>) -> Result<String, KeyError> {
    Ok(format!("{OPERATIONS}tenant={}/", tenant_or_none(tenant)?))
}

/// The folder of a day below that of a tenant: `<tenant's folder>dt=YYYY-MM-DD/`.
pub(crate) fn day_folder(tenant_folder: &str, day: Date) -> String {
    format!("{tenant_folder}{}/", day_name(day))
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

/// The folder of a tenant's claims: `claims/tenant=<tenant or ->/`.
pub(crate) fn claim_folder(tenant: Option<&str>) -> Result<String, KeyError> {
    Ok(format!("claims/tenant={}/", tenant_or_none(tenant)?))
}

/// The tenant of a folder `…/tenant=<tenant or ->/`: none if it is no such folder, none within if it is that of no tenant.
pub(crate) fn tenant_of_folder(folder: &str) -> Option<Option<&str>> {
    let (_log, tenant) = folder.strip_suffix('/')?.rsplit_once("/tenant=")?;
    match tenant {
        "-" => Some(None),
        tenant if is_tenant(tenant) => Some(Some(tenant)),
        _ => None,
    }
}

/// Whether this is the key of a payload.
pub(crate) fn is_payload(key: &str) -> bool {
    key.strip_prefix("payloads/").is_some_and(|id| Uuid::try_parse(id).is_ok())
}

fn tenant_or_none(tenant: Option<&str>) -> Result<&str, KeyError> {
    match tenant {
        None => Ok("-"),
        Some(tenant) if is_tenant(tenant) => Ok(tenant),
        Some(tenant) => Err(KeyError::Tenant(tenant.chars().take(MAX_TENANT).collect())),
    }
}

/// The Unix milliseconds in a UUIDv7.
pub(crate) fn milliseconds(id: Uuid) -> Result<u64, KeyError> {
    match (id.get_version(), id.get_variant()) {
        (Some(Version::SortRand), Variant::RFC4122) => Ok(ms_of(id)),
        _ => Err(KeyError::Id(id)),
    }
}

/// The Unix milliseconds in an id that is a UUIDv7, or a bound of such: its first 48 bits.
pub(crate) fn ms_of(id: Uuid) -> u64 {
    id.as_u64_pair().0 >> 16
}

#[cfg(test)]
mod tests;
