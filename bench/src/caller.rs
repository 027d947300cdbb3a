//! Calls over real gRPC connections, and how they end.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use compute_proto::v1::compute_service_client::ComputeServiceClient;
use rand::RngExt as _;
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::BoxError;
use crate::question::Question;

/// How much later than its deadline a call may end before it counts as hung. The gateway answers a little before the deadline.
const GRACE: Duration = Duration::from_secs(5);

/// The pauses before a call is tried again, doubled each time up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

type Client = ComputeServiceClient<Channel>;

/// The gateways that can be called, each in a slot of its own. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Gateways {
    slots: Arc<Vec<Mutex<Vec<Client>>>>,
    turn: Arc<AtomicUsize>,
    connections: usize,
}

impl Gateways {
    /// Room for `slots` gateways, each to be called over so many connections.
    pub(crate) fn new(slots: usize, connections: usize) -> Self {
        let slots = (0..slots).map(|_| Mutex::default()).collect();
        Self { slots: Arc::new(slots), turn: Arc::default(), connections }
    }

    /// Calls of this slot go to the gateway at this address from now on.
    pub(crate) fn set(&self, slot: usize, address: SocketAddr) -> Result<(), BoxError> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true);
        let client = || Client::new(endpoint.connect_lazy());
        *self.slot(slot) = (0..self.connections).map(|_| client()).collect();
        Ok(())
    }

    /// A connection to the gateway of this slot, in turn; none if there never was a gateway.
    fn client(&self, slot: usize) -> Option<Client> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let clients = self.slot(slot);
        clients.get(turn % clients.len().max(1)).cloned()
    }

    fn slot(&self, slot: usize) -> std::sync::MutexGuard<'_, Vec<Client>> {
        self.slots[slot % self.slots.len()].lock().expect("no code panics while it holds the lock")
    }
}

/// How a call ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With the right answer.
    Right {
        /// The operation that gave it.
        operation: String,
    },
    /// With an answer, but not the right one.
    Wrong(String),
    /// With a status that the gateway gave it.
    Refused {
        /// The gRPC code.
        code: Code,
        /// The reason in the `ErrorInfo`.
        reason: String,
    },
    /// By the connection: refused, or cut as its gateway died. A caller takes it for UNAVAILABLE.
    Disconnected(String),
    /// Not at all, well after its deadline.
    Hung,
}

impl Ending {
    /// Whether another gateway may do better.
    fn is_unavailable(&self) -> bool {
        matches!(self, Self::Disconnected(_) | Self::Refused { code: Code::Unavailable, .. })
    }

    /// Whether it is a right answer, or says what no healthy system can spare its caller.
    pub(crate) fn is_allowed(&self) -> bool {
        match self {
            Self::Right { .. } | Self::Disconnected(_) => true,
            Self::Refused { code, .. } => {
                matches!(code, Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted)
            }
            Self::Wrong(_) | Self::Hung => false,
        }
    }

    /// What to count it under.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Right { .. } => "right".to_owned(),
            Self::Wrong(_) => "WRONG".to_owned(),
            Self::Refused { code, reason } if reason.is_empty() => format!("{code:?}"),
            Self::Refused { code, reason } => format!("{code:?} {reason}"),
            Self::Disconnected(_) => "Unavailable (connection)".to_owned(),
            Self::Hung => "HUNG".to_owned(),
        }
    }
}

/// A call that has ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) ending: Ending,
    /// How often it was tried, once at least.
    pub(crate) attempts: u32,
    /// From the moment that it was to start.
    pub(crate) took: Duration,
}

/// Makes one call, and does not try again.
pub(crate) async fn call_once(gateways: &Gateways, slot: usize, question: &Question, call: Times) -> Ended {
    let ending = attempt(gateways, slot, question, call.deadline).await;
    Ended { ending, attempts: 1, took: call.due.elapsed() }
}

/// Makes one call, starting with the gateway of `slot`; as long as there is time, one that finds it unavailable goes to the
/// next. Nothing but UNAVAILABLE and a broken connection is tried again.
pub(crate) async fn call_until_available(gateways: &Gateways, slot: usize, question: &Question, call: Times) -> Ended {
    let (mut attempts, mut pause) = (0, FIRST_PAUSE);
    loop {
        let ending = attempt(gateways, slot + attempts as usize, question, call.deadline).await;
        attempts += 1;
        let jittered = pause.mul_f64(rand::rng().random_range(0.5..1.5));
        if !ending.is_unavailable() || Instant::now() + jittered >= call.deadline {
            return Ended { ending, attempts, took: call.due.elapsed() };
        }
        tokio::time::sleep(jittered).await;
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

/// When a call is to start, and when its caller gives up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) due: Instant,
    pub(crate) deadline: Instant,
}

impl Times {
    /// A call that is due now.
    pub(crate) fn now(timeout: Duration) -> Self {
        Self::at(Instant::now(), timeout)
    }

    /// A call that is due then, or was.
    pub(crate) fn at(due: Instant, timeout: Duration) -> Self {
        Self { due, deadline: due + timeout }
    }
}

async fn attempt(gateways: &Gateways, slot: usize, question: &Question, deadline: Instant) -> Ending {
    let Some(mut client) = gateways.client(slot) else { return Ending::Disconnected("no gateway".to_owned()) };
    let mut request = Request::new(question.request());
    request.set_timeout(deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
    match tokio::time::timeout_at(deadline + GRACE, client.compute(request)).await {
        Err(_) => Ending::Hung,
        Ok(Err(status)) => refused(&status, deadline),
        Ok(Ok(response)) => {
            let named = response.metadata().get("operation-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
            let named = named.to_owned();
            let answer = response.into_inner();
            if answer.statistics.as_ref() != Some(&question.answer()) {
                return Ending::Wrong(format!("{question:?} was answered {answer:?}"));
            }
            if answer.operation_id != named {
                return Ending::Wrong(format!("{named} in the metadata, {} in the answer", answer.operation_id));
            }
            Ending::Right { operation: named }
        }
    }
}

/// The gateway names the operation in every answer; a status without one was made on this side: at the deadline, which the
/// client keeps an eye on too, or of a broken connection.
fn refused(status: &Status, deadline: Instant) -> Ending {
    if status.metadata().contains_key("operation-id") {
        let reason = status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default();
        Ending::Refused { code: status.code(), reason }
    } else if Instant::now() >= deadline {
        Ending::Refused { code: Code::DeadlineExceeded, reason: "(by the caller's clock)".to_owned() }
    } else {
        Ending::Disconnected(status.to_string())
    }
}
