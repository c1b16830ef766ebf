//! Which message a webhook update is about: wamids, parked updates, and replies that name no message.

use super::commit::Step;
use super::{Database, doing, read_row, sound};
use crate::store::{About, Error, Found, Learned, Outcome, Query, Trouble};
use engine_core::Event;
use engine_core::attempt::Phase;
use engine_core::event::Status;
use engine_core::id::MessageId;
use engine_core::time::{Span, Timestamp};
use rusqlite::{OptionalExtension, params};

/// Updates kept for ids that nobody knows; the oldest go first. A number that other programs use too has statuses that
/// are never ours, and each takes about 200 bytes.
const PARKED_MOST: i64 = 100_000;

/// How long after a message an inbound without context still counts as the answer to it.
const REPLY_WINDOW: Span = Span::hours(72);

/// Of a contact's messages, how many are looked at, latest first, for one that did not fail.
const CANDIDATES: u32 = 16;

const SENT: u8 = 0;
const DELIVERED: u8 = 1;
const READ: u8 = 2;
const FAILED: u8 = 3;
const REPLIED: u8 = 4;

impl Step<'_> {
    /// A wamid is known now: keep it, and let go what was parked for it.
    pub(super) fn learned(&self, learned: &Learned, outcome: &mut Outcome) -> Result<(), Error> {
        let failed = || doing("writing a wamid");
        let insert = "INSERT INTO wamids (wamid, message, attempt) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        let mut statement = self.transaction.prepare_cached(insert).map_err(failed())?;
        let new = statement.execute(params![learned.wamid, learned.message.0, learned.number]).map_err(failed())?;
        if new == 0 {
            return Ok(());
        }
        let update = "UPDATE messages SET wamid = ?2, accepted_at = max(ifnull(accepted_at, 0), ?3) WHERE id = ?1";
        let mut statement = self.transaction.prepare_cached(update).map_err(failed())?;
        statement.execute(params![learned.message.0, learned.wamid, learned.at.0 as i64]).map_err(failed())?;
        if let Some(wa_id) = learned.wa_id {
            let update = "UPDATE contacts SET wa_id = ?2
                          WHERE id = (SELECT contact FROM messages WHERE id = ?1) AND phone <> ?2 AND wa_id IS NOT ?2";
            let mut statement = self.transaction.prepare_cached(update).map_err(failed())?;
            statement.execute(params![learned.message.0, wa_id as i64]).map_err(failed())?;
        }

        let parked = "SELECT kind, code, error_code, error_text FROM parked WHERE wamid = ?1 ORDER BY id";
        let mut statement = self.transaction.prepare_cached(parked).map_err(failed())?;
        let owner = (learned.message, learned.number);
        let rows = statement.query_map([&learned.wamid], |row| Parked::read(row, 0)).map_err(failed())?;
        for row in rows {
            outcome.found.push(row.map_err(failed())?.found(owner)?);
        }
        Ok(())
    }

    /// Matches one update, or parks it.
    pub(super) fn query(&self, query: &Query, outcome: &mut Outcome) -> Result<(), Error> {
        outcome.asked.push(query.token);
        match &query.about {
            About::Status { wamid, status, error } => match self.owner(wamid)? {
                Some(owner) => outcome.found.push(found(owner, Some(*status), query.at, error.clone())),
                None => self.park(wamid, Some(*status), query.at, error.as_ref())?,
            },
            About::Reply { wamid } => match self.owner(wamid)? {
                Some(owner) => outcome.found.push(found(owner, None, query.at, None)),
                None => self.park(wamid, None, query.at, None)?,
            },
            About::Inbound { phone, phone_number_id } => {
                if let Some(owner) = self.answered(*phone, phone_number_id, query.at)? {
                    outcome.found.push(found(owner, None, query.at, None));
                }
            }
            About::Choice { chooser, choice } => self.chosen(chooser, choice, query.at, outcome)?,
        }
        Ok(())
    }

    pub(super) fn owner(&self, wamid: &str) -> Result<Option<(MessageId, u8)>, Error> {
        let query = "SELECT message, attempt FROM wamids WHERE wamid = ?1";
        let mut statement = self.transaction.prepare_cached(query).map_err(doing("looking for a wamid"))?;
        let owner = statement.query_row([wamid], |row| Ok((MessageId(row.get(0)?), row.get(1)?)));
        owner.optional().map_err(doing("looking for a wamid"))
    }

    fn park(
        &self,
        wamid: &str,
        status: Option<Status>,
        at: Timestamp,
        error: Option<&(u32, String)>,
    ) -> Result<(), Error> {
        let (kind, code) = match status {
            Some(Status::Sent) => (SENT, 0),
            Some(Status::Delivered) => (DELIVERED, 0),
            Some(Status::Read) => (READ, 0),
            Some(Status::Failed(code)) => (FAILED, code.raw()),
            None => (REPLIED, 0),
        };
        let failed = || doing("parking a webhook");
        let insert = "INSERT INTO parked (wamid, kind, code, error_code, error_text, at, parked_at)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
        let mut statement = self.transaction.prepare_cached(insert).map_err(failed())?;
        let (error_code, error_text) = error.map(|(code, text)| (*code, text.as_str())).unzip();
        let values = params![wamid, kind, code, error_code, error_text, at.0 as i64, self.now.0 as i64];
        if statement.execute(values).map_err(failed())? > 0 {
            let bound = "DELETE FROM parked WHERE id <= (SELECT max(id) FROM parked) - ?1";
            let mut statement = self.transaction.prepare_cached(bound).map_err(failed())?;
            statement.execute([PARKED_MOST]).map_err(failed())?;
        }
        Ok(())
    }

    /// The message that an inbound without context answers: of those that this number sent to the contact, the one that
    /// was accepted last before the inbound's time, within the window, and that did not fail.
    fn answered(&self, phone: u64, phone_number_id: &str, at: Timestamp) -> Result<Option<(MessageId, u8)>, Error> {
        let query = "SELECT m.id, m.facts, m.numbers, m.posts, m.decisions, m.held, m.due
                     FROM messages m JOIN campaigns c ON c.id = m.campaign JOIN senders s ON s.id = c.sender
                     WHERE m.contact IN (SELECT id FROM contacts WHERE phone = ?1
                                         UNION SELECT id FROM contacts WHERE wa_id = ?1)
                       AND s.phone_number_id = ?2 AND m.accepted_at BETWEEN ?3 AND ?4
                     ORDER BY m.accepted_at DESC, m.id DESC LIMIT ?5";
        let failed = || doing("looking for the message that was answered");
        let mut statement = self.transaction.prepare_cached(query).map_err(failed())?;
        // The inbound's time is in whole seconds: it may be any moment of that second.
        let (from, until) = (at - REPLY_WINDOW, at + Span::secs(1));
        let values = params![phone as i64, phone_number_id, from.0 as i64, until.0 as i64, CANDIDATES];
        let rows =
            statement.query_map(values, |row| Ok((row.get::<_, u32>(0)?, read_row(row, 1)?))).map_err(failed())?;
        for row in rows {
            let (message, row) = row.map_err(failed())?;
            let row = sound(row, message)?;
            if row.state().is_failure() {
                continue;
            }
            let taken = |phase| match phase {
                Phase::Accepted | Phase::Sent | Phase::Delivered | Phase::Read | Phase::Replied => true,
                Phase::Free
                | Phase::Intended
                | Phase::Unknown
                | Phase::GivenUp
                | Phase::Abandoned
                | Phase::Unspent
                | Phase::Failed => false,
            };
            let attempts = row.attempts().filter(|(_, attempt)| taken(attempt.phase()));
            if let Some(number) = attempts.map(|(number, _)| number).max() {
                return Ok(Some((MessageId(message), number)));
            }
        }
        Ok(None)
    }
}

