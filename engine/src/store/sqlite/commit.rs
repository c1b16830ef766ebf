//! The group commit: what the core wants written and read, in its order, in one transaction.

use super::{Database, Places, doing, read_row, sound};
use crate::store::{Added, Batch, Error, Letter, Outcome, Trouble};
use engine_core::attempt::{Fact, Phase};
use engine_core::command::{Held, Merge};
use engine_core::event::{Lane, Merged};
use engine_core::hold::Memo;
use engine_core::id::{CampaignId, ContactId, MessageId, PortfolioId, SenderId};
use engine_core::message::{Decision, Row, State};
use engine_core::time::Timestamp;
use engine_core::unknown::Channel;
use engine_core::{Command, Event};
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

impl Database {
    pub(in crate::store) fn commit(&mut self, batch: &Batch) -> Result<Outcome, Error> {
        let salt = self.id;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(doing("beginning a commit"))?;
        let mut outcome = Outcome::default();
        let step = Step { transaction: &transaction, places: &self.places, now: batch.now, salt };
        for command in &batch.commands {
            step.command(command, &mut outcome)?;
        }
        for learned in &batch.learned {
            step.learned(learned, &mut outcome)?;
        }
        for trouble in &batch.troubles {
            step.trouble(trouble)?;
        }
        for query in &batch.queries {
            step.query(query, &mut outcome)?;
        }
        for campaign in &batch.added {
            let counts = super::reports::counts(&transaction, campaign)?;
            outcome.added.push(Added { campaign: campaign.clone(), counts });
        }
        transaction.commit().map_err(doing("committing"))?;
        Ok(outcome)
    }
}

/// One transaction at work.
pub(super) struct Step<'a> {
    pub(super) transaction: &'a Transaction<'a>,
    pub(super) places: &'a Places,
    pub(super) now: Timestamp,
    salt: u64,
}

