//! Contacts from a CSV file: which rows are good, and what is wrong with the others.

use std::fmt;
use std::path::{Path, PathBuf};

/// The contacts of one file, each number once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactList {
    /// Where it was read.
    pub path: PathBuf,
    /// The names of the columns beside `phone`, in the order of the header.
    pub columns: Vec<String>,
    /// Good rows, in the order of the file.
    pub rows: Vec<Row>,
    /// Bad rows.
    pub rejected: Vec<Rejected>,
    /// Rows left out since their number stands in an earlier one.
    pub repeated: u32,
}

/// A good row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The digits of E.164.
    pub phone: u64,
    /// One value a column.
    pub variables: Vec<String>,
}

/// A bad row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The line of the file, from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// Why a file gave no contacts at all.
#[derive(Debug)]
pub enum ListError {
    /// It could not be read.
    Unreadable(std::io::Error),
    /// Its first line names no column `phone`.
    NoPhoneColumn,
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "{error}"),
            Self::NoPhoneColumn => f.write_str("the first line names no column `phone`"),
        }
    }
}

impl std::error::Error for ListError {}

impl ContactList {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read or has no column `phone`; bad rows are in [`ContactList::rejected`].
    pub fn read(path: &Path) -> Result<Self, ListError> {
        let text = std::fs::read_to_string(path).map_err(ListError::Unreadable)?;
        let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let header = lines.next().map(|(_, line)| fields(line)).unwrap_or_default();
        let at = header.iter().position(|name| name.trim() == "phone").ok_or(ListError::NoPhoneColumn)?;
        let columns: Vec<String> = header.iter().filter(|name| name.trim() != "phone").map(|name| name.trim().to_owned()).collect();
        let mut rejected = Vec::new();
        let mut rows = Vec::new();
        for (line, text) in lines {
            let mut variables = fields(text);
            if variables.len() != header.len() {
                let reason = format!("{} fields where the header has {}", variables.len(), header.len());
                rejected.push(Rejected { line, reason });
                continue;
            }
            let given = variables.remove(at);
            match number(given.trim()) {
                Ok(phone) => rows.push(Row { phone, variables }),
                Err(reason) => rejected.push(Rejected { line, reason }),
            }
        }
        let mut list = Self::of_rows(path.to_owned(), columns, rows);
        list.rejected = rejected;
        Ok(list)
    }

    /// A list of rows whose numbers were accepted. Of rows with the same number the first stays.
    pub fn of_rows(path: PathBuf, columns: Vec<String>, rows: Vec<Row>) -> Self {
        let mut seen = std::collections::BTreeSet::new();
        let all = rows.len();
        let rows: Vec<Row> = rows.into_iter().filter(|row| seen.insert(row.phone)).collect();
        let repeated = (all - rows.len()) as u32;
        Self { path, columns, rows, rejected: Vec::new(), repeated }
    }
}

/// The digits of a number that libphonenumber finds valid.
fn number(given: &str) -> Result<u64, String> {
    if given.is_empty() {
        return Err("the phone is empty".to_owned());
    }
    let parsed = phonenumber::parse(None, given).map_err(|error| format!("`{given}` is no phone number: {error}"))?;
    if !phonenumber::is_valid(&parsed) {
        return Err(format!("`{given}` is not a valid phone number"));
    }
    let text = parsed.format().mode(phonenumber::Mode::E164).to_string();
    text.trim_start_matches('+').parse().map_err(|_| format!("`{given}` has too many digits"))
}

/// The fields of a line; a field in quotes may contain commas, and quotes doubled.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quoted) {
            ('"', true) if chars.peek() == Some(&'"') => {
                chars.next();
                fields.last_mut().expect("never empty").push('"');
            }
            ('"', _) => quoted = !quoted,
            (',', false) => fields.push(String::new()),
            (c, _) => fields.last_mut().expect("never empty").push(c),
        }
    }
    fields
}
