//! What the tests of operations start from: the log's modes, further gateways, workers that join, records written by hand.

use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use compute_local::Config;
use compute_local::stack::{LOG_BUCKET, REQUEST_QUEUE};
use compute_operations::Bucket;
use compute_operations::log::LogWriter;
use compute_operations::record::{self, LogValues, Record, Times};
use compute_process::{Readiness, State};
use compute_proto::v1::compute_service_client::ComputeServiceClient;
use compute_proto::v1::operation::Result as Outcome;
use compute_proto::v1::{
    ComputeRequest, ComputeResponse, GetOperationRequest, ListOperationsRequest, Operation, Statistics,
    SubmitOperationRequest, WaitOperationRequest,
};
use compute_proto::{COMPUTE_METHOD, wire};
use sha2::{Digest as _, Sha256};
use sqs_rpc::{Answer, Failure, NoJournal, Request as QueueRequest, Responder, ResponderConfig};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::kit::TestStack;

pub(crate) const TENANT: &str = "x-tenant";
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// How workers log, as a change of the system's settings.
pub(crate) type LogMode = fn(&mut Config);

/// All ways to log: what is looked up in one must be found in the others.
pub(crate) const LOG_MODES: [LogMode; 2] = [objects, batches];

fn objects(_config: &mut Config) {}

fn batches(config: &mut Config) {
    config.worker.log_mode = compute_operations::log::LogMode::Batch;
}

/// A system whose gateway believes what callers say of their tenant, with this many workers.
pub(crate) async fn stack(log_mode: LogMode, workers: u32) -> TestStack {
    TestStack::start_with(|config| {
        log_mode(config);
        config.workers = workers;
        config.gateway.tenant_metadata = Some(http::HeaderName::from_static(TENANT));
    })
    .await
}

/// Something that runs until it is stopped.
pub(crate) struct Running {
    stop: CancellationToken,
    run: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.run.await.expect("a clean end");
    }
}

/// A further gateway of a system.
pub(crate) struct Gateway {
    address: SocketAddr,
    running: Running,
}

impl Gateway {
    pub(crate) async fn start(stack: &TestStack, change: impl FnOnce(&mut compute_gateway::Config)) -> Self {
        let mut config = compute_gateway::Config::new(REQUEST_QUEUE, LOG_BUCKET);
        config.poll_wait = Duration::from_secs(1);
        config.tenant_metadata = Some(http::HeaderName::from_static(TENANT));
        change(&mut config);
        let calls = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = calls.local_addr().expect("an address");
        let listeners = compute_gateway::Listeners { calls, admin: None };
        let (readiness, stop, aws) = (Readiness::new(), CancellationToken::new(), stack.aws_of("gateway"));
        let run = tokio::spawn({
            let (readiness, stopped) = (readiness.clone(), stop.clone().cancelled_owned());
            async move { compute_gateway::run(config, &aws, listeners, readiness, stopped).await.expect("it runs") }
        });
        readiness.reached(State::Ready).await;
        Self { address, running: Running { stop, run } }
    }

    pub(crate) async fn client(&self) -> ComputeServiceClient<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).expect("a valid URL");
        ComputeServiceClient::new(endpoint.connect().await.expect("the gateway listens"))
    }

    pub(crate) async fn stop(self) {
        self.running.stop().await;
    }
}

/// A worker that joins a system.
pub(crate) async fn worker(stack: &TestStack, log_mode: LogMode) -> Running {
    let mut config = Config::new("no folder is needed");
    log_mode(&mut config);
    let config = config.worker;
    let (readiness, stop, aws) = (Readiness::new(), CancellationToken::new(), stack.aws_of("worker"));
    let run = tokio::spawn({
        let (readiness, stopped) = (readiness.clone(), stop.clone().cancelled_owned());
        async move { compute_worker::run(config, &aws, None, readiness, stopped).await.expect("it runs") }
    });
    readiness.reached(State::Ready).await;
    Running { stop, run }
}

