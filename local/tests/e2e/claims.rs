//! Which request an operation id belongs to.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use compute_local::stack::LOG_BUCKET;
use compute_operations::Bucket;
use compute_operations::claim::{self, Claim};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::operations_kit::{LOG_MODES, bucket, stack};

async fn claim(bucket: &Bucket, tenant: Option<&str>, id: Uuid, digest: &str) -> Claim {
    claim::claim(bucket, tenant, id, digest).await.expect("S3 is there")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_requests_that_claim_an_id_at_once_one_has_it_for_good() {
    let stack = stack(LOG_MODES[0], 0).await;
    let bucket = bucket(&stack);
    for _ in 0..20 {
        let id = Uuid::now_v7();
        let mut claims = JoinSet::new();
        for request in 0..20 {
            let (bucket, digest) = (bucket.clone(), format!("digest {}", request % 4));
            claims.spawn(async move { (claim(&bucket, Some("acme"), id, &digest).await, digest) });
        }
        let claims = claims.join_all().await;
        let of = |wanted| claims.iter().filter(move |(claim, _)| *claim == wanted).map(|(_, digest)| digest);
        let owner = of(Claim::New).next().expect("one has it");
        assert_eq!((of(Claim::New).count(), of(Claim::Repeated).count(), of(Claim::Taken).count()), (1, 4, 15));
        assert!(of(Claim::Repeated).all(|digest| digest == owner) && of(Claim::Taken).all(|digest| digest != owner));
        let found = claim::owner(&bucket, Some("acme"), id).await.expect("S3 is there").expect("it is claimed");
        assert!(found.is(owner) && !found.is("another"));
        assert_eq!(claim::owner(&bucket, None, id).await.expect("S3 is there"), None, "each tenant has its own");
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_claim_that_cannot_be_read_is_nobodys() {
    let stack = stack(LOG_MODES[0], 0).await;
    let id = Uuid::now_v7();
    let s3 =
        aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&stack.aws()).force_path_style(true).build());
    let put = s3.put_object().bucket(LOG_BUCKET).key(format!("claims/tenant=-/{id}"));
    put.body(aws_sdk_s3::primitives::ByteStream::from_static(b"{")).send().await.expect("it is written");
    assert_eq!(claim(&bucket(&stack), None, id, "digest").await, Claim::Taken);
    stack.stop().await;
}

/// S3 answers so when it is asked to create one object by several at once; the embedded one never does.
#[tokio::test]
async fn a_claim_in_conflict_with_another_is_made_again() {
    const CONFLICT: &str = "<Error><Code>ConditionalRequestConflict</Code><Message>conflict</Message></Error>";
    let asked = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let served = asked.clone();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("it listens");
            let asked = served.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let number = asked.fetch_add(1, Ordering::SeqCst);
                async move {
                    request.into_body().collect().await.expect("a whole body");
                    let mut response = Response::new(Full::new(Bytes::new()));
                    if number < 2 {
                        *response.status_mut() = StatusCode::CONFLICT;
                        *response.body_mut() = Full::new(Bytes::from_static(CONFLICT.as_bytes()));
                    }
                    Ok::<_, Infallible>(response)
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    let bucket = Bucket::new(&compute_process::aws::for_endpoint(&endpoint), "logs");
    assert_eq!(claim(&bucket, None, Uuid::now_v7(), "digest").await, Claim::New);
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    server.abort();
}
