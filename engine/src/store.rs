//! The durable truth: campaigns, messages, wamids, parked webhooks, rejected lines.
//!
//! [`Store`] is a closed enum over the databases there are. Rows change only through `engine_core::message::Row`; what a
//! store adds is durability, search and one group commit per [`Batch`]. It reads no clock: times are handed in.

pub mod batch;
pub mod keeper;
mod sqlite;

pub use batch::{About, Added, Batch, Choice, Chooser, Found, Learned, Letter, Outcome, Query, Trouble};
pub use keeper::Keeper;

use engine_core::campaign::Counts;
use engine_core::command::Held;
use engine_core::hold::Memo;
use engine_core::id::{CampaignId, ContactId, MessageId, PortfolioId, SenderId};
use engine_core::message::{Row, State};
use engine_core::quiet::{Quiet, Zones};
use engine_core::time::Timestamp;
use engine_core::unknown::Channel;
use std::fmt;
use std::path::Path;

/// Why the store could not do it. None of these can be mended by trying again in the same process.
#[derive(Debug)]
pub enum Error {
    /// The database said so.
    Database {
        /// What was being done.
        doing: &'static str,
        /// Its own words.
        source: rusqlite::Error,
    },
    /// What is stored is not what this program writes.
    Corrupt(String),
    /// The file was written by another program than this one.
    Version {
        /// The schema version found.
        found: u32,
        /// The one that this program knows.
        known: u32,
    },
    /// The store's thread is gone, because of an error before this one.
    Gone,
    /// The store has given out all of its message or campaign numbers.
    Full(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database { doing, source } => write!(f, "the store failed while {doing}: {source}"),
            Self::Corrupt(what) => write!(f, "the store holds something this program never writes: {what}"),
            Self::Version { found, known } => {
                let advice = if found > known {
                    "use a newer program"
                } else {
                    "an unreleased program wrote it: end its campaigns with that one, and name a new file with \
                     CAMPAIGN_ENGINE_STORE"
                };
                write!(f, "the store has schema version {found}, this program knows version {known}: {advice}")
            }
            Self::Gone => f.write_str("the store has stopped because of an earlier error"),
            Self::Full(what) => write!(f, "the store has no {what} numbers left: start a new store file"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database { source, .. } => Some(source),
            Self::Corrupt(_) | Self::Version { .. } | Self::Gone | Self::Full(_) => None,
        }
    }
}

/// A campaign as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Its number, which is its place in the core.
    pub id: CampaignId,
    /// Its name, which is unique.
    pub name: String,
    /// The template's name.
    pub template: String,
    /// The template's language.
    pub language: String,
    /// Who sends it.
    pub sender: SenderId,
    /// Who that is to WhatsApp.
    pub phone_number_id: String,
    /// When it starts.
    pub start: Timestamp,
    /// Its first message.
    pub first: MessageId,
    /// One past its last message.
    pub end: MessageId,
    /// The names of the columns that fill the template's variables.
    pub columns: Vec<String>,
    /// Where the list came from.
    pub source: String,
    /// The digest of the list.
    pub digest: String,
    /// Whether the list is not completely in.
    pub importing: bool,
    /// Lines that are no contact.
    pub bad: u32,
    /// Lines that repeat a contact.
    pub duplicates: u32,
    /// Of a sender's campaigns, those of the highest go first.
    pub priority: u8,
    /// When its contacts are left in peace.
    pub quiet: Option<Quiet>,
    /// An operator holds it.
    pub paused: bool,
    /// An operator ended it.
    pub cancelled: bool,
}

impl Campaign {
    /// Its number of messages.
    pub fn size(&self) -> u32 {
        self.end.0 - self.first.0
    }

    /// Whether the message is one of its own.
    pub fn owns(&self, message: MessageId) -> bool {
        (self.first..self.end).contains(&message)
    }
}

/// What a campaign is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCampaign {
    /// See [`Campaign::name`].
    pub name: String,
    /// See [`Campaign::template`].
    pub template: String,
    /// See [`Campaign::language`].
    pub language: String,
    /// See [`Campaign::phone_number_id`].
    pub phone_number_id: String,
    /// See [`Campaign::start`].
    pub start: Timestamp,
    /// See [`Campaign::columns`].
    pub columns: Vec<String>,
    /// See [`Campaign::source`].
    pub source: String,
    /// See [`Campaign::digest`].
    pub digest: String,
    /// See [`Campaign::priority`].
    pub priority: u8,
    /// See [`Campaign::quiet`].
    pub quiet: Option<Quiet>,
}

