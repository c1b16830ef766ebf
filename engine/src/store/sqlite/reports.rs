//! What people ask for: campaigns, counts, messages, rejected lines. Reading only.

use super::lists::{CAMPAIGNS, DUPLICATE, read_campaign};
use super::{Database, doing, read_row, sound};
use crate::store::{Campaign, Error, Message, Reject, Which};
use engine_core::campaign::Counts;
use engine_core::id::{CampaignId, MessageId};
use engine_core::time::Timestamp;
use rusqlite::{Connection, params};

impl Database {
    pub(in crate::store) fn campaigns(&self) -> Result<Vec<Campaign>, Error> {
        let failed = || doing("reading the campaigns");
        let query = format!("{CAMPAIGNS} ORDER BY c.id");
        let mut statement = self.connection.prepare_cached(&query).map_err(failed())?;
        let rows = statement.query_map([], read_campaign).map_err(failed())?;
        rows.collect::<Result<_, _>>().map_err(failed())
    }

    pub(in crate::store) fn counts(&self, campaign: &Campaign) -> Result<Counts, Error> {
        counts(&self.connection, campaign)
    }

    pub(in crate::store) fn recount(&self, campaign: &Campaign) -> Result<Counts, Error> {
        let failed = || doing("recounting messages");
        let query = "SELECT id, state, facts, numbers, posts, decisions, held, due FROM messages
                     WHERE id >= ?1 AND id < ?2 AND campaign = ?3";
        let mut statement = self.connection.prepare_cached(query).map_err(failed())?;
        let rows = statement
            .query_map(params![campaign.first.0, campaign.end.0, campaign.id.0], |row| {
                Ok((row.get::<_, u32>(0)?, row.get::<_, u8>(1)?, read_row(row, 2)?))
            })
            .map_err(failed())?;
        let mut counts = Counts::default();
        for row in rows {
            let (message, stored, row) = row.map_err(failed())?;
            let derived = sound(row, message)?.state();
            if derived as u8 != stored {
                let name = derived.name();
                return Err(Error::Corrupt(format!("message {message} is {name}, its state column says {stored}")));
            }
            counts.0[derived as usize] += 1;
        }
        if counts.total() != campaign.size() {
            let (found, size) = (counts.total(), campaign.size());
            return Err(Error::Corrupt(format!("campaign {} has {found} of {size} messages", campaign.name)));
        }
        Ok(counts)
    }

    pub(in crate::store) fn messages(
        &self,
        campaign: &Campaign,
        after: Option<MessageId>,
        limit: u32,
        which: Which,
    ) -> Result<Vec<Message>, Error> {
        let failed = || doing("reading messages");
        // The highest bit of the decisions, which the index `messages_given_up` is for: see Row::was_given_up.
        let given_up = if which.given_up { "AND m.decisions >= 128" } else { "" };
        let query = format!(
            "SELECT m.id, c.phone, m.line, m.error_code, m.error_text, m.wamid, m.updated_at,
                            m.facts, m.numbers, m.posts, m.decisions, m.held, m.due
                     FROM messages m JOIN contacts c ON c.id = m.contact
                     WHERE m.id > ?1 AND m.id >= ?2 AND m.id < ?3 AND m.campaign = ?4
                       AND (?5 IS NULL OR m.state = ?5) {given_up}
                     ORDER BY m.id LIMIT ?6"
        );
        let mut statement = self.connection.prepare_cached(&query).map_err(failed())?;
        let after = after.map_or(-1, |after| i64::from(after.0));
        let state = which.state.map(|state| state as u8);
        let values = params![after, campaign.first.0, campaign.end.0, campaign.id.0, state, limit];
        let rows = statement
            .query_map(values, |row| {
                let id = MessageId(row.get(0)?);
                let facts = read_row(row, 7)?;
                let message = Message {
                    id,
                    phone: row.get::<_, i64>(1)? as u64,
                    line: row.get(2)?,
                    row: facts.unwrap_or_default(),
                    error_code: row.get(3)?,
                    error_text: row.get(4)?,
                    wamid: row.get(5)?,
                    updated_at: Timestamp(row.get::<_, i64>(6)? as u64),
                };
                Ok((message, facts))
            })
            .map_err(failed())?;
        let mut messages = Vec::new();
        for row in rows {
            let (message, facts) = row.map_err(failed())?;
            sound(facts, message.id.0)?;
            messages.push(message);
        }
        Ok(messages)
    }

    pub(in crate::store) fn rejects(&self, campaign: CampaignId, after: u32, limit: u32) -> Result<Vec<Reject>, Error> {
        let failed = || doing("reading rejected lines");
        let query =
            "SELECT line, kind, text, reason FROM rejects WHERE campaign = ?1 AND line > ?2 ORDER BY line LIMIT ?3";
        let mut statement = self.connection.prepare_cached(query).map_err(failed())?;
        let rows = statement
            .query_map(params![campaign.0, after, limit], |row| {
                let duplicate = row.get::<_, u8>(1)? == DUPLICATE;
                Ok(Reject { line: row.get(0)?, duplicate, text: row.get(2)?, reason: row.get(3)? })
            })
            .map_err(failed())?;
        rows.collect::<Result<_, _>>().map_err(failed())
    }
}

/// Messages per state, by the stored state.
pub(super) fn counts(connection: &Connection, campaign: &Campaign) -> Result<Counts, Error> {
    let failed = || doing("counting messages");
    let query = "SELECT state, count(*) FROM messages WHERE id >= ?1 AND id < ?2 AND campaign = ?3 GROUP BY state";
    let mut statement = connection.prepare_cached(query).map_err(failed())?;
    let rows = statement
        .query_map(params![campaign.first.0, campaign.end.0, campaign.id.0], |row| {
            Ok((usize::from(row.get::<_, u8>(0)?), row.get::<_, u32>(1)?))
        })
        .map_err(failed())?;
    let mut counts = Counts::default();
    for row in rows {
        let (state, count) = row.map_err(failed())?;
        *counts.0.get_mut(state).ok_or_else(|| Error::Corrupt(format!("message state {state}")))? = count;
    }
    Ok(counts)
}
