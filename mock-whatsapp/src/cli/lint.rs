//! `lint`: what is wrong with a configuration file, with its line, its column, the line itself and what would be right.

use super::{Failure, print};
use crate::config::Config;
use std::fs;
use std::path::Path;

/// Reads a file as the server would, and says what it finds.
pub(super) fn lint(file: &Path) -> Result<(), Failure> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
    match Config::default().read(&text) {
        Ok(()) => print(&format!("{name}: nothing is wrong with it\n")),
        Err(error) => {
            let line = text.lines().nth(error.line - 1).unwrap_or_default();
            let number = error.line.to_string();
            let (margin, mark) = (" ".repeat(number.len()), " ".repeat(error.column - 1));
            Err(Failure::Usage(format!("{name}:{error}\n{margin} |\n{number} | {line}\n{margin} | {mark}^")))
        }
    }
}
