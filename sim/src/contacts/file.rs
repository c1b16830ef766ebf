//! Contacts from a CSV file, judged line by line by the engine's own rules, so that both see the same contacts.

use campaign_engine::contacts::{Digest, Error, List};
use campaign_engine::store::Line;
use std::collections::BTreeSet;
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
    pub line: u32,
    /// Why.
    pub reason: String,
}

impl ContactList {
    /// Reads a file. Bad rows are in [`ContactList::rejected`].
    ///
    /// # Errors
    /// If it cannot be read, or its first line names no column `phone`.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut list = List::open(path, None, Digest::of_file(path)?)?;
        let columns = list.columns().to_vec();
        let (mut rows, mut rejected) = (Vec::new(), Vec::new());
        while let Some(line) = list.next_line()? {
            match line {
                Line::Contact { phone, variables, .. } => rows.push(Row { phone, variables }),
                Line::Bad { line, reason, .. } => rejected.push(Rejected { line, reason }),
            }
        }
        Ok(Self { rejected, ..Self::of_rows(path.to_owned(), columns, rows) })
    }

    /// A list of rows that were judged before. Of rows with the same number the first stays, as in the engine's store.
    pub fn of_rows(path: PathBuf, columns: Vec<String>, rows: Vec<Row>) -> Self {
        let mut seen = BTreeSet::new();
        let all = rows.len();
        let rows: Vec<Row> = rows.into_iter().filter(|row| seen.insert(row.phone)).collect();
        let repeated = (all - rows.len()) as u32;
        Self { path, columns, rows, rejected: Vec::new(), repeated }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_good_rows_once_each_and_says_what_is_wrong_with_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        let text = "name,phone\nAna,+49 151 23456789\nBo,none\nCy,+49 (151) 2345-6789\nDi,+34 612 34 56 78\n";
        std::fs::write(&path, text).unwrap();
        let list = ContactList::read(&path).unwrap();
        let rows: Vec<_> = list.rows.iter().map(|row| (row.phone, row.variables[0].as_str())).collect();
        assert_eq!(rows, [(4_915_123_456_789, "Ana"), (34_612_345_678, "Di")]);
        assert_eq!((list.columns, list.repeated), (vec!["name".to_owned()], 1));
        assert_eq!(list.rejected.iter().map(|bad| bad.line).collect::<Vec<_>>(), [3]);
    }
}
