//! Files by which others learn of the server, written beside their place and renamed into it, so that nobody reads half of one.

use std::path::Path;
use std::{fs, io};

/// Writes a file.
pub(super) fn place(file: &Path, content: &str) -> io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = file.with_file_name(name);
    fs::write(&beside, content)?;
    fs::rename(&beside, file)
}
