//! The store in one SQLite file: WAL, `synchronous = FULL`, one connection that writes.
//!
//! Here: opening, the schema and the store's id. Group commits are in `commit`, webhook matching in `matching`, lists in
//! `lists`, what people ask for in `reports`.

mod commit;
mod lists;
mod matching;
mod reports;

use super::Error;
use engine_core::message::{Columns, Row};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::Path;
use std::time::Duration;

/// The newest schema that this program knows; `schema/N.sql` makes version N out of version N − 1.
const SCHEMA_VERSION: u32 = 1;
const SCHEMA_1: &str = include_str!("schema/1.sql");

/// How long a lock of another process is waited for: a reader's checkpoint takes milliseconds.
const BUSY: Duration = Duration::from_secs(10);

/// Statements that are kept prepared; there are about thirty.
const STATEMENTS: usize = 64;

/// An open file.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    id: u64,
}

/// Makes our error out of SQLite's: `.map_err(doing("reading a message"))`.
fn doing(what: &'static str) -> impl FnOnce(rusqlite::Error) -> Error {
    move |source| Error::Database { doing: what, source }
}

impl Database {
    pub(super) fn open(path: &Path, seed: Option<u64>) -> Result<Self, Error> {
        let connection = Connection::open(path).map_err(doing("opening the file"))?;
        connection.busy_timeout(BUSY).map_err(doing("opening the file"))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // fullfsync matters on macOS only, where a plain fsync does not reach the disk.
        let pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                       PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; PRAGMA temp_store = MEMORY;";
        connection.execute_batch(pragmas).map_err(doing("opening the file"))?;
        let mut database = Self { connection, id: 0 };
        database.migrate(seed)?;
        database.id = database.read_id()?;
        Ok(database)
    }

    pub(super) fn open_read_only(path: &Path) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(doing("opening the file"))?;
        connection.busy_timeout(BUSY).map_err(doing("opening the file"))?;
        let mut database = Self { connection, id: 0 };
        let found = database.version()?;
        if found != SCHEMA_VERSION {
            return Err(Error::Version { found, known: SCHEMA_VERSION });
        }
        database.id = database.read_id()?;
        Ok(database)
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    fn version(&self) -> Result<u32, Error> {
        self.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(doing("reading the version"))
    }

    fn migrate(&mut self, seed: Option<u64>) -> Result<(), Error> {
        let found = self.version()?;
        if found > SCHEMA_VERSION {
            return Err(Error::Version { found, known: SCHEMA_VERSION });
        }
        if found == SCHEMA_VERSION {
            return Ok(());
        }
        let write = || doing("making the tables");
        let transaction = self.connection.transaction().map_err(write())?;
        transaction.execute_batch(SCHEMA_1).map_err(write())?;
        let id = match seed {
            Some(seed) => format!("{seed:016x}"),
            None => transaction.query_row("SELECT lower(hex(randomblob(8)))", [], |row| row.get(0)).map_err(write())?,
        };
        transaction.execute("INSERT INTO meta (name, value) VALUES ('store_id', ?1)", [id]).map_err(write())?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION).map_err(write())?;
        transaction.commit().map_err(write())
    }

    fn read_id(&self) -> Result<u64, Error> {
        let query = "SELECT value FROM meta WHERE name = 'store_id'";
        let text: Option<String> = self
            .connection
            .query_row(query, [], |row| row.get(0))
            .optional()
            .map_err(doing("reading the store's id"))?;
        let text = text.unwrap_or_default();
        u64::from_str_radix(&text, 16).map_err(|_| Error::Corrupt(format!("the store id {text:?}")))
    }
}

/// A row of facts from the six columns that start at `at`, in the order `facts, numbers, posts, decisions, held, due`.
fn read_row(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Option<Row>> {
    Ok(Row::from_columns(Columns {
        facts: row.get::<_, i64>(at)? as u64,
        numbers: row.get(at + 1)?,
        posts: row.get(at + 2)?,
        decisions: row.get(at + 3)?,
        held: row.get(at + 4)?,
        due: row.get::<_, i64>(at + 5)? as u64,
    }))
}

/// The same as [`read_row`], where anything unreadable is corrupt.
fn sound(row: Option<Row>, message: u32) -> Result<Row, Error> {
    row.ok_or_else(|| Error::Corrupt(format!("the facts of message {message}")))
}
