//! How far a long command is.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::task::AbortOnDropHandle;

/// A command that ends sooner shows no progress.
const SHOWN_AFTER: Duration = Duration::from_millis(300);

/// How often a bar moves while nothing else does.
const TICK: Duration = Duration::from_millis(120);

/// A progress bar on standard error, if that is a terminal, for commands that take their time. Gone when it is dropped.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    _appearance: AbortOnDropHandle<()>,
}

impl Progress {
    /// Begins to count; `most` is how many there can be, if that is known. `what` says of what, such as `operations read`.
    pub(super) fn new(most: Option<u64>, what: &'static str) -> Self {
        let form = match most {
            Some(_) => "{spinner} [{bar:30}] {human_pos} of at most {human_len} {msg} ({per_sec}, {elapsed})",
            None => "{spinner} {human_pos} {msg} ({per_sec}, {elapsed})",
        };
        let style = ProgressStyle::with_template(form).expect("the template is well-formed").progress_chars("=> ");
        let bar =
            ProgressBar::with_draw_target(most, ProgressDrawTarget::hidden()).with_style(style).with_message(what);
        let appearing = bar.clone();
        let appearance = tokio::spawn(async move {
            tokio::time::sleep(SHOWN_AFTER).await;
            // Nothing is drawn where there is no terminal.
            appearing.set_draw_target(ProgressDrawTarget::stderr());
            appearing.enable_steady_tick(TICK);
        });
        Self { bar, _appearance: AbortOnDropHandle::new(appearance) }
    }

    /// Notes that so many more are done.
    pub(super) fn advance(&self, done: usize) {
        self.bar.inc(done as u64);
    }

    /// Notes how many are done.
    pub(super) fn set(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Writes something without the bar in its way: standard output may be the same terminal.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
