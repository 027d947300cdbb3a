//! A network between a client and the AWS port that a test can make slow, and whose connections it can cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

/// Bytes of one hop.
const HOP: usize = 16 << 10;

/// Carries connections to an address.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    network: Arc<Network>,
    _accepting: AbortOnDropHandle<()>,
}

struct Network {
    server: SocketAddr,
    /// How many more bytes clients may send.
    uplink: Semaphore,
    /// The bytes that clients have sent.
    carried: AtomicU64,
    /// After how many bytes to a client the connection is cut, once each.
    cuts: std::sync::Mutex<Vec<usize>>,
}

impl Proxy {
    /// A network without limits.
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let network = Arc::new(Network {
            server,
            uplink: Semaphore::new(Semaphore::MAX_PERMITS),
            carried: AtomicU64::new(0),
            cuts: std::sync::Mutex::default(),
        });
        let accepting = tokio::spawn({
            let network = network.clone();
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(carry(client, network.clone()));
                }
            }
        });
        Self { address, network, _accepting: AbortOnDropHandle::new(accepting) }
    }

    /// The bytes that clients have sent so far.
    pub(crate) fn carried(&self) -> u64 {
        self.network.carried.load(Ordering::SeqCst)
    }

    /// Carries nothing to the server any more.
    pub(crate) fn stop_uplink(&self) {
        self.network.uplink.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Carries that many more bytes to the server.
    pub(crate) fn carry(&self, bytes: usize) {
        self.network.uplink.add_permits(bytes);
    }

    /// Cuts one connection for each of these, after that many bytes to its client.
    pub(crate) fn cut_after(&self, bytes: impl IntoIterator<Item = usize>) {
        self.network.cuts.lock().unwrap().extend(bytes);
    }

    /// How many of the cuts are still to come.
    pub(crate) fn cuts_left(&self) -> usize {
        self.network.cuts.lock().unwrap().len()
    }
}

impl Network {
    /// Whether to cut a connection that has carried this much to its client.
    fn cuts(&self, carried: usize) -> bool {
        let mut cuts = self.cuts.lock().unwrap();
        let cut = cuts.iter().position(|&after| after <= carried);
        cut.map(|cut| cuts.remove(cut)).is_some()
    }
}

async fn carry(client: TcpStream, network: Arc<Network>) {
    let server = TcpStream::connect(network.server).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        let mut hop = vec![0; HOP];
        while let Ok(bytes @ 1..) = from_client.read(&mut hop).await {
            network.uplink.acquire_many(bytes as u32).await.unwrap().forget();
            network.carried.fetch_add(bytes as u64, Ordering::SeqCst);
            if to_server.write_all(&hop[..bytes]).await.is_err() {
                break;
            }
        }
    };
    let down = async {
        let (mut hop, mut carried) = (vec![0; HOP], 0);
        while let Ok(bytes @ 1..) = from_server.read(&mut hop).await {
            carried += bytes;
            if network.cuts(carried) {
                return;
            }
            if to_client.write_all(&hop[..bytes]).await.is_err() {
                return;
            }
        }
    };
    // Whichever ends first takes the connection along.
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}
