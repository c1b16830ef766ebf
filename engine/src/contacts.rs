//! A list of contacts: CSV with a header row, streamed, each line judged by itself.
//!
//! The column `phone` is the contact; every other column fills one variable of the template's body, in the order of the
//! columns. Duplicates are not seen here: the store knows them.

use crate::store::Line;
use csv::{ByteRecord, Reader, ReaderBuilder};
use phonenumber::country;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// The column that holds the contact.
pub const PHONE: &str = "phone";

/// What is kept of a line that is no contact.
const TEXT_MOST: usize = 200;

/// A variable longer than this can be in no template's body.
const VARIABLE_MOST: usize = 1_024;

/// Why a list cannot be read at all.
#[derive(Debug)]
pub enum Error {
    /// The file cannot be read.
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The header row is not one.
    Header {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The file was written to while it was read.
    Changed(PathBuf),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, source } => write!(f, "{}: cannot read the contacts: {source}", path.display()),
            Self::Header { path, why } => write!(f, "{}:1: {why}", path.display()),
            Self::Changed(path) => {
                write!(f, "{}: the file changed while it was read: start again when it is complete", path.display())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Header { .. } | Self::Changed(_) => None,
        }
    }
}

/// A digest of a file's bytes (FNV-1a, 64 bits): tells lists apart, guards against nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Digest {
    /// Takes in more bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    /// Of a whole file.
    pub fn of_file(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Io { path: path.to_owned(), source };
        let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(failed)?);
        let mut digest = Self::default();
        loop {
            let bytes = file.fill_buf().map_err(failed)?;
            if bytes.is_empty() {
                return Ok(digest);
            }
            digest.add(bytes);
            let count = bytes.len();
            file.consume(count);
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

struct Digesting<R> {
    inner: R,
    digest: Digest,
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.digest.add(&buf[..count]);
        Ok(count)
    }
}

/// An open list.
pub struct List {
    path: PathBuf,
    reader: Reader<Digesting<File>>,
    record: ByteRecord,
    /// Where the contact stands in a line.
    phone: usize,
    columns: Vec<String>,
    region: Option<country::Id>,
    /// What the file's digest was when it was named.
    expected: Digest,
}

impl List {
    /// Opens a list and reads its header row. `expected` is the digest of the whole file.
    pub fn open(path: &Path, region: Option<country::Id>, expected: Digest) -> Result<Self, Error> {
        let failed = |source| Error::Io { path: path.to_owned(), source };
        let delimiter = delimiter(path).map_err(failed)?;
        let file = Digesting { inner: File::open(path).map_err(failed)?, digest: Digest::default() };
        let mut reader = ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(file);
        let header = reader.byte_headers().map_err(|wrong| failed(wrong.into()))?;
        let bad = |why: String| Error::Header { path: path.to_owned(), why };
        let names: Vec<String> = header
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let name = if at == 0 { name.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(name) } else { name };
                String::from_utf8_lossy(name).trim().to_owned()
            })
            .collect();
        let is_phone = |name: &String| name.eq_ignore_ascii_case(PHONE);
        let phone = names.iter().position(is_phone).ok_or_else(|| {
            let found = names.join(", ");
            bad(format!(
                "the header row has no column `{PHONE}`; it has: {found}. The first line must name the columns"
            ))
        })?;
        if names.iter().filter(|name| is_phone(name)).count() > 1 {
            return Err(bad(format!("the header row has the column `{PHONE}` twice")));
        }
        let columns = names.into_iter().enumerate().filter(|(at, _)| *at != phone).map(|(_, name)| name).collect();
        Ok(Self { path: path.to_owned(), reader, record: ByteRecord::new(), phone, columns, region, expected })
    }

    /// The columns that fill the template's variables.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The next line, judged; none at the end.
    pub fn next_line(&mut self) -> Result<Option<Line>, Error> {
        let failed = |path: &Path, wrong: csv::Error| Error::Io { path: path.to_owned(), source: wrong.into() };
        if !self.reader.read_byte_record(&mut self.record).map_err(|wrong| failed(&self.path, wrong))? {
            let digest = self.reader.get_ref().digest;
            return if digest == self.expected { Ok(None) } else { Err(Error::Changed(self.path.clone())) };
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        Ok(Some(match self.judge() {
            Ok((phone, variables)) => Line::Contact { line, phone, variables },
            Err(reason) => Line::Bad { line, text: shortened(&self.record), reason },
        }))
    }

    fn judge(&self) -> Result<(u64, Vec<String>), String> {
        let (want, have) = (self.columns.len() + 1, self.record.len());
        if have < want {
            return Err(format!("too few columns: {have} instead of {want}"));
        }
        if have > want {
            return Err(format!("too many columns: {have} instead of {want} (a value with a comma needs quotes)"));
        }
        let phone = text(&self.record[self.phone], PHONE)?;
        let phone = parse_phone(phone, self.region)?;
        let others = self.record.iter().enumerate().filter(|(at, _)| *at != self.phone);
        let variables = others.zip(&self.columns).map(|((_, value), name)| {
            let value = text(value, name)?;
            check_variable(name, value)?;
            Ok(value.to_owned())
        });
        Ok((phone, variables.collect::<Result<_, String>>()?))
    }
}

