//! The program `mock-whatsapp`. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    mock_whatsapp::cli::main()
}
