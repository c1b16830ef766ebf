//! The one place that writes to stdout and stderr.

use std::io::{self, Write};

/// A line on stdout. A reader that went away (`| head`) is no error of ours.
pub(super) fn line(text: &str) {
    drop(writeln!(io::stdout(), "{text}"));
}

/// A line on stderr: what is wrong.
pub(super) fn error(text: &str) {
    drop(writeln!(io::stderr(), "campaign-engine: {text}"));
}

/// A line on stderr: what goes on.
pub(super) fn note(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}

/// Stdout, buffered, for long output.
pub(super) fn output() -> impl Write {
    io::BufWriter::with_capacity(1 << 16, io::stdout().lock())
}