/// A worker that logs nothing, and how often it worked. It answers with statistics whose `count` tells the number of the
/// request, or fails with this code.
pub(crate) async fn silent_worker(stack: &TestStack, fails: Option<Code>) -> (Running, Arc<AtomicUsize>) {
    let mut config = ResponderConfig::new(REQUEST_QUEUE);
    config.poll_wait = Duration::from_secs(1);
    let worked = Arc::new(AtomicUsize::new(0));
    let count = worked.clone();
    let service = tower::service_fn(move |_request: QueueRequest| {
        let number = count.fetch_add(1, Ordering::SeqCst) as u64 + 1;
        let body = wire::statistics_to_json(&Statistics { count: number, sum: "0".to_owned(), ..Default::default() });
        std::future::ready(match fails {
            None => Ok(Answer { body: body.into(), context: () }),
            Some(code) => Err(Failure::new(code as i32, "secret of /home/worker")),
        })
    });
    let responder = Responder::new(&stack.aws_of("worker"), config, service, NoJournal).await.expect("it starts");
    let stop = CancellationToken::new();
    let run = tokio::spawn(responder.run(stop.clone().cancelled_owned(), LONG));
    (Running { stop, run }, worked)
}

/// The bucket, as a gateway has it.
pub(crate) fn bucket(stack: &TestStack) -> Bucket {
    Bucket::new(&stack.aws_of("gateway"), LOG_BUCKET)
}

/// The log, as a worker writes it.
fn log_writer(stack: &TestStack) -> LogWriter {
    LogWriter::new(Bucket::new(&stack.aws_of("worker"), LOG_BUCKET))
}

/// Writes a record as a worker does that logs objects.
pub(crate) async fn log(stack: &TestStack, record: &Record) {
    log_writer(stack).write(record).await.expect("it is logged");
}

/// Marks an operation as a worker does before its last attempt.
pub(crate) async fn mark_dead(stack: &TestStack, record: &Record) {
    let about = record::Operation {
        id: record.id,
        tenant: record.tenant.clone(),
        method: record.method.clone(),
        times: Times { finished: None, ..record.times },
        worker: record.worker.clone(),
        digest: record.digest.clone(),
    };
    log_writer(stack).mark_dead(&Record::dead_mark(about, 10)).await.expect("it is marked");
}

/// The record of an operation on the list 1, 2, 3.
pub(crate) fn record(id: Uuid, tenant: Option<&str>) -> Record {
    let statistics = Statistics { count: 3, min: 1, max: 3, sum: "6".to_owned(), ..Default::default() };
    Record::succeeded(about(id, tenant, &list([1, 2, 3])), &[1, 2, 3], statistics, LogValues::All)
}

pub(crate) fn failed_record(id: Uuid, code: Code, message: &str) -> Record {
    let error = record::Error { code: code as i32, message: message.to_owned() };
    Record::failed(about(id, None, &list([1, 2, 3])), Some(&[1, 2, 3]), error, LogValues::All)
}

fn about(id: Uuid, tenant: Option<&str>, request: &ComputeRequest) -> record::Operation {
    record::Operation {
        id,
        tenant: tenant.map(str::to_owned),
        method: COMPUTE_METHOD.to_owned(),
        times: Times { sent: Some(1_000), first_received: Some(1_010), started: Some(1_011), finished: Some(1_012) },
        worker: "by-hand".to_owned(),
        digest: digest(request),
    }
}

/// The digest of a request, as the wire contract has it.
pub(crate) fn digest(request: &ComputeRequest) -> String {
    hex::encode(Sha256::digest(wire::request_to_json(request)))
}

/// An id made that long ago, or ahead of time.
pub(crate) fn made(ago: Duration) -> Uuid {
    id_at(SystemTime::now() - ago)
}

pub(crate) fn made_ahead(ahead: Duration) -> Uuid {
    id_at(SystemTime::now() + ahead)
}

fn id_at(time: SystemTime) -> Uuid {
    let ms = time.duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let random = *Uuid::new_v4().as_bytes().first_chunk().expect("16 bytes");
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(ms).expect("before the year 2500"), &random).into_uuid()
}

pub(crate) fn list(values: impl Into<Vec<i64>>) -> ComputeRequest {
    ComputeRequest { values: values.into(), ..Default::default() }
}

/// A call to compute that chooses its id.
pub(crate) fn with_id(id: Uuid, values: impl Into<Vec<i64>>) -> ComputeRequest {
    ComputeRequest { operation_id: id.to_string(), ..list(values) }
}

