//! How far a run has come, on a terminal; nothing when the output is piped.

use cloud_api::time::Span;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// A line that is redrawn, or nothing.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Shows nothing.
    pub fn hidden() -> Self {
        Self { bar: None }
    }

    /// Shows a line if a person is there to see it: both outputs are terminals.
    pub fn on_terminal(what: &str) -> Self {
        if !(std::io::stdout().is_terminal() && std::io::stderr().is_terminal()) {
            return Self::hidden();
        }
        let bar = ProgressBar::no_length();
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:30}] {pos} of {len} messages, {msg}") {
            bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
        }
        bar.set_prefix(what.to_owned());
        Self { bar: Some(bar) }
    }

    /// The run has come to this time of its own, and so many of its messages are settled. Not for every event: some
    /// thousand times in a run are enough.
    pub fn at(&self, elapsed: Span, settled: u64, total: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(settled);
            // Whole seconds: what changes faster cannot be read.
            bar.set_message(format!("at {}", Span::secs(elapsed.as_secs())));
        }
    }

    /// Takes the line away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
