//! Who calls: the connection it comes over, and the token it brings.

use std::sync::Arc;

use http::{HeaderMap, header};
use tokio::time::Instant;

use super::allowance::{Exceeded, Share};
use super::counts::{Counts, Refused};
use super::reload::Reloaded;
use super::tokens::Tokens;

/// The other end of a connection; an extension of its requests.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Whether nobody on the way can read along: TLS, or a connection within this host.
    pub(crate) is_private: bool,
    /// The tenant that the client certificate names.
    pub(crate) tenant: Option<Arc<str>>,
}

/// Whose a call is, as far as the edge knows; an extension of its request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tenant(pub(crate) Option<Arc<str>>);

/// Why a call is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unauthenticated {
    /// It has no bearer token.
    TokenMissing,
    /// Its token is nobody's.
    TokenUnknown,
    /// It has a token, and came over a connection that others can read.
    TokenInPlaintext,
    /// The token's tenant may not make a call now.
    Exceeded(Exceeded),
}

impl From<Unauthenticated> for Refused {
    fn from(why: Unauthenticated) -> Self {
        match why {
            Unauthenticated::TokenMissing => Self::TokenMissing,
            Unauthenticated::TokenUnknown => Self::TokenUnknown,
            Unauthenticated::TokenInPlaintext => Self::TokenInPlaintext,
            Unauthenticated::Exceeded(Exceeded::Rate { .. }) => Self::RateLimited,
            Unauthenticated::Exceeded(Exceeded::InFlight { .. }) => Self::TenantInFlight,
        }
    }
}

/// Lets calls in, or not.
#[derive(Clone, Default)]
pub(crate) struct Authentication {
    /// The tokens, one of which each call needs; absent: none needs one.
    pub(crate) tokens: Option<Arc<Reloaded<Tokens>>>,
    /// Whether a call may do without.
    pub(crate) allow_anonymous: bool,
    pub(crate) counts: Arc<Counts>,
}

impl Authentication {
    /// Judges a call by its headers, and takes the token out of them: nothing behind this has a use for it.
    pub(crate) fn admit(
        &self,
        headers: &mut HeaderMap,
        peer: Option<&Peer>,
    ) -> Result<(Tenant, Option<Share>), Unauthenticated> {
        let admitted = self.judge(headers, peer);
        headers.remove(header::AUTHORIZATION);
        admitted.inspect_err(|why| self.counts.refuse((*why).into()))
    }

    fn judge(&self, headers: &HeaderMap, peer: Option<&Peer>) -> Result<(Tenant, Option<Share>), Unauthenticated> {
        let Some(tokens) = &self.tokens else {
            return Ok((Tenant(peer.and_then(|peer| peer.tenant.clone())), None));
        };
        let mut credentials = headers.get_all(header::AUTHORIZATION).iter();
        let token = match (credentials.next(), credentials.next()) {
            (None, _) if self.allow_anonymous => return Ok((Tenant(None), None)),
            (None, _) => return Err(Unauthenticated::TokenMissing),
            // Before anything else is said about it: whether it is right must not be learned by who reads along.
            _ if !peer.is_some_and(|peer| peer.is_private) => return Err(Unauthenticated::TokenInPlaintext),
            (Some(only), None) => bearer(only.as_bytes()).ok_or(Unauthenticated::TokenMissing)?,
            (Some(_), Some(_)) => return Err(Unauthenticated::TokenMissing),
        };
        let tokens = tokens.current();
        let holder = tokens.holder(token).ok_or(Unauthenticated::TokenUnknown)?;
        let share = holder.allowance.take(holder.limits, Instant::now()).map_err(Unauthenticated::Exceeded)?;
        Ok((Tenant(Some(holder.tenant.clone())), Some(share)))
    }
}

