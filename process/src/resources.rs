//! What the process takes of its machine, and which build it is, under the names that all Prometheus clients use.

use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};

use crate::exposition::Exposition;
use crate::open_files;

/// Adds the build, and the resources as far as the system tells them: all of them on Linux.
pub fn tell(metrics: &mut Exposition<'_>) {
    let build = [([env!("CARGO_PKG_VERSION")], 1)];
    metrics.gauge_by("compute_build_info", "Always 1; the label is the version.", ["version"], build);
    if let Some(usage) = Usage::now() {
        usage.tell(metrics);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        metrics.gauge("process_open_fds", "Files and connections that are open.", files.count());
    }
    metrics.gauge("process_max_fds", "Files and connections that may be open.", open_files::limit());
}

/// What `/proc` says.
#[derive(Debug, PartialEq)]
struct Usage {
    cpu_seconds: f64,
    start_time_seconds: f64,
    resident_bytes: u64,
    threads: u64,
}

impl Usage {
    fn now() -> Option<Self> {
        let (stat, system) = (fs::read_to_string("/proc/self/stat").ok()?, fs::read_to_string("/proc/stat").ok()?);
        Self::read(&stat, &system, clock_ticks_per_second(), page_size() as u64)
    }

    /// From `/proc/self/stat` and `/proc/stat`, see proc_pid_stat(5) and proc_stat(5).
    fn read(stat: &str, system: &str, ticks_per_second: u64, page_size: u64) -> Option<Self> {
        // The second field is the program's name, in parentheses, and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        // Numbered as in the manual, where the first one after the name is the third.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let seconds = |ticks: u64| ticks as f64 / ticks_per_second as f64;
        let boot: u64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
        Some(Self {
            cpu_seconds: seconds(field(14)? + field(15)?),
            threads: field(20)?,
            start_time_seconds: boot as f64 + seconds(field(22)?),
            resident_bytes: field(24)? * page_size,
        })
    }

    fn tell(&self, metrics: &mut Exposition<'_>) {
        metrics
            .counter("process_cpu_seconds_total", "Processor time taken, in seconds.", self.cpu_seconds)
            .gauge("process_start_time_seconds", "When the process began: Unix seconds.", self.start_time_seconds)
            .gauge("process_resident_memory_bytes", "Memory that is in use, in bytes.", self.resident_bytes)
            .gauge("process_threads", "Threads of the operating system.", self.threads);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_those_of_the_manual_whatever_the_programs_name() {
        let stat =
            "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 12345 1000000 300 18446744073709551615 1";
        let usage = Usage::read(stat, "cpu 1 2\nbtime 1700000000\n", 100, 4096);
        let expected =
            Usage { cpu_seconds: 3.0, start_time_seconds: 1_700_000_123.45, resident_bytes: 300 * 4096, threads: 9 };
        assert_eq!(usage, Some(expected));
        assert_eq!(Usage::read("", "", 100, 4096), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_system_tells_everything() {
        let text = crate::exposition::text(std::sync::Arc::new(tell));
        let names =
            ["cpu_seconds_total", "start_time_seconds", "resident_memory_bytes", "threads", "open_fds", "max_fds"];
        for name in names {
            let sample = text.lines().find_map(|line| line.strip_prefix("process_")?.strip_prefix(name));
            let value: f64 = sample.expect(name).trim().parse().expect("a number");
            assert!(value > 0.0 || name == "cpu_seconds_total", "{name} {value}");
        }
    }
}
