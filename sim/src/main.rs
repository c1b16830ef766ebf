//! The program `campaign-sim`. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    campaign_sim::program::in_another_role(std::env::args_os()).unwrap_or_else(campaign_sim::cli::main)
}