/// The token in `Bearer <token>` (RFC 6750, section 2.1).
fn bearer(credentials: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = credentials.split_at_checked(b"bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use sha2::{Digest as _, Sha256};

    use super::*;

    const PRIVATE: Peer = Peer { is_private: true, tenant: None };

    fn headers(credentials: &[&'static str]) -> HeaderMap {
        credentials.iter().map(|value| (header::AUTHORIZATION, HeaderValue::from_static(value))).collect()
    }

    /// Whose a call with these credentials is.
    fn admit(
        authentication: &Authentication,
        credentials: &[&'static str],
        peer: &Peer,
    ) -> Result<Option<String>, Unauthenticated> {
        let mut headers = headers(credentials);
        let admitted = authentication.admit(&mut headers, Some(peer));
        assert!(headers.is_empty(), "the token goes no further");
        admitted.map(|(tenant, _)| tenant.0.map(|tenant| tenant.to_string()))
    }

    fn with_tokens(allow_anonymous: bool) -> (Authentication, tempfile::NamedTempFile) {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let line = format!("{} acme rate=2/s\n", hex::encode(Sha256::digest("right")));
        std::fs::write(file.path(), line).expect("it is written");
        let tokens = crate::edge::tokens::load(file.path().to_owned()).expect("it is well-formed");
        (Authentication { tokens: Some(tokens), allow_anonymous, ..Default::default() }, file)
    }

    #[test]
    fn a_token_lets_its_tenant_in_and_nothing_else_does() {
        use Unauthenticated::{TokenMissing, TokenUnknown};
        let (authentication, _file) = with_tokens(false);
        assert_eq!(admit(&authentication, &["Bearer right"], &PRIVATE), Ok(Some("acme".to_owned())));
        assert_eq!(admit(&authentication, &["bearer  right "], &PRIVATE), Ok(Some("acme".to_owned())));
        for (credentials, why) in [
            (&[][..], TokenMissing),
            (&["Bearer wrong"], TokenUnknown),
            (&["Bearer Right"], TokenUnknown),
            (&["Basic right"], TokenMissing),
            (&["right"], TokenMissing),
            (&["Bearer"], TokenMissing),
            (&["Bearer  "], TokenMissing),
            (&["Bearer right", "Bearer right"], TokenMissing),
        ] {
            assert_eq!(admit(&authentication, credentials, &PRIVATE), Err(why), "{credentials:?}");
        }
        let named = Peer { tenant: Some("other".into()), ..PRIVATE };
        assert_eq!(admit(&authentication, &[], &named), Err(TokenMissing), "a certificate does not replace a token");
    }

    #[test]
    fn a_token_that_others_could_read_is_refused_whether_it_is_right_or_not() {
        let (authentication, _file) = with_tokens(true);
        let open = Peer { is_private: false, ..PRIVATE };
        for credentials in ["Bearer right", "Bearer wrong", "Basic x"] {
            assert_eq!(admit(&authentication, &[credentials], &open), Err(Unauthenticated::TokenInPlaintext));
        }
        assert_eq!(admit(&authentication, &[], &open), Ok(None), "who needs none may call");
    }

    #[test]
    fn a_tenant_is_held_to_its_rate_and_where_calls_may_be_anonymous_a_wrong_token_is_still_wrong() {
        let (authentication, _file) = with_tokens(true);
        assert_eq!(admit(&authentication, &["Bearer wrong"], &PRIVATE), Err(Unauthenticated::TokenUnknown));
        for _ in 0..2 {
            assert!(admit(&authentication, &["Bearer right"], &PRIVATE).is_ok());
        }
        let refused = admit(&authentication, &["Bearer right"], &PRIVATE);
        assert!(matches!(refused, Err(Unauthenticated::Exceeded(Exceeded::Rate { .. }))), "{refused:?}");
        let refused: Vec<_> = authentication.counts.refused().filter(|(_, count)| *count > 0).collect();
        assert_eq!(refused, [("token_unknown", 1), ("rate_limited", 1)]);
    }

    #[test]
    fn without_tokens_the_certificate_names_the_tenant() {
        let authentication = Authentication::default();
        let named = Peer { tenant: Some("acme".into()), ..PRIVATE };
        assert_eq!(admit(&authentication, &["Bearer any"], &named), Ok(Some("acme".to_owned())));
        assert_eq!(admit(&authentication, &[], &PRIVATE), Ok(None));
    }
}
