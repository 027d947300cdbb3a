//! The programs under test as processes: started, waited for, signalled by their id, and killed on every way out.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::BoxError;

/// How long a program may take to say that it is ready, and to end when told to. Chaos delays the first requests of both.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a program is started with.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    /// Where its log goes; a program started again goes on with it.
    pub(crate) log: PathBuf,
    /// Counts panics that the log tells of.
    pub(crate) panics: Arc<AtomicU64>,
}

/// A running program. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Process {
    program: PathBuf,
    log: PathBuf,
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    /// Lines that were passed over while another was waited for: those of the two streams come in any order.
    passed: Vec<String>,
}

impl Process {
    pub(crate) fn start(program: &Program) -> Result<Self, BoxError> {
        let mut command = Command::new(&program.path);
        command.args(&program.arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true).env("RUST_BACKTRACE", "1");
        for (name, _) in std::env::vars_os() {
            let inherited = name.to_string_lossy();
            if ["AWS_", "COMPUTE_", "RUST_LOG"].iter().any(|prefix| inherited.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command.envs(program.environment.iter().map(|(name, value)| (name, value)));
        let mut child = command.spawn().map_err(|error| format!("cannot start {}: {error}", program.path.display()))?;

        let file = File::options().create(true).append(true).open(&program.log)?;
        let (sender, lines) = mpsc::unbounded_channel();
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(read(stdout, file.try_clone()?, sender.clone(), program.panics.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(read(stderr, file, sender, program.panics.clone()));
        }
        Ok(Self { program: program.path.clone(), log: program.log.clone(), child, lines, passed: Vec::new() })
    }

    /// Waits for the first line that `accept` makes something of.
    pub(crate) async fn says<T>(&mut self, what: &str, accept: impl Fn(&str) -> Option<T>) -> Result<T, BoxError> {
        if let Some(found) = self.passed.iter().find_map(|line| accept(line)) {
            return Ok(found);
        }
        let waiting = async {
            while let Some(line) = self.lines.recv().await {
                if let Some(found) = accept(&line) {
                    return Some(found);
                }
                self.passed.push(line);
            }
            None
        };
        let found = tokio::time::timeout(PATIENCE, waiting).await;
        let missing = |why| self.error(&format!("no {what} {why}"));
        found.map_err(|_| missing("in time"))?.ok_or_else(|| missing("before its end"))
    }

    /// Waits for a log line, in JSON, with this message.
    pub(crate) async fn event(&mut self, message: &str) -> Result<Value, BoxError> {
        let accept = |line: &str| -> Option<Value> {
            let event: Value = serde_json::from_str(line).ok()?;
            (event.get("message")?.as_str()? == message).then_some(event)
        };
        self.says(&format!("log line {message:?}"), accept).await
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Tells the process to end (SIGTERM), and waits until it has.
    pub(crate) async fn terminate(mut self) -> Result<ExitStatus, BoxError> {
        let pid = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pid = pid.ok_or_else(|| self.error("it ended by itself"))?;
        kill_process(pid, Signal::TERM)?;
        match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => Err(self.error("it does not end when told to")),
        }
    }

    /// Ends the process where it stands (SIGKILL).
    pub(crate) async fn kill(mut self) -> Result<(), BoxError> {
        Ok(self.child.kill().await?)
    }

    fn error(&self, what: &str) -> BoxError {
        let tail = tail(&self.log).unwrap_or_default();
        format!("{}: {what}; the end of its log:\n{tail}", self.program.display()).into()
    }
}

/// Copies what a process writes to its log, and line by line to whoever waits for one.
async fn read(
    stream: impl AsyncRead + Unpin,
    mut log: File,
    lines: mpsc::UnboundedSender<String>,
    panics: Arc<AtomicU64>,
) {
    // Lines that nobody asks for are few: programs log at their start and end, and when something fails.
    let mut reader = BufReader::new(stream).lines();
    while let Ok(Some(line)) = reader.next_line().await {
        if line.contains("panicked at") {
            panics.fetch_add(1, Ordering::Relaxed);
        }
        // A log that cannot be written is no reason to stop the process by a full pipe.
        let _ = writeln!(log, "{line}");
        let _ = lines.send(line);
    }
}

/// The last lines of a file.
fn tail(file: &Path) -> std::io::Result<String> {
    const LINES: usize = 10;
    let text = std::fs::read_to_string(file)?;
    let lines: Vec<_> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(LINES)..].join("\n"))
}
