//! What the machine says of processes and processors. Linux only, from `/proc`.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use crate::processes::Process;
use crate::{BoxError, http};

/// The memory of a process that is in RAM, in bytes.
pub(crate) fn resident(process: &Process) -> Result<u64, BoxError> {
    memory(process, "VmRSS:")
}

/// The most memory of a process that ever was in RAM at once, in bytes.
pub(crate) fn peak(process: &Process) -> Result<u64, BoxError> {
    memory(process, "VmHWM:")
}

fn memory(process: &Process, field: &str) -> Result<u64, BoxError> {
    let pid = process.pid().ok_or("the process has ended")?;
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib: u64 = line.ok_or_else(|| format!("no {field}"))?.trim().trim_end_matches(" kB").parse()?;
    Ok(kib << 10)
}

/// The time of processors that a process has used so far, in its own code and in the kernel's for it. It is known to the
/// hundredth of a second.
pub(crate) fn processor_time(process: &Process) -> Result<Duration, BoxError> {
    let pid = process.pid().ok_or("the process has ended")?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the program's name in parentheses, which may hold anything.
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in the state of the process")?;
    let ticks: Vec<u64> = fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(Duration::from_secs_f64(ticks.iter().sum::<u64>() as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// How busy the processors of the machine have been since the start or the last look, everything that runs included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Processors {
    busy: u64,
    total: u64,
}

impl Processors {
    pub(crate) fn look() -> Result<Self, BoxError> {
        let stat = fs::read_to_string("/proc/stat")?;
        let line =
            stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).ok_or("no line for all processors")?;
        let ticks: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        // user nice system idle iowait irq softirq steal
        let total: u64 = ticks.iter().take(8).sum();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        Ok(Self { busy: total - idle, total })
    }

    /// The part of the time since then that they were busy, from 0 to 1.
    pub(crate) fn busy_since(self, then: Self) -> f64 {
        (self.busy - then.busy) as f64 / (self.total - then.total).max(1) as f64
    }
}

/// The value of a metric without labels, from an admin port.
pub(crate) async fn metric(admin: SocketAddr, name: &str) -> Result<u64, BoxError> {
    let metrics = http::get(admin, "/metrics").await?;
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(value.ok_or_else(|| format!("no metric {name}"))?.parse()?)
}
