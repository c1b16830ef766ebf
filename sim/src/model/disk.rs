//! The engine's store at the model level: the rows in memory, changed by the core's own functions.
//!
//! It keeps the contract that the real stores keep (`engine/tests/store_contract.rs`): the same commands, the same
//! answers. What is written here is durable; what waits for a commit, and may be lost, is the process's (`life`).

use super::setup::Setup;
use crate::contacts::Contacts;
use cloud_api::time::Timestamp;
use engine_core::command::{Command, Held, Merge, Who};
use engine_core::event::{Event, Lane, Merged};
use engine_core::hold::Memo;
use engine_core::id::{CampaignId, ContactId, MessageId};
use engine_core::message::{Decision, Row, State};
use engine_core::planted::{self, Bug};
use engine_core::quiet::{Zone, Zones};
use engine_core::unknown::Channel;
use mock_whatsapp_model::output::Update;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// What operators decided of a part of a campaign, and what halted its template.
#[derive(Clone, Copy, Debug, Default)]
pub struct PartFlags {
    /// Nothing of it is claimed.
    pub paused: bool,
    /// Nothing of it is claimed any more.
    pub cancelled: bool,
    /// Its template's halt.
    pub hold: Option<Memo>,
}

/// Everything durable: rows by message id, and the rest of what an engine that starts must know.
#[derive(Clone, Debug)]
pub struct Disk<'a> {
    setup: &'a Setup,
    zones: Zones,
    rows: Vec<Row>,
    /// What waits for a time, by part.
    due: Vec<BinaryHeap<Reverse<(Timestamp, u32)>>>,
    /// By part.
    pub parts: Vec<PartFlags>,
    /// Halts by sender.
    pub sender_holds: Vec<Option<Memo>>,
    /// Waits after the messaging limit by portfolio.
    pub portfolio_holds: Vec<Option<Memo>>,
    /// Ledgers by portfolio and contact.
    pub ledger: BTreeMap<(u16, u32), Timestamp>,
    /// What is known of each sender's webhook channel.
    pub channels: Vec<Channel>,
    /// Updates of attempts whose wamid nobody knows yet.
    parked: BTreeMap<(u32, u8), Vec<Update>>,
}

impl<'a> Disk<'a> {
    /// A store in which every message is Queued.
    pub fn new(setup: &'a Setup, zones: Zones) -> Self {
        Self {
            setup,
            zones,
            rows: vec![Row::default(); setup.messages() as usize],
            due: setup.parts.iter().map(|_| BinaryHeap::new()).collect(),
            parts: vec![PartFlags::default(); setup.parts.len()],
            sender_holds: vec![None; setup.senders.len()],
            portfolio_holds: vec![None; setup.portfolios.len()],
            ledger: BTreeMap::new(),
            channels: vec![Channel::default(); setup.senders.len()],
            parked: BTreeMap::new(),
        }
    }

    /// All rows, by message id.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The ids of a campaign's messages: the place is the scenario's.
    pub fn range(&self, campaign: usize) -> std::ops::Range<u32> {
        let campaign = &self.setup.campaigns[campaign];
        campaign.first..campaign.first + campaign.size
    }

    /// Writes one command of the core, and adds what is to be told of it.
    #[inline]
    pub fn write(&mut self, now: Timestamp, command: &Command, events: &mut Vec<Event>) {
        match command {
            Command::Merge(merge) => events.push(Event::Merged(self.merge(now, merge))),
            Command::Defer { message, until } => {
                let merged = self.rows[message.0 as usize].defer(*message, *until);
                self.wait(*message, merged.due);
                events.push(Event::Merged(self.whole(merged)));
            }
            Command::Load { .. } => self.load(now, command, events),
            Command::Sweep { .. } => self.sweep(command, events),
            Command::Suppress { who } => self.suppress(*who, events),
            Command::Flag { campaign, paused, cancelled } => {
                let part = &mut self.parts[usize::from(campaign.0)];
                (part.paused, part.cancelled) = (*paused, *cancelled);
            }
            Command::Remember { held, hold } => match held {
                Held::Sender(sender) => self.sender_holds[usize::from(sender.0)] = *hold,
                Held::Portfolio(portfolio) => self.portfolio_holds[usize::from(portfolio.0)] = *hold,
                Held::Campaign(campaign) => self.parts[usize::from(campaign.0)].hold = *hold,
            },
            Command::RememberChannel { sender, channel } => self.channels[usize::from(sender.0)] = *channel,
            Command::Count { portfolio, contact, until } => {
                let entry = (portfolio.0, contact.0);
                if until.0 == 0 {
                    self.ledger.remove(&entry);
                } else {
                    self.ledger.insert(entry, *until);
                }
            }
            Command::Send { .. } | Command::Acknowledge { .. } => {}
        }
    }

    /// Merges a fact.
    #[inline]
    pub fn merge(&mut self, now: Timestamp, merge: &Merge) -> Merged {
        let row = &mut self.rows[merge.message.0 as usize];
        let before = row.due();
        let merged = row.learn(now, self.setup.seed, merge);
        if let Some(due) = row.due()
            && before != Some(due)
        {
            self.wait(merge.message, due);
        }
        self.whole(merged)
    }

    fn wait(&mut self, message: MessageId, due: Timestamp) {
        if due != Timestamp::NEVER {
            self.due[self.setup.part_of(message.0)].push(Reverse((due, message.0)));
        }
    }

    /// What a row cannot know of itself: to whom it goes, and where that is.
    #[inline]
    fn whole(&self, merged: Merged) -> Merged {
        let contact = self.setup.contact_of(merged.message.0);
        Merged { contact: ContactId(contact), zone: self.zone_of(merged.message.0, contact), ..merged }
    }

