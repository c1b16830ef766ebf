//! The store in one SQLite file: WAL, `synchronous = FULL`, one connection that writes.
//!
//! Here: opening, the schema, the store's id, and where contacts live. Group commits are in `commit`, pages in `paging`,
//! webhook matching in `matching`, opt-outs in `opting_out`, lists in `lists`, what an engine that starts must know in
//! `restart`, what people ask for in `reports`.

mod commit;
mod lists;
mod matching;
mod opting_out;
mod paging;
mod reports;
mod restart;

use super::Error;
use engine_core::id::{ContactId, MessageId};
use engine_core::message::{Columns, Row};
use engine_core::quiet::{Zone, Zones};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

/// The only schema that this program knows.
const SCHEMA_VERSION: u32 = 3;
const SCHEMA: &str = include_str!("schema/3.sql");

/// How long a lock of another process is waited for: a reader's checkpoint takes milliseconds.
const BUSY: Duration = Duration::from_secs(10);

/// Statements that are kept prepared; there are about fifty.
const STATEMENTS: usize = 96;

/// An open file.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    id: u64,
    places: Places,
}

/// Where contacts live, as far as a campaign has quiet hours.
#[derive(Debug, Default)]
struct Places {
    zones: Zones,
    /// The messages of campaigns with quiet hours, in order.
    quiet: Vec<Range<u32>>,
}

impl Places {
    fn is_quiet(&self, message: MessageId) -> bool {
        let at = self.quiet.partition_point(|range| range.end <= message.0);
        self.quiet.get(at).is_some_and(|range| range.contains(&message.0))
    }

    /// The zone of a message's contact, where its campaign has quiet hours; else any.
    fn zone(&self, connection: &Connection, message: MessageId, contact: ContactId) -> Result<Zone, Error> {
        if !self.is_quiet(message) {
            return Ok(Zone::default());
        }
        let query = "SELECT phone FROM contacts WHERE id = ?1";
        let mut statement = connection.prepare_cached(query).map_err(doing("reading a contact"))?;
        let phone: i64 = statement.query_row([contact.0], |row| row.get(0)).map_err(doing("reading a contact"))?;
        Ok(self.zones.of(phone as u64))
    }
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
        let mut database = Self { connection, id: 0, places: Places::default() };
        database.migrate(seed)?;
        database.id = database.read_id()?;
        database.find_quiet()?;
        Ok(database)
    }

    pub(super) fn open_read_only(path: &Path) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(doing("opening the file"))?;
        connection.busy_timeout(BUSY).map_err(doing("opening the file"))?;
        let mut database = Self { connection, id: 0, places: Places::default() };
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

    pub(super) fn set_zones(&mut self, zones: Zones) {
        self.places.zones = zones;
    }

    fn find_quiet(&mut self) -> Result<(), Error> {
        let failed = || doing("reading quiet hours");
        let query = "SELECT first, past FROM campaigns WHERE quiet_from IS NOT NULL AND past > first ORDER BY id";
        let mut statement = self.connection.prepare_cached(query).map_err(failed())?;
        let rows = statement.query_map([], |row| Ok(row.get(0)?..row.get(1)?)).map_err(failed())?;
        self.places.quiet = rows.collect::<Result<_, _>>().map_err(failed())?;
        Ok(())
    }

    fn version(&self) -> Result<u32, Error> {
        self.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(doing("reading the version"))
    }

    fn migrate(&mut self, seed: Option<u64>) -> Result<(), Error> {
        let found = self.version()?;
        if found == SCHEMA_VERSION {
            return Ok(());
        }
        // A file without tables is a new one.
        if found != 0 {
            return Err(Error::Version { found, known: SCHEMA_VERSION });
        }
        let write = || doing("making the tables");
        let transaction = self.connection.transaction().map_err(write())?;
        transaction.execute_batch(SCHEMA).map_err(write())?;
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