pub(crate) fn submission(request: ComputeRequest) -> SubmitOperationRequest {
    SubmitOperationRequest { request: Some(request) }
}

pub(crate) fn get(name: impl Into<String>) -> GetOperationRequest {
    GetOperationRequest { name: name.into() }
}

/// Waits as long as the call may take.
pub(crate) fn wait(name: impl Into<String>) -> WaitOperationRequest {
    WaitOperationRequest { name: name.into(), timeout: None }
}

pub(crate) fn name(id: Uuid) -> String {
    format!("operations/{id}")
}

/// A request of a tenant, with a time.
pub(crate) fn of<T>(tenant: &'static str, message: T) -> Request<T> {
    let mut request = within(LONG, message);
    request.metadata_mut().insert(TENANT, tenant.parse().expect("visible ASCII"));
    request
}

/// A request with this time.
pub(crate) fn within<T>(timeout: Duration, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(timeout);
    request
}

/// The operation that an answer names in its metadata.
pub(crate) fn operation_id(metadata: &MetadataMap) -> Uuid {
    let id = metadata.get("operation-id").expect("an operation id").to_str().expect("text");
    Uuid::parse_str(id).expect("an id")
}

/// Asserts what a refusal is, and that it names the operation.
pub(crate) fn check_refused<T: std::fmt::Debug>(
    answer: Result<Response<T>, Status>,
    code: Code,
    reason: &str,
) -> Status {
    let status = answer.expect_err(reason);
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!((status.code(), info.reason.as_str()), (code, reason), "{status:?}");
    assert_eq!(info.metadata["operation_id"], operation_id(status.metadata()).to_string());
    let is_to_retry =
        matches!(reason, "NOT_RECORDED_YET" | "LOG_UNAVAILABLE" | "TOO_MANY_IN_FLIGHT" | "OPERATION_ID_BUSY");
    assert_eq!(status.get_details_retry_info().is_some(), is_to_retry, "{status:?}");
    status
}

/// Makes a call that nobody answers in its short time. The client's own timer fires first where the machine stands still for long
/// enough, and only then the call is made again.
pub(crate) async fn late(client: &ComputeServiceClient<Channel>, request: ComputeRequest) -> Status {
    for _ in 0..5 {
        let answer = client.clone().compute(within(Duration::from_millis(400), request.clone())).await;
        if answer.as_ref().err().is_none_or(|status| status.source().is_none()) {
            return check_refused(answer, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
        }
    }
    panic!("the client's timer fires first, again and again");
}

/// Asserts that these fields are refused.
pub(crate) fn check_invalid<T: std::fmt::Debug>(answer: Result<Response<T>, Status>, fields: &[&str]) {
    let status = check_refused(answer, Code::InvalidArgument, "INVALID_REQUEST");
    let violations = status.get_details_bad_request().expect("violations").field_violations;
    assert_eq!(violations.iter().map(|violation| violation.field.as_str()).collect::<Vec<_>>(), fields, "{status:?}");
}

/// The names of all operations without a tenant, as many as a page holds.
pub(crate) async fn listed(client: &mut ComputeServiceClient<Channel>) -> Vec<String> {
    let request = ListOperationsRequest { page_size: 100, ..Default::default() };
    let page = client.list_operations(request).await.expect("a page").into_inner();
    page.operations.into_iter().map(|operation| operation.name).collect()
}

pub(crate) fn statistics(operation: &Operation) -> &Statistics {
    assert!(operation.done, "{operation:?}");
    match &operation.result {
        Some(Outcome::Statistics(statistics)) => statistics,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn error(operation: &Operation) -> (i32, &str) {
    assert!(operation.done, "{operation:?}");
    match &operation.result {
        Some(Outcome::Error(error)) => (error.code, &error.message),
        other => panic!("{other:?}"),
    }
}

/// The statistics of an answer, which names this operation.
pub(crate) fn answer_of(id: Uuid, answer: Response<ComputeResponse>) -> Statistics {
    assert_eq!(operation_id(answer.metadata()), id);
    let answer = answer.into_inner();
    assert_eq!(answer.operation_id, id.to_string());
    answer.statistics.expect("statistics")
}