/// One line of a list, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A contact.
    Contact {
        /// The line's number.
        line: u32,
        /// E.164 digits.
        phone: u64,
        /// The template's variables.
        variables: Vec<String>,
    },
    /// Not a contact.
    Bad {
        /// The line's number.
        line: u32,
        /// What stands there, shortened.
        text: String,
        /// Why it is not a contact.
        reason: String,
    },
}

/// A line that became no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The line's number.
    pub line: u32,
    /// Whether it repeats a contact; else it is none.
    pub duplicate: bool,
    /// What stands there.
    pub text: String,
    /// Why.
    pub reason: String,
}

/// A message as reports show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number.
    pub id: MessageId,
    /// The contact.
    pub phone: u64,
    /// The line of the list.
    pub line: u32,
    /// Its facts.
    pub row: Row,
    /// The last error, as WhatsApp gave it.
    pub error_code: Option<u32>,
    /// The last error's text.
    pub error_text: Option<String>,
    /// The last wamid learned.
    pub wamid: Option<String>,
    /// When something about it changed last.
    pub updated_at: Timestamp,
}

/// Which messages of a campaign are asked for; by default all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Which {
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those of which an attempt of unknown outcome was ever given up: see [`Row::was_given_up`].
    pub given_up: bool,
}

/// A contact that wants nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Its number.
    pub contact: ContactId,
    /// E.164 digits.
    pub phone: u64,
    /// Since when.
    pub at: Timestamp,
    /// How that is known: `button`, `word`, `user_preferences`, `whatsapp` or `operator`.
    pub why: String,
}

/// An entry of a portfolio's ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose ledger.
    pub portfolio: PortfolioId,
    /// Who counts.
    pub contact: ContactId,
    /// Until when; [`Timestamp::NEVER`] while an attempt is under way.
    pub until: Timestamp,
}

/// The databases there are.
#[derive(Debug)]
pub enum Store {
    /// One file.
    Sqlite(sqlite::Database),
}

impl Store {
    /// Opens a SQLite file, and makes it where there is none. `seed` sets the id of a new store; without it the id is
    /// drawn by the database.
    pub fn open_sqlite(path: &Path, seed: Option<u64>) -> Result<Self, Error> {
        sqlite::Database::open(path, seed).map(Self::Sqlite)
    }

    /// Opens a SQLite file for reading only, beside an engine that may be at work on it.
    pub fn read_sqlite(path: &Path) -> Result<Self, Error> {
        sqlite::Database::open_read_only(path).map(Self::Sqlite)
    }

    /// The store's own id: in the callback data of every message, and the salt of jitter.
    pub fn id(&self) -> u64 {
        match self {
            Self::Sqlite(database) => database.id(),
        }
    }

    /// Says where contacts live, for campaigns with quiet hours.
    pub fn set_zones(&mut self, zones: Zones) {
        match self {
            Self::Sqlite(database) => database.set_zones(zones),
        }
    }

    /// One group commit. When it returns, everything in the batch is durable.
    pub fn commit(&mut self, batch: &Batch) -> Result<Outcome, Error> {
        match self {
            Self::Sqlite(database) => database.commit(batch),
        }
    }

    /// Events for webhooks that were parked and whose ids are known by now: a crash may have come between.
    pub fn released(&mut self) -> Result<Vec<Found>, Error> {
        match self {
            Self::Sqlite(database) => database.released(),
        }
    }

    /// Removes what was parked before `before`.
    pub fn purge_parked(&mut self, before: Timestamp) -> Result<(), Error> {
        match self {
            Self::Sqlite(database) => database.purge_parked(before),
        }
    }

    /// All campaigns, in order of id.
    pub fn campaigns(&self) -> Result<Vec<Campaign>, Error> {
        match self {
            Self::Sqlite(database) => database.campaigns(),
        }
    }

