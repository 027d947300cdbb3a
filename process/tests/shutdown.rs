//! Signals, sent to a process of their own: this test program again, running the test that is the child.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and the child reports to its parent"
)]

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

const CHILD: &str = "COMPUTE_TEST_CHILD";

/// Waits for a first signal, then drains until it is ended: by a second signal, or in the mode `quick` by itself.
#[tokio::test]
async fn child() {
    let Ok(mode) = std::env::var(CHILD) else { return };
    let shutdown = compute_process::shutdown::requested().unwrap();
    println!("\nwaiting");
    shutdown.await;
    println!("\ndraining");
    if mode != "quick" {
        std::future::pending::<()>().await;
    }
}

struct Process {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(mode: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child", "--nocapture"]).env(CHILD, mode).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn until(&mut self, line: &str) {
        assert!(self.lines.by_ref().any(|read| read.unwrap() == line), "the child says {line:?}");
    }

    fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }

    fn end(mut self) -> ExitStatus {
        self.lines.by_ref().for_each(drop);
        self.child.wait().unwrap()
    }
}

#[test]
fn the_first_signal_asks_for_the_end_and_leaves_the_process_to_it() {
    for signal in ["TERM", "INT"] {
        let mut process = Process::start("quick");
        process.until("waiting");
        process.signal(signal);
        process.until("draining");
        assert!(process.end().success(), "{signal}");
    }
}

#[test]
fn a_second_signal_ends_the_process_at_once_with_the_code_of_that_signal() {
    for (first, second, code) in [("TERM", "INT", 130), ("INT", "TERM", 143), ("INT", "INT", 130)] {
        let mut process = Process::start("slow");
        process.until("waiting");
        process.signal(first);
        process.until("draining");
        process.signal(second);
        let status = process.end();
        assert_eq!((status.code(), status.signal()), (Some(code), None), "{first}, then {second}");
    }
}
