//! Calls with ids that their callers chose, while they are under way here.
//!
//! Calls of one tenant with the same id and the same request share one flight. It goes on as long as one of them waits: a
//! caller that leaves takes nothing from the others, and the last one takes the flight along.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};

use compute_proto::v1::ComputeResponse;
use futures_util::FutureExt as _;
use futures_util::future::{Shared, WeakShared};
use tonic::Status;
use uuid::Uuid;

use crate::digest::Digest;

/// Whose flight it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) tenant: Option<String>,
    pub(crate) id: Uuid,
    /// A part of the key, since a flight is not yet known to have its id by right: who comes with another request is not to be
    /// judged by it.
    pub(crate) digest: Digest,
}

/// How a flight ends.
pub(crate) type Landed = Result<ComputeResponse, Lost>;

/// A flight without a result.
#[derive(Debug, Clone)]
pub(crate) struct Lost {
    /// What its callers are told.
    pub(crate) status: Status,
    /// Whether the deadline of the flight was too early. One with a later deadline may do better.
    pub(crate) was_short_of_time: bool,
}

/// A flight. Clones share it.
pub(crate) type Flight = Shared<Pin<Box<dyn Future<Output = Landed> + Send>>>;

/// All flights of a gateway. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    flights: HashMap<Key, Entry>,
    /// The number of the next flight: a new one may take the place of one that is just going.
    next: u64,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    flight: WeakShared<Pin<Box<dyn Future<Output = Landed> + Send>>>,
}

impl Flights {
    /// The flight that is under way with this key, or a new one, which `make` makes.
    pub(crate) fn join_or_start<F>(&self, key: Key, make: impl FnOnce() -> F) -> Flight
    where
        F: Future<Output = Landed> + Send + 'static,
    {
        let mut table = self.lock();
        if let Some(flight) = table.flights.get(&key).and_then(|entry| entry.flight.upgrade()) {
            return flight;
        }
        let number = table.next;
        table.next += 1;
        let (place, flight) = (Place { flights: self.clone(), key: key.clone(), number }, make());
        let flight = async move {
            let _place = place;
            flight.await
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            table.flights.insert(key, Entry { number, flight: weak });
        }
        flight
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().expect("no code panics while it holds the lock")
    }
}

/// A flight's place in the table, given up when it ends or the last of its callers leaves. It is not dropped under the lock:
/// the table itself keeps no flight alive.
struct Place {
    flights: Flights,
    key: Key,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.flights.lock();
        if table.flights.get(&self.key).is_some_and(|entry| entry.number == self.number) {
            table.flights.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    fn key(tenant: Option<&str>, request: &[u8]) -> Key {
        Key { tenant: tenant.map(str::to_owned), id: Uuid::nil(), digest: Digest::of(request) }
    }

    fn response(worker: &str) -> ComputeResponse {
        ComputeResponse { worker: worker.to_owned(), ..Default::default() }
    }

    #[tokio::test]
    async fn calls_with_one_key_share_a_flight_and_others_do_not() {
        let (flights, started, land) = (Flights::default(), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let join = |key| {
            let (started, land) = (started.clone(), land.clone());
            tokio::spawn(flights.join_or_start(key, move || async move {
                let number = started.fetch_add(1, Ordering::SeqCst);
                land.notified().await;
                Ok(response(&number.to_string()))
            }))
        };
        let first = join(key(Some("acme"), b"a"));
        tokio::task::yield_now().await;
        let same = join(key(Some("acme"), b"a"));
        tokio::task::yield_now().await;
        let others = [join(key(Some("acme"), b"b")), join(key(Some("other"), b"a")), join(key(None, b"a"))];
        tokio::task::yield_now().await;
        land.notify_waiters();
        assert_eq!(first.await.expect("no panic").expect("landed"), response("0"));
        assert_eq!(same.await.expect("no panic").expect("landed"), response("0"));
        for other in others {
            assert_ne!(other.await.expect("no panic").expect("landed"), response("0"));
        }
        assert_eq!(started.load(Ordering::SeqCst), 4);
        assert!(flights.lock().flights.is_empty());
    }

    #[tokio::test]
    async fn a_caller_that_leaves_takes_nothing_from_the_others_and_the_last_one_takes_the_flight_along() {
        let (flights, land) = (Flights::default(), Arc::new(Notify::new()));
        let join = || {
            let land = land.clone();
            flights.join_or_start(key(None, b"a"), move || async move {
                land.notified().await;
                Ok(response("w"))
            })
        };
        let (first, second) = (tokio::spawn(join()), tokio::spawn(join()));
        tokio::task::yield_now().await;
        first.abort();
        assert!(first.await.is_err_and(|error| error.is_cancelled()));
        land.notify_waiters();
        assert_eq!(second.await.expect("no panic").expect("landed"), response("w"));

        let (first, second) = (join(), join());
        assert_eq!(flights.lock().flights.len(), 1);
        drop(first);
        assert_eq!(flights.lock().flights.len(), 1);
        drop(second);
        assert!(flights.lock().flights.is_empty());
    }
}
