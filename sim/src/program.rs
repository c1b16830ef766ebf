//! This executable in the role of the programs that level live runs: same code, same command line, a process of their own.
//!
//! `cargo run --bin campaign-sim` builds this one executable; so it carries what it tests, and cannot meet a stale copy of it.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the engine or the mock, if the first argument names one.
pub fn in_another_role(arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.skip(1).peekable();
    match arguments.peek()?.to_str()? {
        "campaign-engine" => Some(campaign_engine::cli::main_from(arguments)),
        "mock-whatsapp" => Some(mock_whatsapp::cli::main_from(arguments)),
        _ => None,
    }
}
