//! Measures the statistics kernel, one measurement at a time, as it is told: one command a line in, one answer a line out, in
//! JSON. Nothing but the computation is timed: `seconds` on the clock, `busy_seconds` of the processor for the first thread.
//!
//! ```console
//! {"load":{"name":"random","path":"random.i64"}}       a file of little-endian 64-bit integers
//! {"unload":{"name":"random"}}
//! {"sum":{"list":"random"}}                            an exact sum, one pass in a plain loop: the measure of the others
//! {"statistics":{"list":"random","kernel":"avx512","threads":1,"quantiles":[0.9],"bins":100}}
//! {"kernels":{}}                                       those of this machine and its number of processors
//! ```
//!
//! `bench/kernel.py` (`make bench-kernel`) tells it what to do and takes turns with NumPy.

use std::collections::HashMap;
use std::hint::black_box;
use std::io::{self, BufRead as _, Write as _};
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Instant;

use compute_worker::statistics::{Execution, Kernel, of_with};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Command {
    Kernels {},
    Load {
        name: String,
        path: PathBuf,
    },
    Unload {
        name: String,
    },
    Sum {
        list: String,
    },
    Statistics {
        list: String,
        kernel: String,
        threads: NonZero<usize>,
        #[serde(default)]
        quantiles: Vec<f64>,
        bins: Option<u32>,
    },
}

fn main() -> io::Result<()> {
    let mut lists = HashMap::new();
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let answer = obey(serde_json::from_str(&line?)?, &mut lists)?;
        writeln!(output, "{answer}")?;
        // Whoever asks waits for the answer.
        output.flush()?;
    }
    Ok(())
}

fn obey(command: Command, lists: &mut HashMap<String, Vec<i64>>) -> io::Result<Value> {
    Ok(match command {
        Command::Kernels {} => {
            let kernels: Vec<_> = Kernel::available().iter().map(Kernel::to_string).collect();
            json!({ "kernels": kernels, "threads": Execution::best().threads })
        }
        Command::Load { name, path } => {
            let values = read(&path)?;
            let answer = json!({ "count": values.len() });
            lists.insert(name, values);
            answer
        }
        Command::Unload { name } => json!({ "unloaded": lists.remove(&name).is_some() }),
        Command::Sum { list } => {
            let (sum, time) = timed(|| sum(find(lists, &list)?))?;
            json!({ "seconds": time.passed, "busy_seconds": time.busy, "sum": sum.to_string() })
        }
        Command::Statistics { list, kernel, threads, quantiles, bins } => {
            let kernel = kernel.parse().map_err(io::Error::other)?;
            let execution = Execution { kernel, threads };
            let (statistics, time) = timed(|| Ok(of_with(find(lists, &list)?, &quantiles, bins, execution)))?;
            json!({
                "seconds": time.passed,
                "busy_seconds": time.busy,
                "min": statistics.min,
                "max": statistics.max,
                "sum": statistics.sum,
                "mean": statistics.mean,
                "variance": statistics.variance,
                "median": statistics.median,
                "quantiles": statistics.quantiles.iter().map(|quantile| quantile.value).collect::<Vec<_>>(),
                "counts": statistics.histogram.map(|histogram| histogram.counts),
            })
        }
    })
}

/// Seconds that something took.
struct Time {
    passed: f64,
    /// What the processor worked for this thread, whatever else it had to do.
    busy: f64,
}

fn timed<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<(T, Time)> {
    let (start, busy) = (Instant::now(), busy_seconds());
    let result = work()?;
    Ok((result, Time { busy: busy_seconds() - busy, passed: start.elapsed().as_secs_f64() }))
}

fn busy_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// As well as the compiler can: this is what a single exact pass takes at least.
#[inline(never)]
fn sum(values: &[i64]) -> io::Result<i128> {
    Ok(black_box(values).iter().map(|&value| i128::from(value)).sum())
}

fn find<'a>(lists: &'a HashMap<String, Vec<i64>>, name: &str) -> io::Result<&'a [i64]> {
    lists.get(name).map(Vec::as_slice).ok_or_else(|| io::Error::other(format!("no list {name} was loaded")))
}

fn read(path: &PathBuf) -> io::Result<Vec<i64>> {
    let bytes = std::fs::read(path)?;
    let (values, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(io::Error::other("a file of 64-bit integers has a multiple of 8 bytes"));
    }
    Ok(values.iter().map(|&bytes| i64::from_le_bytes(bytes)).collect())
}
