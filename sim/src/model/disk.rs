//! The engine's store at the model level: the rows in memory, changed by the core's own functions, durable at once.
//!
//! It keeps the contract that the real stores keep (`engine/tests/store_contract.rs`): the same commands, the same
//! answers.

use cloud_api::time::Timestamp;
use engine_core::command::Merge;
use engine_core::event::{Event, Lane, Merged};
use engine_core::id::{CampaignId, MessageId};
use engine_core::message::{Decision, Row, State};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The rows of all campaigns, by message id, and the due times of those that wait for one.
#[derive(Debug)]
pub struct Disk {
    rows: Vec<Row>,
    salt: u64,
    /// Where each campaign's messages end; ranges follow each other from 0.
    ends: Vec<u32>,
    due: Vec<BinaryHeap<Reverse<(Timestamp, u32)>>>,
}

impl Disk {
    /// A store with one campaign after the other, of these sizes, all Queued.
    pub fn new(sizes: &[u32], salt: u64) -> Self {
        let ends: Vec<u32> = sizes
            .iter()
            .scan(0, |end, size| {
                *end += size;
                Some(*end)
            })
            .collect();
        let rows = vec![Row::default(); ends.last().copied().unwrap_or(0) as usize];
        Self { rows, salt, due: sizes.iter().map(|_| BinaryHeap::new()).collect(), ends }
    }

    /// All rows, by message id.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The ids of a campaign's messages.
    pub fn range(&self, campaign: usize) -> std::ops::Range<u32> {
        let first = campaign.checked_sub(1).map_or(0, |before| self.ends[before]);
        first..self.ends[campaign]
    }

    fn campaign_of(&self, message: MessageId) -> usize {
        if self.ends.len() == 1 { 0 } else { self.ends.partition_point(|end| *end <= message.0) }
    }

    /// Merges a fact.
    #[inline]
    pub fn merge(&mut self, now: Timestamp, merge: &Merge) -> Merged {
        let row = &mut self.rows[merge.message.0 as usize];
        let before = row.due();
        let merged = row.learn(now, self.salt, merge);
        if let Some(due) = row.due()
            && before != Some(due)
        {
            let campaign = self.campaign_of(merge.message);
            self.due[campaign].push(Reverse((due, merge.message.0)));
        }
        merged
    }

    /// Applies a decision to a range, and tells of every row that it concerns, then that the step is done.
    pub fn sweep(&mut self, command: &engine_core::Command, events: &mut Vec<Event>) {
        let engine_core::Command::Sweep { campaign, from, limit, decision, held } = *command else { return };
        let end = from.0 + u32::from(limit);
        for id in from.0..end.min(self.range(usize::from(campaign.0)).end) {
            let row = &mut self.rows[id as usize];
            let concerned = match decision {
                Decision::Recovered => row.state() == State::Sending,
                Decision::DeadlinePassed | Decision::Cancelled | Decision::OptedOut => row.state().is_in_progress(),
            };
            if concerned {
                events.push(Event::Merged(row.decide(MessageId(id), decision, held)));
            }
        }
        events.push(Event::SweepEnd { campaign, next: MessageId(end) });
    }

    /// Reads a page.
    pub fn load(&mut self, now: Timestamp, command: &engine_core::Command, events: &mut Vec<Event>) {
        let engine_core::Command::Load { campaign, lane, limit, message, due } = *command else { return };
        match lane {
            Lane::Fresh => self.fresh(campaign, message, u32::from(limit), events),
            Lane::Due => self.due(now, campaign, (due, message), usize::from(limit), events),
        }
    }

    fn fresh(&self, campaign: CampaignId, from: MessageId, limit: u32, events: &mut Vec<Event>) {
        let lane = Lane::Fresh;
        let end = self.range(usize::from(campaign.0)).end;
        let (mut at, mut taken) = (from.0, 0);
        while at < end && taken < limit {
            let queued = |id: &u32| self.rows[*id as usize].state() == State::Queued;
            let run = (at..end.min(at + limit - taken)).take_while(queued).count() as u32;
            if run > 0 {
                events.push(Event::Loaded { campaign, lane, first: MessageId(at), count: run });
            }
            taken += run;
            at += run.max(1);
        }
        let (message, due, next, more) = (MessageId(at), Timestamp(0), Timestamp::NEVER, taken == limit);
        events.push(Event::PageEnd { campaign, lane, message, due, next, more });
    }

    /// The heap holds every due time ever set; those that a later fact moved are passed over. What is read is taken out, so
    /// what the cursor of the command stands for is not here any more.
    fn due(
        &mut self,
        now: Timestamp,
        campaign: CampaignId,
        cursor: (Timestamp, MessageId),
        limit: usize,
        events: &mut Vec<Event>,
    ) {
        let lane = Lane::Due;
        let heap = &mut self.due[usize::from(campaign.0)];
        let (mut last, mut taken, mut next) = (cursor, 0, Timestamp::NEVER);
        while let Some(Reverse((at, id))) = heap.peek().copied() {
            if self.rows[id as usize].due() == Some(at) {
                if at > now || taken == limit {
                    next = at;
                    break;
                }
                taken += 1;
                last = (at, MessageId(id));
                events.push(Event::Loaded { campaign, lane, first: last.1, count: 1 });
            }
            heap.pop();
        }
        let (due, message) = last;
        events.push(Event::PageEnd { campaign, lane, message, due, next, more: taken == limit });
    }
}
