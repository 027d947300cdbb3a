//! Lists of very different lengths at once.

use std::sync::Arc;
use std::time::Duration;

use compute_process::flags;
use compute_proto::v1::compute_service_client::ComputeServiceClient;
use compute_proto::v1::{ComputeRequest, Statistics};
use serde_json::json;
use tokio::time::Instant;
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use super::{Options, conclude, promise_of_calls};
use crate::caller::{Ended, Ending};
use crate::progress::Progress;
use crate::report::{Report, Table, duration};
use crate::system::{LogMode, System};
use crate::tally::{SharedTally, Tally};
use crate::{BoxError, large_list, load};

/// Calls of this many follow one another in each length of the longest lists, so that short ones are many and long ones few.
const EVERY: u64 = 10;

#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// How many integers lists have, from short to long. Of each length there are ten times as many as of the next one
    #[arg(long, value_delimiter = ',', default_value = "1,100,10000,1000000", value_parser = clap::value_parser!(u64).range(1..=5_000_000))]
    lengths: Vec<u64>,
    /// How many different lists of each length there are
    #[arg(long, default_value_t = 3)]
    lists: u64,
    /// How many calls to make
    #[arg(long, default_value_t = 20_000)]
    calls: u64,
    /// How many callers make them, each one after the other
    #[arg(long, default_value_t = 32)]
    callers: u64,
    /// How workers log
    #[arg(long, value_enum, default_value = "batch")]
    log_mode: LogMode,
    /// The deadline of a call
    #[arg(long, default_value = "2m", value_parser = flags::duration(Duration::from_secs(1)..=Duration::from_secs(900)))]
    deadline: Duration,
}

/// A list and the right answer.
#[derive(Debug)]
struct Asked {
    request: ComputeRequest,
    answer: Statistics,
}

impl Asked {
    fn new(seed: u64, length: u64) -> Result<Self, BoxError> {
        let values = large_list::random(seed, usize::try_from(length)?);
        let answer = large_list::answer(&values);
        Ok(Self { request: ComputeRequest { values, ..Default::default() }, answer })
    }
}

/// The lists of one length, and how calls with them ended.
struct Size {
    length: u64,
    lists: Vec<Asked>,
    tally: SharedTally,
}

pub(crate) async fn run(options: &Options, flags: &Flags) -> Result<Report, BoxError> {
    let sizes = make(flags)?;
    let system = System::start(options, None).await?;
    let _worker = system.worker("worker", flags.log_mode.flags()).await?;
    let gateway = system.gateway("gateway", &[]).await?;
    let channel = Endpoint::from_shared(format!("http://{}", gateway.address))?.tcp_nodelay(true).connect_lazy();
    let client = ComputeServiceClient::new(channel).max_encoding_message_size(usize::MAX);

    let progress = Progress::new(1);
    progress.step(format!("{} calls of {} lengths", flags.calls, sizes.len()));
    let (sizes, deadline) = (Arc::new(sizes), flags.deadline);
    let call = {
        let sizes = sizes.clone();
        move |number| {
            let (sizes, client) = (sizes.clone(), client.clone());
            async move {
                let size = &sizes[place(number, sizes.len())];
                let asked = &size.lists[number as usize % size.lists.len()];
                size.tally.add(&ask(client, asked, deadline).await);
            }
        }
    };
    let started = Instant::now();
    load::by_callers(flags.callers, flags.calls, call).await;
    let took = started.elapsed();
    drop(progress);

    let mut report = Report::new(
        "mixed",
        json!({ "lengths": flags.lengths, "calls": flags.calls, "callers": flags.callers, "log_mode": flags.log_mode.name() }),
    );
    let mut table = Table::new(&["integers", "calls", "p50", "p99", "slowest", "endings"]);
    for size in &*sizes {
        let tally = size.tally.read();
        let [p50, p99] = [0.5, 0.99].map(|part| duration(tally.quantile(part)));
        let slowest = duration(tally.slowest());
        table.row([size.length.to_string(), tally.total.to_string(), p50, p99, slowest, tally.endings()]);
        report.figure(&format!("length_{}", size.length), tally.to_json());
    }
    report.table(table);
    let tally = Tally::sum(&sizes.iter().map(|size| size.tally.read()).collect::<Vec<_>>());
    report.figure("calls_per_second", tally.right as f64 / took.as_secs_f64());
    report.promise_none("every call gets its answer", tally.failed());
    promise_of_calls(&mut report, &tally);
    conclude(report, options, system).await
}

fn make(flags: &Flags) -> Result<Vec<Size>, BoxError> {
    let size = |&length: &u64| {
        let lists = (0..flags.lists.max(1)).map(|seed| Asked::new(seed, length)).collect::<Result<_, _>>()?;
        Ok(Size { length, lists, tally: SharedTally::default() })
    };
    flags.lengths.iter().map(size).collect()
}

/// Which length the call of this number has: of ten calls nine have the first one, and the tenth the first or a longer one
/// in the same way.
fn place(number: u64, lengths: usize) -> usize {
    let longer = (0..).map(|power| EVERY.pow(power)).take_while(|&every| (number + 1).is_multiple_of(every)).count();
    longer.clamp(1, lengths) - 1
}

async fn ask(mut client: ComputeServiceClient<Channel>, asked: &Asked, deadline: Duration) -> Ended {
    let started = Instant::now();
    let mut request = Request::new(asked.request.clone());
    request.set_timeout(deadline);
    let ending = match client.compute(request).await {
        Err(status) => Ending::Refused { code: status.code(), reason: status.message().to_owned() },
        Ok(response) => {
            let response = response.into_inner();
            if response.statistics.as_ref() == Some(&asked.answer) {
                Ending::Right { operation: response.operation_id }
            } else {
                Ending::Wrong(format!("a list of {} integers was answered {response:?}", asked.request.values.len()))
            }
        }
    };
    Ended { ending, attempts: 1, took: started.elapsed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_length_comes_ten_times_as_often_as_the_next_one() {
        let mut counts = [0; 4];
        (0..10_000).for_each(|number| counts[place(number, 4)] += 1);
        assert_eq!(counts, [9_000, 900, 90, 10]);
    }
}
