//! How often the edge had to turn somebody away, and what became of connections.

use std::sync::atomic::{AtomicU64, Ordering};

use super::reload::Outcome;

macro_rules! counted {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $label:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            const ALL: &[(Self, &'static str)] = &[$((Self::$variant, $label),)+];
        }
    };
}

counted! {
    /// Why a call was refused before it was read.
    Refused {
        /// It has no token.
        TokenMissing = "token_missing",
        /// Nobody has this token.
        TokenUnknown = "token_unknown",
        /// It has a token, and others on the way could read it.
        TokenInPlaintext = "token_in_plaintext",
        /// Its tenant makes too many a second.
        RateLimited = "rate_limited",
        /// Its tenant has too many in flight.
        TenantInFlight = "tenant_in_flight",
        /// Its headers are too large.
        HeadersTooLarge = "headers_too_large",
    }
}

counted! {
    /// Why a connection was not kept.
    Ended {
        /// TLS did not come about.
        HandshakeFailed = "handshake_failed",
        /// TLS took too long.
        HandshakeTimeout = "handshake_timeout",
        /// It had no call for too long.
        Idle = "idle",
        /// It had no call, and its place was needed.
        CrowdedOut = "crowded_out",
        /// There was no place for it.
        NoPlace = "no_place",
        /// What came was not HTTP, or too slow, or too much.
        Protocol = "protocol",
    }
}

/// Counts of one edge.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    accepted: AtomicU64,
    refused: [AtomicU64; Refused::ALL.len()],
    ended: [AtomicU64; Ended::ALL.len()],
    reloads: [AtomicU64; 4],
}

/// What is read again when it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Files {
    Certificates,
    Tokens,
}

impl Counts {
    pub(crate) fn accept(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refuse(&self, why: Refused) {
        self.refused[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self, why: Ended) {
        self.ended[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn reload(&self, files: Files, outcome: Outcome) {
        self.reloads[2 * files as usize + outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Connections accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Calls refused, by reason.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        labelled(Refused::ALL.iter().map(|(_, label)| *label), &self.refused)
    }

    /// Connections not kept, by reason.
    pub(crate) fn ended(&self) -> impl Iterator<Item = (&'static str, u64)> {
        labelled(Ended::ALL.iter().map(|(_, label)| *label), &self.ended)
    }

    /// Changes of files, by what they hold and whether it is in force.
    pub(crate) fn reloads(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let labels = ["certificates_loaded", "certificates_failed", "tokens_loaded", "tokens_failed"];
        labelled(labels.into_iter(), &self.reloads)
    }
}

fn labelled<'a>(
    labels: impl Iterator<Item = &'static str> + 'a,
    counts: &'a [AtomicU64],
) -> impl Iterator<Item = (&'static str, u64)> + 'a {
    labels.zip(counts.iter().map(|count| count.load(Ordering::Relaxed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_counted_under_its_own_name() {
        let counts = Counts::default();
        counts.refuse(Refused::TokenInPlaintext);
        counts.end(Ended::Protocol);
        counts.reload(Files::Tokens, Outcome::Loaded);
        let of = |all: Vec<(&'static str, u64)>| all.into_iter().filter(|(_, n)| *n > 0).collect::<Vec<_>>();
        assert_eq!(of(counts.refused().collect()), [("token_in_plaintext", 1)]);
        assert_eq!(of(counts.ended().collect()), [("protocol", 1)]);
        assert_eq!(of(counts.reloads().collect()), [("tokens_loaded", 1)]);
    }
}
