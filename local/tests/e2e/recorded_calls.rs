//! What gateways, workers and operators ask of SQS and S3, for `make deploy-calls` to compare with `deploy/policies`.
//!
//! With `COMPUTE_RECORDED_CALLS`, the name of a file, each request adds a line there that `recorded_calls.py` of the
//! Python suite reads. Without it everything goes through the usual client.

use std::fs::File;
use std::io::Write as _;
use std::sync::LazyLock;

use aws_smithy_runtime_api::client::http::{
    HttpClient as _, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde_json::{Value, json};

/// Where to record, if somebody wants to know.
static FILE: LazyLock<Option<File>> = LazyLock::new(|| {
    let name = std::env::var_os("COMPUTE_RECORDED_CALLS").filter(|name| !name.is_empty())?;
    Some(File::options().append(true).create(true).open(name).expect("the file for the calls can be written"))
});

/// The client that records, if somebody wants to know.
pub(crate) fn http_client() -> Option<SharedHttpClient> {
    let (file, usual) = (FILE.as_ref()?, compute_process::aws::http_client());
    Some(http_client_fn(move |settings, components| {
        SharedHttpConnector::new(Recorder { file, connector: usual.http_connector(settings, components) })
    }))
}

#[derive(Debug)]
struct Recorder {
    file: &'static File,
    connector: SharedHttpConnector,
}

impl HttpConnector for Recorder {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let line = format!("{}\n", exchange(&request));
        // In one piece, since other tests write to the file as well.
        let mut file = self.file;
        file.write_all(line.as_bytes()).expect("the call is recorded");
        self.connector.call(request)
    }
}

/// A request, in the form and with the names of an `Exchange` of `aws_proxy.py`.
fn exchange(request: &HttpRequest) -> Value {
    let (headers, method) = (request.headers(), request.method());
    let signed = headers.get("authorization").and_then(|signed| signed.split_once("Credential=")?.1.split_once('/'));
    let action = headers.get("x-amz-target").map(|target| target.trim_start_matches("AmazonSQS."));
    let operation = action.map_or_else(|| format!("S3.{method}"), |action| format!("SQS.{action}"));
    let uri: http::Uri = request.uri().parse().expect("a URL");
    // What is put into S3 says nothing of what is needed, and may be a stream.
    let body = request.body().bytes().filter(|_| method == "POST").map(String::from_utf8_lossy);
    json!({
        "operation": operation,
        "body": body,
        "method": method,
        "target": uri.path_and_query().map(http::uri::PathAndQuery::as_str),
        "access_key": signed.map(|(access_key, _)| access_key),
    })
}
