//! How far a scenario is: a bar on a terminal, and nothing elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the bar moves while nothing else does.
const TICK: Duration = Duration::from_millis(200);

/// A bar on standard error, if that is a terminal. Gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar over so many steps.
    pub(crate) fn new(steps: usize) -> Self {
        let form = "{spinner} [{bar:30}] {pos} of {len}, {elapsed}: {msg}";
        let style = ProgressStyle::with_template(form).expect("the template is well-formed").progress_chars("=> ");
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr()).with_style(style);
        if !bar.is_hidden() {
            bar.enable_steady_tick(TICK);
        }
        Self(bar)
    }

    /// The next step begins.
    pub(crate) fn step(&self, what: impl Into<String>) {
        self.0.inc(1);
        self.0.set_message(what.into());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
