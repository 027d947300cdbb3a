//! Who calls: the tenant that a call belongs to.
//!
//! A tenant's requests carry its name as their `MessageGroupId`, by which SQS shares the queue fairly between tenants, and its
//! calls in flight are bounded. The log keeps each tenant's operations apart.

use compute_proto::validate::{FieldViolation, MAX_TENANT, is_tenant};
use http::HeaderName;
use tonic::metadata::MetadataMap;

/// The tenant that the metadata entry `key` names; `None` where there is no such entry, or no entry is trusted to.
///
/// # Errors
///
/// When the entry is not 1 to 64 letters, digits, dots, underscores and hyphens, or a single hyphen, which stands for no tenant
/// in the log.
pub(crate) fn tenant(metadata: &MetadataMap, key: Option<&HeaderName>) -> Result<Option<String>, FieldViolation> {
    let Some((key, value)) = key.and_then(|key| Some((key, metadata.get(key.as_str())?))) else { return Ok(None) };
    match value.to_str() {
        Ok(name) if is_tenant(name) => Ok(Some(name.to_owned())),
        _ => Err(FieldViolation {
            field: key.to_string(),
            description: format!(
                "1 to {MAX_TENANT} letters, digits, '.', '_' and '-' are wanted, and not a single hyphen"
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: HeaderName = HeaderName::from_static("x-tenant");

    fn metadata(value: &str) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        metadata.insert("x-tenant", value.parse().expect("visible ASCII"));
        metadata
    }

    #[test]
    fn the_entry_names_the_tenant_only_where_it_is_trusted() {
        assert_eq!(tenant(&metadata("acme"), Some(&KEY)), Ok(Some("acme".to_owned())));
        assert_eq!(tenant(&metadata("acme"), None), Ok(None));
        assert_eq!(tenant(&MetadataMap::new(), Some(&KEY)), Ok(None));
    }

    #[test]
    fn what_cannot_be_a_group_or_a_folder_of_the_log_is_refused_by_name() {
        for bad in ["", "-", "a/b", "a b", "..é", &"a".repeat(65)] {
            let Ok(value) = bad.parse() else { continue };
            let mut metadata = MetadataMap::new();
            metadata.insert("x-tenant", value);
            assert_eq!(tenant(&metadata, Some(&KEY)).expect_err(bad).field, "x-tenant");
        }
    }
}