impl Database {
    pub(in crate::store) fn released(&mut self) -> Result<Vec<Found>, Error> {
        let failed = || doing("reading parked webhooks");
        let query = "SELECT w.message, w.attempt, p.kind, p.code, p.error_code, p.error_text
                     FROM parked p JOIN wamids w ON w.wamid = p.wamid ORDER BY p.id";
        let mut statement = self.connection.prepare(query).map_err(failed())?;
        let rows = statement
            .query_map([], |row| {
                let owner = (MessageId(row.get(0)?), row.get::<_, u8>(1)?);
                Ok((owner, Parked::read(row, 2)?))
            })
            .map_err(failed())?;
        let mut released = Vec::new();
        for row in rows {
            let (owner, parked) = row.map_err(failed())?;
            released.push(parked.found(owner)?);
        }
        Ok(released)
    }

    pub(in crate::store) fn purge_parked(&mut self, before: Timestamp) -> Result<(), Error> {
        let delete = "DELETE FROM parked WHERE parked_at < ?1";
        self.connection.execute(delete, [before.0 as i64]).map_err(doing("removing old parked webhooks"))?;
        Ok(())
    }
}

struct Parked {
    kind: u8,
    code: u8,
    error: Option<(u32, String)>,
}

impl Parked {
    fn read(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Self> {
        let code: Option<u32> = row.get(at + 2)?;
        let text: Option<String> = row.get(at + 3)?;
        let error = code.map(|code| (code, text.unwrap_or_default()));
        Ok(Self { kind: row.get(at)?, code: row.get(at + 1)?, error })
    }

    fn found(self, owner: (MessageId, u8)) -> Result<Found, Error> {
        let status = match self.kind {
            SENT => Some(Status::Sent),
            DELIVERED => Some(Status::Delivered),
            READ => Some(Status::Read),
            FAILED => {
                let code = cloud_api::catalogue::CodeIndex::from_raw(self.code);
                Some(Status::Failed(code.ok_or_else(|| Error::Corrupt(format!("parked error {}", self.code)))?))
            }
            REPLIED => None,
            other => return Err(Error::Corrupt(format!("a parked webhook of kind {other}"))),
        };
        // It was heard when it came.
        Ok(found(owner, status, Timestamp(0), self.error))
    }
}

/// `status` is none for a reply.
fn found(owner: (MessageId, u8), status: Option<Status>, at: Timestamp, error: Option<(u32, String)>) -> Found {
    let (message, number) = owner;
    let event = match status {
        Some(status) => Event::Status { message, number, status, at },
        None => Event::Replied { message, number, at },
    };
    Found { event, trouble: error.map(|(code, text)| Trouble { message, code, text }) }
}