    #[inline]
    fn zone_of(&self, message: u32, contact: u32) -> Zone {
        let part = &self.setup.parts[self.setup.part_of(message)];
        match self.setup.campaigns[part.campaign].quiet {
            Some(_) => self.zones.of(self.setup.contacts.phone(contact)),
            None => Zone::default(),
        }
    }

    /// Applies a decision to a range, and tells of every row that it concerns, then that the step is done.
    fn sweep(&mut self, command: &Command, events: &mut Vec<Event>) {
        let Command::Sweep { campaign, from, limit, decision, held } = *command else { return };
        let end = from.0 + u32::from(limit);
        for id in from.0..end.min(self.setup.parts[usize::from(campaign.0)].end) {
            let row = &mut self.rows[id as usize];
            if row.is_concerned(decision) {
                let merged = row.decide(MessageId(id), decision, held);
                events.push(Event::Merged(self.whole(merged)));
            }
        }
        events.push(Event::SweepEnd { campaign, next: MessageId(end) });
    }

    /// The contact wants no more: every message of it that is not settled is told so.
    fn suppress(&mut self, who: Who, events: &mut Vec<Event>) {
        let contact = match who {
            Who::Contact(contact) => contact.0,
            Who::ContactOf(message) => self.setup.contact_of(message.0),
        };
        let contacts: &Contacts = &self.setup.contacts;
        for (place, campaign) in self.setup.campaigns.iter().enumerate() {
            let Some(message) = contacts.audience(place).message_to(contact) else { continue };
            let message = MessageId(campaign.first + message);
            if planted::on(Bug::OptOutOfOneMessage) && who != Who::ContactOf(message) {
                continue;
            }
            let row = &mut self.rows[message.0 as usize];
            if row.is_concerned(Decision::OptedOut) {
                let merged = row.decide(message, Decision::OptedOut, None);
                events.push(Event::Merged(self.whole(merged)));
            }
        }
    }

    /// Reads a page.
    fn load(&mut self, now: Timestamp, command: &Command, events: &mut Vec<Event>) {
        let Command::Load { campaign, lane, limit, message, due } = *command else { return };
        match lane {
            Lane::Fresh => self.fresh(campaign, message, u32::from(limit), events),
            Lane::Due => self.due(now, campaign, (due, message), usize::from(limit), events),
        }
    }

    fn fresh(&self, campaign: CampaignId, from: MessageId, limit: u32, events: &mut Vec<Event>) {
        let lane = Lane::Fresh;
        let part = self.setup.parts[usize::from(campaign.0)];
        let of = &self.setup.campaigns[part.campaign];
        let audience = self.setup.contacts.audience(part.campaign);
        let (mut at, mut taken) = (from.0, 0);
        while at < part.end && taken < limit {
            let queued = |id: &u32| {
                let row = &self.rows[*id as usize];
                row.state() == State::Queued && row.due().is_none()
            };
            let most = (part.end - at).min(limit - taken).min(audience.run(at - of.first));
            let run = (at..at + most).take_while(queued).count() as u32;
            let contact = audience.contact(at - of.first);
            let zone = self.zone_of(at, contact);
            let run = match of.quiet {
                Some(_) => (0..run).take_while(|step| self.zone_of(at + step, contact + step) == zone).count() as u32,
                None => run,
            };
            if run > 0 {
                let (first, contact) = (MessageId(at), ContactId(contact));
                events.push(Event::Loaded { campaign, lane, first, count: run, contact, zone });
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
        let (mut last, mut taken, mut next) = (cursor, 0, Timestamp::NEVER);
        while let Some(Reverse((at, id))) = self.due[usize::from(campaign.0)].peek().copied() {
            if self.rows[id as usize].due() == Some(at) {
                if at > now || taken == limit {
                    next = at;
                    break;
                }
                taken += 1;
                last = (at, MessageId(id));
                let contact = self.setup.contact_of(id);
                let (zone, contact) = (self.zone_of(id, contact), ContactId(contact));
                events.push(Event::Loaded { campaign, lane, first: last.1, count: 1, contact, zone });
            }
            self.due[usize::from(campaign.0)].pop();
        }
        let (due, message) = last;
        events.push(Event::PageEnd { campaign, lane, message, due, next, more: taken == limit });
    }

    /// For an engine that starts: everything that waits for a time is to be read again.
    pub fn reopen(&mut self) {
        for (part, heap) in self.setup.parts.iter().zip(&mut self.due) {
            let rows = part.first..part.end;
            let waiting = rows.filter_map(|id| self.rows[id as usize].due().map(|due| Reverse((due, id))));
            *heap = waiting.collect();
        }
    }

    /// For an engine that starts: entries of the ledger whose attempt was under way end then, whatever becomes of this engine.
    pub fn close_ledger(&mut self, until: Timestamp) {
        self.ledger.values_mut().filter(|end| **end == Timestamp::NEVER).for_each(|end| *end = until);
    }

    /// Keeps an update until the wamid of its attempt is known.
    pub fn park(&mut self, message: MessageId, number: u8, update: Update) {
        self.parked.entry((message.0, number)).or_default().push(update);
    }

    /// Whether any update waits for a wamid.
    #[inline]
    pub fn has_parked(&self) -> bool {
        !self.parked.is_empty()
    }

    /// What waited for the wamid of an attempt. It stays: until what it teaches is durable, a crash must not lose it, and to
    /// be told twice changes nothing.
    #[inline]
    pub fn parked(&self, message: MessageId, number: u8) -> Option<Vec<Update>> {
        self.parked.get(&(message.0, number)).cloned()
    }

    /// The attempts for whose wamids updates wait, or waited.
    pub fn parked_attempts(&self) -> Vec<(MessageId, u8)> {
        self.parked.keys().map(|(message, number)| (MessageId(*message), *number)).collect()
    }
}