impl Step<'_> {
    fn command(&self, command: &Command, outcome: &mut Outcome) -> Result<(), Error> {
        match *command {
            Command::Merge(merge) => self.merge(&merge, outcome),
            Command::Sweep { campaign, from, limit, decision, held } => {
                let end = from.0.saturating_add(u32::from(limit));
                for (message, contact, mut row) in self.sweepable(campaign, from.0, end, decision)? {
                    let merged = row.decide(message, decision, held);
                    self.keep(&row, merged, contact, outcome)?;
                }
                outcome.events.push(Event::SweepEnd { campaign, next: MessageId(end) });
                Ok(())
            }
            Command::Load { campaign, lane: Lane::Fresh, limit, message, .. } => {
                self.fresh_page(campaign, message, limit, outcome)
            }
            Command::Load { campaign, lane: Lane::Due, limit, message, due } => {
                self.due_page(campaign, (due, message), limit, outcome)
            }
            Command::Defer { message, until } => {
                let (mut row, contact) = self.row(message)?;
                let merged = row.defer(message, until);
                self.keep(&row, merged, contact, outcome)
            }
            Command::Suppress { who } => self.suppress(who, outcome),
            Command::Flag { campaign, paused, cancelled } => self.flag(campaign, paused, cancelled),
            Command::Remember { held, hold } => self.remember(held, hold),
            Command::RememberChannel { sender, channel } => self.remember_channel(sender, channel),
            Command::Count { portfolio, contact, until } => self.count(portfolio, contact, until),
            // Effects are not for the store; the gate never hands them over.
            Command::Send { .. } | Command::Acknowledge { .. } => Ok(()),
        }
    }

    fn row(&self, message: MessageId) -> Result<(Row, ContactId), Error> {
        let query = "SELECT contact, facts, numbers, posts, decisions, held, due FROM messages WHERE id = ?1";
        let mut statement = self.transaction.prepare_cached(query).map_err(doing("reading a message"))?;
        let found = statement.query_row([message.0], |row| Ok((read_row(row, 1)?, ContactId(row.get(0)?)))).optional();
        let found = found.map_err(doing("reading a message"))?;
        let (row, contact) = found.ok_or_else(|| Error::Corrupt(format!("no message {}", message.0)))?;
        Ok((sound(row, message.0)?, contact))
    }

    fn merge(&self, merge: &Merge, outcome: &mut Outcome) -> Result<(), Error> {
        let (mut row, contact) = self.row(merge.message)?;
        let merged = row.learn(self.now, self.salt, merge);
        self.keep(&row, merged, contact, outcome)?;
        if merge.fact == Fact::Intended && merged.changed && merged.phase == Phase::Intended {
            outcome.letters.push(self.letter(merge.message)?);
        }
        Ok(())
    }

    /// Writes a row where it changed, and tells what became of it, with what a row cannot know of itself.
    pub(super) fn keep(
        &self,
        row: &Row,
        merged: Merged,
        contact: ContactId,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        if merged.changed {
            self.write(row, merged.message)?;
        }
        let zone = self.places.zone(self.transaction, merged.message, contact)?;
        outcome.events.push(Event::Merged(Merged { contact, zone, ..merged }));
        Ok(())
    }

    fn write(&self, row: &Row, message: MessageId) -> Result<(), Error> {
        let columns = row.columns();
        let update = "UPDATE messages SET facts = ?2, numbers = ?3, posts = ?4, decisions = ?5, held = ?6, due = ?7,
                      state = ?8, updated_at = ?9 WHERE id = ?1";
        let mut statement = self.transaction.prepare_cached(update).map_err(doing("writing a message"))?;
        statement
            .execute(params![
                message.0,
                columns.facts as i64,
                columns.numbers,
                columns.posts,
                columns.decisions,
                columns.held,
                columns.due as i64,
                row.state() as u8,
                self.now.0 as i64
            ])
            .map_err(doing("writing a message"))?;
        Ok(())
    }

    fn flag(&self, campaign: CampaignId, paused: bool, cancelled: bool) -> Result<(), Error> {
        let failed = || doing("writing a campaign's flags");
        let update = "UPDATE campaigns SET paused = ?2, cancelled = ?3 WHERE id = ?1";
        let mut statement = self.transaction.prepare_cached(update).map_err(failed())?;
        statement.execute(params![campaign.0, paused, cancelled]).map_err(failed())?;
        Ok(())
    }

    fn remember(&self, held: Held, hold: Option<Memo>) -> Result<(), Error> {
        let failed = || doing("writing a hold");
        let (kind, id) = super::restart::key_of(held);
        match hold {
            Some(Memo { code, came_late, until, every_seconds }) => {
                let insert = "INSERT OR REPLACE INTO holds (kind, id, code, came_late, until, every)
                              VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                let mut statement = self.transaction.prepare_cached(insert).map_err(failed())?;
                let values = params![kind, id, code.raw(), came_late, until.0 as i64, every_seconds];
                statement.execute(values).map_err(failed())?;
            }
            None => {
                let delete = "DELETE FROM holds WHERE kind = ?1 AND id = ?2";
                let mut statement = self.transaction.prepare_cached(delete).map_err(failed())?;
                statement.execute(params![kind, id]).map_err(failed())?;
            }
        }
        Ok(())
    }

    fn remember_channel(&self, sender: SenderId, channel: Channel) -> Result<(), Error> {
        let failed = || doing("writing when a sender was heard");
        let update = "UPDATE senders SET heard = ?2, silence = ?3 WHERE id = ?1";
        let mut statement = self.transaction.prepare_cached(update).map_err(failed())?;
        statement.execute(params![sender.0, channel.heard.0 as i64, channel.silence.0 as i64]).map_err(failed())?;
        Ok(())
    }

    fn count(&self, portfolio: PortfolioId, contact: ContactId, until: Timestamp) -> Result<(), Error> {
        let failed = || doing("writing an entry of the ledger");
        if until.0 == 0 {
            let delete = "DELETE FROM ledger WHERE portfolio = ?1 AND contact = ?2";
            let mut statement = self.transaction.prepare_cached(delete).map_err(failed())?;
            statement.execute(params![portfolio.0, contact.0]).map_err(failed())?;
        } else {
            let insert = "INSERT OR REPLACE INTO ledger (portfolio, contact, until) VALUES (?1, ?2, ?3)";
            let mut statement = self.transaction.prepare_cached(insert).map_err(failed())?;
            let until = (until != Timestamp::NEVER).then_some(until.0 as i64);
            statement.execute(params![portfolio.0, contact.0, until]).map_err(failed())?;
        }
        Ok(())
    }

    fn letter(&self, message: MessageId) -> Result<Letter, Error> {
        let query = "SELECT c.phone, m.variables FROM messages m JOIN contacts c ON c.id = m.contact WHERE m.id = ?1";
        let mut statement = self.transaction.prepare_cached(query).map_err(doing("reading a contact"))?;
        let (phone, variables): (i64, Option<String>) = statement
            .query_row([message.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(doing("reading a contact"))?;
        let variables = match variables {
            None => Vec::new(),
            Some(text) => serde_json::from_str(&text)
                .map_err(|_| Error::Corrupt(format!("the variables of message {}", message.0)))?,
        };
        Ok(Letter { message, phone: phone as u64, variables })
    }

    /// The rows of an id range that a decision concerns.
    fn sweepable(
        &self,
        campaign: CampaignId,
        from: u32,
        end: u32,
        decision: Decision,
    ) -> Result<Vec<(MessageId, ContactId, Row)>, Error> {
        let concerned = State::ALL.into_iter().filter(|state| decision.may_concern(*state));
        let states = concerned.fold(0u32, |mask, state| mask | 1 << state as u8);
        let query = "SELECT id, contact, facts, numbers, posts, decisions, held, due FROM messages
                     WHERE id >= ?1 AND id < ?2 AND campaign = ?3 AND (1 << state) & ?4 <> 0 ORDER BY id";
        let failed = || doing("reading a range of messages");
        let mut statement = self.transaction.prepare_cached(query).map_err(failed())?;
        let rows = statement
            .query_map(params![from, end, campaign.0, states], |row| {
                Ok((row.get::<_, u32>(0)?, ContactId(row.get(1)?), read_row(row, 2)?))
            })
            .map_err(failed())?;
        let mut found = Vec::new();
        for row in rows {
            let (message, contact, row) = row.map_err(failed())?;
            let row = sound(row, message)?;
            if row.is_concerned(decision) {
                found.push((MessageId(message), contact, row));
            }
        }
        Ok(found)
    }

    pub(super) fn trouble(&self, trouble: &Trouble) -> Result<(), Error> {
        let update = "UPDATE messages SET error_code = ?2, error_text = ?3 WHERE id = ?1";
        let mut statement = self.transaction.prepare_cached(update).map_err(doing("writing an error"))?;
        statement.execute(params![trouble.message.0, trouble.code, trouble.text]).map_err(doing("writing an error"))?;
        Ok(())
    }
}