    /// Begins a list. Only one can be under way; one that was left unfinished by a crash is removed first.
    pub fn begin(&mut self, new: &NewCampaign) -> Result<Campaign, Error> {
        match self {
            Self::Sqlite(database) => database.begin(new),
        }
    }

    /// Adds lines to the list that is under way.
    pub fn append(&mut self, campaign: CampaignId, lines: &[Line]) -> Result<(), Error> {
        match self {
            Self::Sqlite(database) => database.append(campaign, lines),
        }
    }

    /// The list is complete: from now on the campaign exists.
    pub fn finish(&mut self, campaign: CampaignId) -> Result<Campaign, Error> {
        match self {
            Self::Sqlite(database) => database.finish(campaign),
        }
    }

    /// Removes a list that was not finished.
    pub fn abandon(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(database) => database.abandon(),
        }
    }

    /// Messages per state, by the stored state.
    pub fn counts(&self, campaign: &Campaign) -> Result<Counts, Error> {
        match self {
            Self::Sqlite(database) => database.counts(campaign),
        }
    }

    /// Messages per state, derived again from every row's facts. An error if a stored state is other than the derived one.
    pub fn recount(&self, campaign: &Campaign) -> Result<Counts, Error> {
        match self {
            Self::Sqlite(database) => database.recount(campaign),
        }
    }

    /// At most `limit` messages with ids above `after`, in order of id.
    pub fn messages(
        &self,
        campaign: &Campaign,
        after: Option<MessageId>,
        limit: u32,
        which: Which,
    ) -> Result<Vec<Message>, Error> {
        match self {
            Self::Sqlite(database) => database.messages(campaign, after, limit, which),
        }
    }

    /// At most `limit` lines above `after` that became no message, in order.
    pub fn rejects(&self, campaign: CampaignId, after: u32, limit: u32) -> Result<Vec<Reject>, Error> {
        match self {
            Self::Sqlite(database) => database.rejects(campaign, after, limit),
        }
    }

    /// At most `limit` contacts with numbers above `after` that want nothing more, in order of their numbers.
    pub fn suppressions(&self, after: u32, limit: u32) -> Result<Vec<Suppression>, Error> {
        match self {
            Self::Sqlite(database) => database.suppressions(after, limit),
        }
    }

    /// Takes a contact off that list, for campaigns to come. Whether it was on it.
    pub fn lift(&mut self, phone: u64, now: Timestamp) -> Result<bool, Error> {
        match self {
            Self::Sqlite(database) => database.lift(phone, now),
        }
    }

    /// The holds that stand.
    pub fn holds(&self) -> Result<Vec<(Held, Memo)>, Error> {
        match self {
            Self::Sqlite(database) => database.holds(),
        }
    }

    /// The entries of all ledgers, those without an end last.
    pub fn ledger(&self) -> Result<Vec<Entry>, Error> {
        match self {
            Self::Sqlite(database) => database.ledger(),
        }
    }

    /// Gives every entry without an end this one: what was under way when the last engine ended is so no more.
    pub fn close_ledger(&mut self, until: Timestamp) -> Result<(), Error> {
        match self {
            Self::Sqlite(database) => database.close_ledger(until),
        }
    }

    /// Removes the entries of ledgers that have ended.
    pub fn purge_ledger(&mut self, now: Timestamp) -> Result<(), Error> {
        match self {
            Self::Sqlite(database) => database.purge_ledger(now),
        }
    }

    /// The senders' phone number ids, in order of [`SenderId`].
    pub fn senders(&self) -> Result<Vec<String>, Error> {
        match self {
            Self::Sqlite(database) => database.senders(),
        }
    }

    /// What is known of each sender's webhook channel, in order of [`SenderId`].
    pub fn channels(&self) -> Result<Vec<Channel>, Error> {
        match self {
            Self::Sqlite(database) => database.channels(),
        }
    }

    /// The portfolios' names, in order of [`PortfolioId`].
    pub fn portfolios(&self) -> Result<Vec<String>, Error> {
        match self {
            Self::Sqlite(database) => database.portfolios(),
        }
    }

    /// The number of a portfolio, which gets one where it has none.
    pub fn name_portfolio(&mut self, name: &str) -> Result<PortfolioId, Error> {
        match self {
            Self::Sqlite(database) => database.name_portfolio(name),
        }
    }
}
