//! The one place that writes to stdout and stderr.

use std::io::{self, Write};

/// A line on stdout. A reader that went away (`| head`) is no error of ours.
#[expect(clippy::print_stdout, reason = "the program's output")]
pub(super) fn line(text: &str) {
    println!("{text}");
}

/// A line on stderr: what is wrong.
#[expect(clippy::print_stderr, reason = "the program's complaints")]
pub(super) fn error(text: &str) {
    eprintln!("campaign-engine: {text}");
}

/// A line on stderr: what goes on.
#[expect(clippy::print_stderr, reason = "the program's progress")]
pub(super) fn note(text: &str) {
    eprintln!("{text}");
}

/// Stdout, buffered, for long output.
pub(super) fn output() -> impl Write {
    io::BufWriter::with_capacity(1 << 16, io::stdout().lock())
}
