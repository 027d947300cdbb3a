//! Page tokens: where a listing goes on.
//!
//! To callers they are opaque. In base64url they hold a small JSON object of a version, the last id of the page, and the
//! fields of the request that must be the same for the next page. They give no access: a listing is always of the caller's
//! own tenant.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use compute_proto::validate::FieldViolation;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Of this version of the content. Tokens of another one come from another release of the gateway, and are not read.
const VERSION: u32 = 1;

/// The most bytes of a token that is looked at: more than any has.
const MAX_LENGTH: usize = 512;

/// Which listing a token belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Of<'a> {
    pub(crate) tenant: Option<&'a str>,
    /// As the request has it; empty: of any day.
    pub(crate) day: &'a str,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    before: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    day: String,
}

/// The token of the page that begins after this id.
pub(crate) fn write(before: Uuid, of: Of<'_>) -> String {
    let content = Content { version: VERSION, before, tenant: of.tenant.map(str::to_owned), day: of.day.to_owned() };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&content).expect("a struct of strings and a number serializes"))
}

/// The id after which the token's page begins.
///
/// # Errors
///
/// When the token is none, or belongs to another listing.
pub(crate) fn read(token: &str, of: Of<'_>) -> Result<Uuid, FieldViolation> {
    let violation =
        |description: &str| FieldViolation { field: "page_token".to_owned(), description: description.to_owned() };
    let content = Some(token).filter(|token| token.len() <= MAX_LENGTH).and_then(decode);
    let content = content.ok_or_else(|| violation("the next_page_token of a page before is wanted"))?;
    if content.day != of.day || content.tenant.as_deref() != of.tenant {
        return Err(violation("the token belongs to another listing"));
    }
    Ok(content.before)
}

fn decode(token: &str) -> Option<Content> {
    let json = URL_SAFE_NO_PAD.decode(token).ok()?;
    let content = serde_json::from_slice::<Content>(&json).ok()?;
    let is_ours = content.version == VERSION && content.before.get_version_num() == 7;
    is_ours.then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF: Of<'static> = Of { tenant: Some("acme"), day: "2026-11-24" };

    #[test]
    fn a_token_reads_back_for_its_own_listing_and_no_other() {
        for of in [OF, Of { tenant: None, ..OF }, Of { day: "", ..OF }, Of { tenant: None, day: "" }] {
            let before = Uuid::now_v7();
            let token = write(before, of);
            assert!(
                token.len() <= MAX_LENGTH && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            );
            assert_eq!(read(&token, of), Ok(before));
            let others = [Of { tenant: Some("other"), ..of }, Of { day: "2026-11-23", ..of }];
            for other in others {
                assert!(
                    read(&token, other).is_err_and(|v| v.field == "page_token" && v.description.contains("another"))
                );
            }
        }
        let longest = "x".repeat(64);
        let longest = Of { tenant: Some(&longest), ..OF };
        assert!(read(&write(Uuid::now_v7(), longest), longest).is_ok());
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let token = |json: String| URL_SAFE_NO_PAD.encode(json);
        let whole = |version: u32, id: Uuid| {
            token(format!(r#"{{"version":{version},"before":"{id}","tenant":"acme","day":"2026-11-24"}}"#))
        };
        let id = Uuid::now_v7();
        assert_eq!(read(&whole(1, id), OF), Ok(id));
        let good = whole(1, id);
        for bad in [
            "x".to_owned(),
            "!".to_owned(),
            "0".to_owned(),
            id.to_string(),
            token("{}".to_owned()),
            whole(2, id),
            whole(1, Uuid::nil()),
            format!("{good}="),
            good[1..].to_owned(),
            good[..good.len() - 1].to_owned(),
            "A".repeat(1 << 20),
            token(format!("[1,\"{id}\",\"acme\",\"2026-11-24\"]")) + "é",
        ] {
            let violation = read(&bad, OF).expect_err("refused");
            assert_eq!(violation.field, "page_token");
        }
    }
}
