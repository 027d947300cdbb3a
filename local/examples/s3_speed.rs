//! Measures the embedded S3 from outside: large objects against a plain file written and synced, and listings of a large
//! bucket.
//!
//! ```text
//! compute-local --workers 0 &
//! cargo run --release -p compute-local --example s3_speed -- large http://127.0.0.1:4566 $! 100 200 400 800
//! cargo run --release -p compute-local --example s3_speed -- fill http://127.0.0.1:4566 100000
//! cargo run --release -p compute-local --example s3_speed -- list http://127.0.0.1:4566
//! ```
//!
//! `large` writes objects of so many MB by multipart upload (8 MiB parts, 4 at once), reads them back, and says what that took,
//! and the highest memory and the processor time of the process with this id. `fill` puts small objects into ten folders, `list`
//! lists them in pages; start `compute-local` anew in between to see what the first look at each object takes.

#![allow(clippy::print_stdout, reason = "it is what this program is for")]

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const BUCKET: &str = "s3-speed";
const MB: usize = 1_000_000;
const PART: usize = 8 << 20;
const PARTS_AT_ONCE: usize = 4;
const PUTS_AT_ONCE: usize = 64;
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["large", endpoint, pid, ref sizes @ ..] => {
            let client = client(endpoint).await;
            println!(
                "{:>8} {:>12} {:>12} {:>12} {:>12} {:>12} {:>14}",
                "MB", "file+sync", "multipart", "PUT", "GET", "range GET", "server RSS max"
            );
            for size in sizes {
                large(&client, pid, size.parse()?).await?;
            }
            Ok(())
        }
        ["fill", endpoint, keys] => fill(&client(endpoint).await, keys.parse()?).await,
        ["list", endpoint] => list(&client(endpoint).await).await,
        _ => Err("usage: s3_speed large ENDPOINT PID MB... | fill ENDPOINT KEYS | list ENDPOINT".into()),
    }
}

/// A client of the endpoint, with the bucket there.
async fn client(endpoint: &str) -> Client {
    let config = compute_process::aws::for_endpoint(endpoint);
    let config = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
    let client = Client::from_conf(config);
    // It may be there already.
    client.create_bucket().bucket(BUCKET).send().await.ok();
    client
}

async fn large(client: &Client, pid: &str, megabytes: usize) -> Result<()> {
    let content =
        Bytes::from_iter((0..megabytes * MB).map(|n| (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()[7]));
    let file = best(async || file_and_sync(&content)).await?;
    let cpu = cpu_time(pid);
    let multipart = best(async || put_in_parts(client, &content).await).await?;
    let multipart_cpu = (cpu_time(pid) - cpu) / ROUNDS as u32;
    let cpu = cpu_time(pid);
    let put_time = best(async || put_at_once(client, &content).await).await?;
    let put_cpu = (cpu_time(pid) - cpu) / ROUNDS as u32;
    let cpu = cpu_time(pid);
    let get_time = best(async || get(client, &content, None).await).await?;
    let get_cpu = (cpu_time(pid) - cpu) / ROUNDS as u32;
    let range = best(async || get(client, &content, Some(content.len() / 2)).await).await?;
    println!(
        "{megabytes:>8} {file:>12.1?} {multipart:>12.1?} {put_time:>12.1?} {get_time:>12.1?} {range:>12.1?} {:>14}",
        memory(pid)
    );
    println!("{:>8} {:>12} {multipart_cpu:>12.1?} {put_cpu:>12.1?} {get_cpu:>12.1?}", "", "server's CPU");
    Ok(())
}

/// The shortest time of a few.
async fn best(mut work: impl AsyncFnMut() -> Result<()>) -> Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        work().await?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

fn file_and_sync(content: &[u8]) -> Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(".")?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    Ok(())
}

async fn put_at_once(client: &Client, content: &Bytes) -> Result<()> {
    let put = client.put_object().bucket(BUCKET).key("large").body(ByteStream::from(content.clone()));
    put.send().await?;
    Ok(())
}

async fn put_in_parts(client: &Client, content: &Bytes) -> Result<()> {
    let start = client.create_multipart_upload().bucket(BUCKET).key("large").send().await?;
    let id = start.upload_id().ok_or("no upload id")?;
    let parts = (0..content.len().div_ceil(PART)).map(|index| {
        let number = i32::try_from(index + 1).unwrap_or(i32::MAX);
        let body = content.slice(index * PART..content.len().min((index + 1) * PART));
        let part = client.upload_part().bucket(BUCKET).key("large").upload_id(id).part_number(number);
        let part = part.body(ByteStream::from(body)).send();
        async move { Result::Ok(CompletedPart::builder().part_number(number).set_e_tag(part.await?.e_tag).build()) }
    });
    let parts: Vec<_> = stream::iter(parts).buffered(PARTS_AT_ONCE).try_collect().await?;
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    client.complete_multipart_upload().bucket(BUCKET).key("large").upload_id(id).multipart_upload(parts).send().await?;
    Ok(())
}

/// Reads the object, or what comes after so many bytes of it, and compares it.
async fn get(client: &Client, content: &Bytes, from: Option<usize>) -> Result<()> {
    let range = from.map(|from| format!("bytes={from}-"));
    let mut body = client.get_object().bucket(BUCKET).key("large").set_range(range).send().await?.body;
    let mut rest = content.slice(from.unwrap_or(0)..);
    while let Some(data) = body.try_next().await? {
        if rest.len() < data.len() || rest.split_to(data.len()) != data {
            return Err("what was read is not what was written".into());
        }
    }
    if rest.is_empty() { Ok(()) } else { Err("the object is cut short".into()) }
}

async fn fill(client: &Client, keys: usize) -> Result<()> {
    let key = |n: usize| format!("operations/tenant={:02}/dt=2026-11-24/{n:013}.json", n % 10);
    let puts = (0..keys).map(|n| {
        let put = client.put_object().bucket(BUCKET).key(key(n)).body(ByteStream::from_static(b"{}"));
        put.content_type("application/json").send()
    });
    stream::iter(puts).buffer_unordered(PUTS_AT_ONCE).try_for_each(async |_| Ok(())).await?;
    Ok(())
}

async fn list(client: &Client) -> Result<()> {
    let base = || client.list_objects_v2().bucket(BUCKET);
    let middle = "operations/tenant=05/dt=2026-11-24/0000000050000.json";
    for (what, request) in [
        ("first page", base()),
        ("prefix", base().prefix("operations/tenant=07/")),
        ("prefix and start-after", base().prefix("operations/tenant=05/").start_after(middle)),
        ("delimiter, 10 rows", base().prefix("operations/").delimiter("/")),
        ("delimiter, 1,000 objects", base().prefix("operations/tenant=03/dt=2026-11-24/").delimiter("/")),
    ] {
        let mut times = Vec::new();
        let mut rows = 0;
        for _ in 0..50 {
            let start = Instant::now();
            let page = request.clone().send().await?;
            times.push(start.elapsed());
            rows = page.contents().len() + page.common_prefixes().len();
        }
        let first = times[0];
        times.sort();
        println!(
            "{what:<28}{rows:>6} rows   first {first:>9.1?}   median {:>9.1?}   most {:>9.1?}",
            times[25], times[49]
        );
    }
    Ok(())
}

/// The most memory a process has had, from Linux's `/proc`.
fn memory(pid: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |size| size.trim().to_owned())
}

/// The processor time that a process has used, from Linux's `/proc`, in ticks of 10 ms.
fn cpu_time(pid: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
