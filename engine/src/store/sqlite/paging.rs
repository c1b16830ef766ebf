//! Pages of a campaign: what waits for its first attempt, and what waits for a time, as runs of neighbours.

use super::commit::Step;
use super::doing;
use crate::store::{Error, Outcome};
use engine_core::Event;
use engine_core::event::Lane;
use engine_core::id::{CampaignId, ContactId, MessageId};
use engine_core::message::State;
use engine_core::quiet::Zone;
use engine_core::time::Timestamp;
use rusqlite::params;

/// A message of a page.
#[derive(Clone, Copy)]
struct Item {
    due: Timestamp,
    message: u32,
    contact: u32,
}

impl Step<'_> {
    pub(super) fn fresh_page(
        &self,
        campaign: CampaignId,
        from: MessageId,
        limit: u16,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let query = "SELECT due, id, contact FROM messages WHERE id >= ?1
                     AND id < (SELECT past FROM campaigns WHERE id = ?2) AND state = ?3 AND due = 0
                     ORDER BY id LIMIT ?4";
        let items = self.items(query, params![from.0, campaign.0, State::Queued as u8, limit])?;
        self.push_runs(campaign, Lane::Fresh, &items, outcome)?;
        let message = items.last().map_or(from, |last| MessageId(last.message + 1));
        let more = items.len() == usize::from(limit);
        let (lane, due, next) = (Lane::Fresh, Timestamp(0), Timestamp::NEVER);
        outcome.events.push(Event::PageEnd { campaign, lane, message, due, next, more });
        Ok(())
    }

    pub(super) fn due_page(
        &self,
        campaign: CampaignId,
        cursor: (Timestamp, MessageId),
        limit: u16,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let query = "SELECT due, id, contact FROM messages WHERE campaign = ?1 AND due > 0 AND (due, id) > (?2, ?3)
                     ORDER BY due, id LIMIT ?4";
        // One more than asked for: the first that is not due yet, or does not fit, says how to go on.
        let values = params![campaign.0, cursor.0.0 as i64, cursor.1.0, u32::from(limit) + 1];
        let items = self.items(query, values)?;
        let due_now = items.iter().take(usize::from(limit)).take_while(|item| item.due <= self.now).count();
        self.push_runs(campaign, Lane::Due, &items[..due_now], outcome)?;
        let more = due_now == usize::from(limit);
        let last = items[..due_now].last();
        let (due, message) = last.map_or(cursor, |last| (last.due, MessageId(last.message)));
        let next = items.get(due_now).map_or(Timestamp::NEVER, |item| item.due);
        outcome.events.push(Event::PageEnd { campaign, lane: Lane::Due, message, due, next, more });
        Ok(())
    }

    fn items(&self, query: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<Item>, Error> {
        let failed = || doing("reading a page");
        let mut statement = self.transaction.prepare_cached(query).map_err(failed())?;
        let rows = statement.query_map(values, |row| {
            Ok(Item { due: Timestamp(row.get::<_, i64>(0)? as u64), message: row.get(1)?, contact: row.get(2)? })
        });
        rows.map_err(failed())?.collect::<Result<_, _>>().map_err(failed())
    }

    fn push_runs(&self, campaign: CampaignId, lane: Lane, items: &[Item], outcome: &mut Outcome) -> Result<(), Error> {
        let mut zones = Vec::with_capacity(items.len());
        for item in items {
            zones.push(self.places.zone(self.transaction, MessageId(item.message), ContactId(item.contact))?);
        }
        let pairs: Vec<(Item, Zone)> = items.iter().copied().zip(zones).collect();
        let neighbours = |one: &(Item, Zone), next: &(Item, Zone)| {
            one.0.message + 1 == next.0.message && one.0.contact + 1 == next.0.contact && one.1 == next.1
        };
        for run in pairs.chunk_by(neighbours) {
            let (Item { message, contact, .. }, zone) = run[0];
            let (first, contact, count) = (MessageId(message), ContactId(contact), run.len() as u32);
            outcome.events.push(Event::Loaded { campaign, lane, first, count, contact, zone });
        }
        Ok(())
    }
}
