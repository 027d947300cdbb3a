//! The edge: what stands between the network and the calls.
//!
//! - [`connections`] accepts, and keeps the time: for the handshake, for headers, for connections without a call.
//! - [`crowd`] has room for so many connections; those that wait for nothing make room for new ones.
//! - [`tls`] is the certificate of the port, and whose client certificates are taken.
//! - [`tokens`] says which bearer token belongs to which tenant, [`allowance`] how many calls that tenant may make, and
//!   [`authentication`] lets a call in by both.
//! - [`reload`] reads certificates and tokens again when their files change.
//! - [`cors`] says which pages of other origins may call.
//! - [`counts`] counts what was turned away.
//!
//! Only calls to the compute service need credentials. The health service, reflection, the page and `/healthz` tell nothing that
//! is not public, and load balancers and tools ask them without.

pub(crate) mod allowance;
pub(crate) mod authentication;
pub(crate) mod config;
pub(crate) mod connections;
pub(crate) mod cors;
pub(crate) mod counts;
pub(crate) mod crowd;
pub(crate) mod reload;
pub(crate) mod tls;
pub(crate) mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;

use compute_process::open_files;
use rustls::ServerConfig;

use self::authentication::Authentication;
use self::config::{EdgeConfig, is_loopback};
use self::connections::{Port, Times};
use self::counts::{Counts, Files};
use self::crowd::Crowd;
use self::reload::{FileError, Reloaded};
use self::tokens::Tokens;
use crate::front::Front;

/// Files that the process opens beside connections of callers: to SQS and S3, mostly.
const OTHER_FILES: u64 = 256;

/// What stands between the network and the calls.
pub(crate) struct Edge {
    tls: Option<Arc<Reloaded<ServerConfig>>>,
    tokens: Option<Arc<Reloaded<Tokens>>>,
    allow_anonymous: bool,
    times: Times,
    crowd: Arc<Crowd>,
    counts: Arc<Counts>,
}

/// What is to be told of the edge.
pub(crate) struct Gauges {
    pub(crate) crowd: Arc<Crowd>,
    pub(crate) counts: Arc<Counts>,
}

impl Edge {
    /// The edge of a gateway that listens there.
    ///
    /// # Errors
    ///
    /// When certificates or tokens cannot be used.
    pub(crate) fn new(config: &EdgeConfig, listen: SocketAddr) -> Result<Self, FileError> {
        let tls = tls::load(config)?;
        let tokens = config.tokens.clone().map(tokens::load).transpose()?;
        if tls.is_none() && tokens.is_some() && !is_loopback(listen) {
            tracing::warn!("there are tokens and no TLS: calls with a token from other hosts are refused");
        }
        Ok(Self {
            tls,
            tokens,
            allow_anonymous: config.allow_anonymous,
            times: Times { idle: config.idle_timeout, header: config.header_timeout },
            crowd: Crowd::new(room(config.max_connections)),
            counts: Arc::default(),
        })
    }

    pub(crate) fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    pub(crate) fn authentication(&self) -> Authentication {
        let (tokens, counts) = (self.tokens.clone(), self.counts.clone());
        Authentication { tokens, allow_anonymous: self.allow_anonymous, counts }
    }

    pub(crate) fn gauges(&self) -> Gauges {
        Gauges { crowd: self.crowd.clone(), counts: self.counts.clone() }
    }

    /// The port whose requests these services answer.
    pub(crate) fn port(&self, front: Front, max_streams: u32) -> Arc<Port> {
        let (tls, crowd, counts) = (self.tls.clone(), self.crowd.clone(), self.counts.clone());
        Port::new(front, max_streams, tls, crowd, counts, self.times)
    }

    /// Reads certificates and tokens again when they change, for ever.
    pub(crate) fn watch_files(&self) -> impl Future<Output = ()> + Send + use<> {
        let (tls, tokens, counts) = (self.tls.clone(), self.tokens.clone(), self.counts.clone());
        async move {
            let certificates = async {
                if let Some(tls) = tls {
                    tls.watch(|outcome| counts.reload(Files::Certificates, outcome)).await;
                }
            };
            let tokens = async {
                if let Some(tokens) = tokens {
                    tokens.watch(|outcome| counts.reload(Files::Tokens, outcome)).await;
                }
            };
            tokio::join!(certificates, tokens);
        }
    }
}

/// How many connections there is room for: no more than the process may open files, less those it needs itself.
fn room(wanted: usize) -> usize {
    let files = usize::try_from(open_files::limit().saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX).max(1);
    if files < wanted {
        tracing::warn!(connections = files, "the process may not open as many files as --max-connections needs");
    }
    files.min(wanted)
}
