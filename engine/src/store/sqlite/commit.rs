//! The group commit: merges, sweeps and pages of one batch, in the core's order, in one transaction.

use super::{Database, doing, read_row, sound};
use crate::store::{Batch, Error, Letter, Outcome, Trouble};
use engine_core::attempt::{Fact, Phase};
use engine_core::command::Merge;
use engine_core::event::{Lane, Merged};
use engine_core::id::{CampaignId, MessageId};
use engine_core::message::{Decision, Row, State};
use engine_core::time::Timestamp;
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
        let step = Step { transaction: &transaction, now: batch.now, salt };
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
        transaction.commit().map_err(doing("committing"))?;
        Ok(outcome)
    }
}

/// One transaction at work.
pub(super) struct Step<'a> {
    pub(super) transaction: &'a Transaction<'a>,
    pub(super) now: Timestamp,
    salt: u64,
}

impl Step<'_> {
    fn command(&self, command: &Command, outcome: &mut Outcome) -> Result<(), Error> {
        match *command {
            Command::Merge(merge) => self.merge(&merge, outcome),
            Command::Sweep { campaign, from, limit, decision, held } => {
                let end = from.0.saturating_add(u32::from(limit));
                for (message, mut row) in self.sweepable(campaign, from.0, end, decision)? {
                    let merged = row.decide(MessageId(message), decision, held);
                    self.keep(&row, &merged)?;
                    outcome.events.push(Event::Merged(merged));
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
            // Effects are not for the store; the gate never hands them over.
            Command::Send { .. } | Command::Acknowledge { .. } => Ok(()),
        }
    }

    pub(super) fn row(&self, message: MessageId) -> Result<Row, Error> {
        let query = "SELECT facts, numbers, posts, decisions, held, due FROM messages WHERE id = ?1";
        let mut statement = self.transaction.prepare_cached(query).map_err(doing("reading a message"))?;
        let found = statement.query_row([message.0], |row| read_row(row, 0)).optional();
        let row = found.map_err(doing("reading a message"))?;
        sound(row.ok_or_else(|| Error::Corrupt(format!("no message {}", message.0)))?, message.0)
    }

    fn merge(&self, merge: &Merge, outcome: &mut Outcome) -> Result<(), Error> {
        let mut row = self.row(merge.message)?;
        let merged = row.learn(self.now, self.salt, merge);
        self.keep(&row, &merged)?;
        outcome.events.push(Event::Merged(merged));
        if merge.fact == Fact::Intended && merged.changed && merged.phase == Phase::Intended {
            outcome.letters.push(self.letter(merge.message)?);
        }
        Ok(())
    }

    fn keep(&self, row: &Row, merged: &Merged) -> Result<(), Error> {
        if !merged.changed {
            return Ok(());
        }
        let columns = row.columns();
        let update = "UPDATE messages SET facts = ?2, numbers = ?3, posts = ?4, decisions = ?5, held = ?6, due = ?7,
                      state = ?8, updated_at = ?9 WHERE id = ?1";
        let mut statement = self.transaction.prepare_cached(update).map_err(doing("writing a message"))?;
        statement
            .execute(params![
                merged.message.0,
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

    fn letter(&self, message: MessageId) -> Result<Letter, Error> {
        let query = "SELECT phone, variables FROM messages WHERE id = ?1";
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
    ) -> Result<Vec<(u32, Row)>, Error> {
        let most = match decision {
            Decision::Recovered => [State::Sending; 3],
            Decision::DeadlinePassed | Decision::Cancelled | Decision::OptedOut => {
                [State::Queued, State::Sending, State::Retrying]
            }
        };
        let query = "SELECT id, facts, numbers, posts, decisions, held, due FROM messages
                     WHERE id >= ?1 AND id < ?2 AND campaign = ?3 AND state IN (?4, ?5, ?6) ORDER BY id";
        let failed = || doing("reading a range of messages");
        let mut statement = self.transaction.prepare_cached(query).map_err(failed())?;
        let states = most.map(|state| state as u8);
        let rows = statement
            .query_map(params![from, end, campaign.0, states[0], states[1], states[2]], |row| {
                Ok((row.get::<_, u32>(0)?, read_row(row, 1)?))
            })
            .map_err(failed())?;
        let mut found = Vec::new();
        for row in rows {
            let (message, row) = row.map_err(failed())?;
            found.push((message, sound(row, message)?));
        }
        Ok(found)
    }

    fn fresh_page(
        &self,
        campaign: CampaignId,
        from: MessageId,
        limit: u16,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let query = "SELECT id FROM messages WHERE id >= ?1
                     AND id < (SELECT past FROM campaigns WHERE id = ?2) AND state = ?3 ORDER BY id LIMIT ?4";
        let failed = || doing("reading a page");
        let mut statement = self.transaction.prepare_cached(query).map_err(failed())?;
        let ids = statement
            .query_map(params![from.0, campaign.0, State::Queued as u8, limit], |row| row.get::<_, u32>(0))
            .map_err(failed())?
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed())?;
        push_runs(campaign, Lane::Fresh, &ids, outcome);
        let next = ids.last().map_or(from, |last| MessageId(last + 1));
        let more = ids.len() == usize::from(limit);
        let (lane, due) = (Lane::Fresh, Timestamp(0));
        outcome.events.push(Event::PageEnd { campaign, lane, message: next, due, next: Timestamp::NEVER, more });
        Ok(())
    }

    fn due_page(
        &self,
        campaign: CampaignId,
        cursor: (Timestamp, MessageId),
        limit: u16,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let query = "SELECT due, id FROM messages WHERE campaign = ?1 AND due > 0 AND (due, id) > (?2, ?3)
                     ORDER BY due, id LIMIT ?4";
        let failed = || doing("reading a page of retries");
        let mut statement = self.transaction.prepare_cached(query).map_err(failed())?;
        // One more than asked for: the first that is not due yet, or does not fit, says how to go on.
        let rows = statement
            .query_map(params![campaign.0, cursor.0.0 as i64, cursor.1.0, u32::from(limit) + 1], |row| {
                Ok((Timestamp(row.get::<_, i64>(0)? as u64), row.get::<_, u32>(1)?))
            })
            .map_err(failed())?
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed())?;
        let due_now = rows.iter().take(usize::from(limit)).take_while(|(due, _)| *due <= self.now).count();
        let ids: Vec<u32> = rows[..due_now].iter().map(|(_, id)| *id).collect();
        push_runs(campaign, Lane::Due, &ids, outcome);
        let more = due_now == usize::from(limit);
        let (due, last) = due_now.checked_sub(1).map_or((cursor.0, cursor.1.0), |last| rows[last]);
        let next = rows.get(due_now).map_or(Timestamp::NEVER, |(due, _)| *due);
        let message = MessageId(last);
        outcome.events.push(Event::PageEnd { campaign, lane: Lane::Due, message, due, next, more });
        Ok(())
    }

    pub(super) fn trouble(&self, trouble: &Trouble) -> Result<(), Error> {
        let update = "UPDATE messages SET error_code = ?2, error_text = ?3 WHERE id = ?1";
        let mut statement = self.transaction.prepare_cached(update).map_err(doing("writing an error"))?;
        statement.execute(params![trouble.message.0, trouble.code, trouble.text]).map_err(doing("writing an error"))?;
        Ok(())
    }
}

fn push_runs(campaign: CampaignId, lane: Lane, ids: &[u32], outcome: &mut Outcome) {
    for run in ids.chunk_by(|one, next| one + 1 == *next) {
        let (first, count) = (MessageId(run[0]), run.len() as u32);
        outcome.events.push(Event::Loaded { campaign, lane, first, count });
    }
}