/// Semicolons are what spreadsheets write where the comma is the decimal point.
fn delimiter(path: &Path) -> io::Result<u8> {
    let mut first = Vec::new();
    BufReader::new(File::open(path)?).take(1 << 16).read_until(b'\n', &mut first)?;
    let only = |one: u8| first.contains(&one) && !first.contains(&b',');
    Ok([b';', b'\t'].into_iter().find(|one| only(*one)).unwrap_or(b','))
}

fn text<'a>(value: &'a [u8], column: &str) -> Result<&'a str, String> {
    std::str::from_utf8(value).map(str::trim).map_err(|_| format!("column `{column}` is not valid UTF-8"))
}

/// The E.164 digits of a phone number. Without a plus sign it is of the default region, or international if there is none.
pub fn parse_phone(text: &str, region: Option<country::Id>) -> Result<u64, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("the phone number is missing".into());
    }
    // The library reads letters as the keys of a telephone's pad: a slip of the hand would reach a stranger.
    if let Some(letter) = text.chars().find(|letter| letter.is_alphabetic()) {
        return Err(format!("`{text}` is not a phone number: it has a letter in it (`{letter}`)"));
    }
    let not_one = |_| format!("`{text}` is not a phone number");
    let number = if text.starts_with('+') || region.is_some() {
        phonenumber::parse(region, text).map_err(not_one)?
    } else {
        let international = text.strip_prefix("00").unwrap_or(text);
        phonenumber::parse(None, format!("+{international}")).map_err(not_one)?
    };
    if !number.is_valid() {
        return Err(format!("`{text}` is not a valid phone number"));
    }
    // Digits of the country and the number; leading zeros of the number count (Italy).
    let digits = number.format().mode(phonenumber::Mode::E164).to_string();
    digits.trim_start_matches('+').parse().map_err(|_| format!("`{text}` is not a valid phone number"))
}

/// What WhatsApp would refuse in a variable of a template.
pub fn check_variable(name: &str, value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Err(format!("column `{name}` is empty"));
    }
    if value.contains(['\n', '\r', '\t']) {
        return Err(format!("column `{name}` has a line break or a tab, which WhatsApp refuses"));
    }
    if value.contains("     ") {
        return Err(format!("column `{name}` has more than four spaces in a row, which WhatsApp refuses"));
    }
    if value.chars().count() > VARIABLE_MOST {
        return Err(format!("column `{name}` is longer than {VARIABLE_MOST} characters"));
    }
    Ok(())
}

fn shortened(record: &ByteRecord) -> String {
    let mut text = String::new();
    for (at, field) in record.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.extend(String::from_utf8_lossy(field).chars().take(TEXT_MOST));
        if text.chars().count() >= TEXT_MOST {
            return text.chars().take(TEXT_MOST).chain(['…']).collect();
        }
    }
    text
}

#[cfg(test)]
mod tests;
