//! A service that answers each request with its body in upper case, and a caller, both in one process.
//!
//! Needs a queue, for example on the local stack (`cargo run --release` in another terminal):
//!
//! ```sh
//! export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
//! aws --endpoint-url "$AWS_ENDPOINT_URL" sqs create-queue --queue-name shout-requests
//! cargo run -p sqs-rpc --example shout -- shout-requests "hello, queue"
//! ```

#![allow(clippy::print_stdout)] // It is what an example does.

use std::convert::Infallible;
use std::time::Duration;

use sqs_rpc::{
    Answer, Call, Failure, NoJournal, Request, Requester, RequesterConfig, Responder, ResponderConfig, code,
};
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

const METHOD: &str = "example.v1.ShoutService/Shout";
const LIMIT: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(queue), Some(text)) = (arguments.next(), arguments.next()) else {
        return Err("usage: shout QUEUE TEXT".into());
    };
    let aws = compute_process::aws::load().await;

    // The working side. Any `tower::Service` will do.
    let mut config = ResponderConfig::new(&queue);
    config.poll_wait = Duration::from_secs(1);
    let responder = Responder::new(&aws, config, tower::service_fn(shout), NoJournal).await?;
    let (stop, stopped) = oneshot::channel::<Infallible>();
    let working = tokio::spawn(responder.run(async { drop(stopped.await) }, LIMIT));

    // The calling side.
    let requester = Requester::start(&aws, RequesterConfig::new(&queue)).await?;
    let call = Call {
        id: Uuid::now_v7(),
        method: METHOD.to_owned(),
        body: text.into(),
        digest: None,
        content_type: None,
        deadline: Instant::now() + LIMIT,
        finish_late: false,
        tenant: None,
        traceparent: None,
    };
    let outcome = requester.call(call).await;
    requester.shutdown(LIMIT).await;
    drop(stop);
    working.await?;

    let reply = outcome?;
    println!("{}\n{:?}", reply.body, reply.timing);
    Ok(())
}

async fn shout(request: Request) -> Result<Answer<()>, Failure> {
    if request.method != METHOD {
        return Err(Failure::new(code::UNIMPLEMENTED, "only Shout is known here"));
    }
    Ok(Answer { body: request.body.to_uppercase().into(), context: () })
}
