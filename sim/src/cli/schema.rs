//! `campaign-sim schema`: the JSON Schema of scenario files.

use super::{Error, Status};
use std::io::Write;

/// Prints the schema.
pub(super) fn schema(out: &mut dyn Write) -> Result<Status, Error> {
    serde_json::to_writer_pretty(&mut *out, &crate::schema::schema()).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(Status::Holds)
}
