//! Files by which others learn of the server, written beside their place and renamed into it, so that nobody reads half of one.
//! What is there and no file, such as a pipe or `/dev/null`, is only written to.

use std::path::Path;
use std::{fs, io};

/// Writes a file.
pub(super) fn place(file: &Path, content: &str) -> io::Result<()> {
    // A folder is for the renaming to refuse.
    if fs::metadata(file).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return fs::write(file, content);
    }
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = file.with_file_name(name);
    fs::write(&beside, content).and_then(|()| fs::rename(&beside, file)).inspect_err(|_| {
        if let Err(error) = fs::remove_file(&beside) {
            tracing::debug!(%error, "nothing was left behind");
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileTypeExt;
    use std::process::Command;
    use std::thread;

    #[test]
    fn what_is_no_file_is_written_to_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let other_end = pipe.clone();
        let reading = thread::spawn(move || fs::read_to_string(other_end));
        place(&pipe, "4080\n").unwrap();
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo(), "it is a file now");
        assert_eq!(reading.join().unwrap().unwrap(), "4080\n");
    }

    #[test]
    fn what_cannot_be_placed_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let place_of_a_folder = folder.path().join("folder");
        fs::create_dir(&place_of_a_folder).unwrap();
        assert!(place(&place_of_a_folder, "4080\n").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
