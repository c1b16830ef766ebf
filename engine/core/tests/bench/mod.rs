//! The core driven by hand: a store in vectors that is durable at once, a clock that is set, and what came out of it.
//!
//! [`Store`] is all that a crash leaves, and keeps the contract of every store; [`Bench`] is an engine on one. Nothing here
//! decides anything, and nothing here is WhatsApp: tests say what it answers.
#![expect(dead_code, reason = "each test file uses a part of it")]

use cloud_api::catalogue::find;
use cloud_api::time::{Span, Timestamp};
use engine_core::campaign::{self, Counts, Spec};
use engine_core::command::{Held, Who};
use engine_core::engine::{CampaignStatus, OnUnknown, PortfolioSpec, PortfolioStatus, SenderSpec, SenderStatus};
use engine_core::event::{Answer, Event, Lane, Merged, Status};
use engine_core::id::{CampaignId, ContactId, GroupId, MessageId, PortfolioId, SenderId};
use engine_core::ledger::Limit;
use engine_core::message::{Decision, Row};
use engine_core::quiet::{Zone, Zones};
use engine_core::{Command, Engine, State};
use std::collections::BTreeMap;
use std::ops::Range;

pub(crate) const START: Timestamp = Timestamp::from_unix_seconds(1_000_000);

/// What a store keeps: what is durable of rows, campaigns, senders, portfolios and ledgers.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) rows: Vec<Row>,
    /// Each with the contact of its first message; the others follow.
    pub(crate) campaigns: Vec<(Spec, u32)>,
    pub(crate) senders: Vec<SenderSpec>,
    pub(crate) portfolios: Vec<PortfolioSpec>,
    /// By portfolio and contact.
    pub(crate) ledger: BTreeMap<(u16, u32), Timestamp>,
    pub(crate) on_unknown: OnUnknown,
    /// Contact n has the n-th of these numbers, over and over.
    pub(crate) phones: Vec<u64>,
    pub(crate) zones: Zones,
}

impl Store {
    /// One portfolio without a limit, and senders of these throughputs.
    pub(crate) fn with(throughputs: &[u32]) -> Self {
        let sender = |throughput: &u32| SenderSpec { throughput: *throughput, ..SenderSpec::default() };
        Self {
            rows: Vec::new(),
            campaigns: Vec::new(),
            senders: throughputs.iter().map(sender).collect(),
            portfolios: vec![PortfolioSpec::default()],
            ledger: BTreeMap::new(),
            on_unknown: OnUnknown::Resend,
            phones: vec![431_588_580],
            zones: Zones::default(),
        }
    }

    pub(crate) fn limited_to(mut self, contacts: u32) -> Self {
        self.portfolios[0].limit = Limit::Contacts(contacts);
        self
    }

    /// One more campaign, which starts at [`START`].
    pub(crate) fn campaign(&mut self, sender: u16, contacts: Range<u32>) -> &mut Spec {
        let first = self.rows.len() as u32;
        self.rows.resize(self.rows.len() + contacts.len(), Row::default());
        let messages = MessageId(first)..MessageId(self.rows.len() as u32);
        let id = CampaignId(self.campaigns.len() as u16);
        let spec = Spec { start: START, ..Spec::new(id, SenderId(sender), messages) };
        self.campaigns.push((spec, contacts.start));
        let last = self.campaigns.len() - 1;
        &mut self.campaigns[last].0
    }

    /// An engine on this store. `restored`: another was on it before.
    pub(crate) fn engine(&self, now: Timestamp, restored: bool) -> Engine {
        let mut engine = Engine::new();
        engine.set_zones(self.zones.clone());
        engine.set_on_unknown(self.on_unknown);
        for (place, spec) in self.portfolios.iter().enumerate() {
            engine.set_portfolio(PortfolioId(place as u16), *spec);
        }
        for ((portfolio, contact), until) in &self.ledger {
            engine.restore_count(now, PortfolioId(*portfolio), ContactId(*contact), *until);
        }
        self.senders.iter().for_each(|spec| {
            engine.add_sender(*spec);
        });
        for (place, (spec, _)) in self.campaigns.iter().enumerate() {
            engine.add_campaign(*spec, self.recount(place), restored);
        }
        engine
    }

    /// What each store does before an engine starts on it: entries of attempts that were under way get their end.
    pub(crate) fn close_ledger(&mut self, now: Timestamp) {
        let day = cloud_api::limits::MESSAGING_LIMIT_WINDOW;
        self.ledger.values_mut().filter(|until| **until == Timestamp::NEVER).for_each(|until| *until = now + day);
    }

    pub(crate) fn recount(&self, campaign: usize) -> Counts {
        let (spec, _) = self.campaigns[campaign];
        let mut counts = Counts::default();
        let rows = &self.rows[spec.first.0 as usize..spec.end.0 as usize];
        rows.iter().for_each(|row| counts.0[row.state() as usize] += 1);
        counts
    }

    pub(crate) fn campaign_of(&self, message: u32) -> usize {
        self.campaigns.partition_point(|(spec, _)| spec.first.0 <= message) - 1
    }

    pub(crate) fn contact_of(&self, message: u32) -> u32 {
        let (spec, contact) = self.campaigns[self.campaign_of(message)];
        contact + (message - spec.first.0)
    }

    fn zone_of(&self, contact: u32) -> Zone {
        self.zones.of(self.phones[contact as usize % self.phones.len()])
    }

    fn whole(&self, merged: Merged) -> Event {
        let contact = self.contact_of(merged.message.0);
        Event::Merged(Merged { contact: ContactId(contact), zone: self.zone_of(contact), ..merged })
    }

    /// Makes a command durable. Gives what the core is to be told, and nothing for what is not a store's.
    pub(crate) fn write(&mut self, now: Timestamp, command: Command) -> Vec<Event> {
        match command {
            Command::Merge(merge) => {
                let merged = self.rows[merge.message.0 as usize].learn(now, 7, &merge);
                vec![self.whole(merged)]
            }
            Command::Defer { message, until } => {
                let merged = self.rows[message.0 as usize].defer(message, until);
                vec![self.whole(merged)]
            }
            Command::Sweep { campaign, from, limit, decision, held } => {
                let of = self.campaigns[usize::from(campaign.0)].0;
                let end = (from.0 + u32::from(limit)).min(of.end.0);
                let mut events = Vec::new();
                for id in from.0..end {
                    if self.rows[id as usize].is_concerned(decision) {
                        let merged = self.rows[id as usize].decide(MessageId(id), decision, held);
                        events.push(self.whole(merged));
                    }
                }
                events.push(Event::SweepEnd { campaign, next: MessageId(end) });
                events
            }
            Command::Load { campaign, lane: Lane::Fresh, limit, message, .. } => self.fresh(campaign, message, limit),
            Command::Load { campaign, lane: Lane::Due, limit, message, due } => {
                self.due(now, campaign, (due, message.0), usize::from(limit))
            }
            Command::Suppress { who } => self.suppress(who),
            Command::Flag { campaign, paused, cancelled } => {
                let spec = &mut self.campaigns[usize::from(campaign.0)].0;
                (spec.paused, spec.cancelled) = (paused, cancelled);
                Vec::new()
            }
            Command::Remember { held, hold } => {
                match held {
                    Held::Sender(id) => self.senders[usize::from(id.0)].hold = hold,
                    Held::Portfolio(id) => self.portfolios[usize::from(id.0)].hold = hold,
                    Held::Campaign(id) => self.campaigns[usize::from(id.0)].0.hold = hold,
                }
                Vec::new()
            }
            Command::RememberChannel { sender, channel } => {
                self.senders[usize::from(sender.0)].channel = channel;
                Vec::new()
            }
            Command::Count { portfolio, contact, until } => {
                let entry = (portfolio.0, contact.0);
                if until == Timestamp(0) {
                    self.ledger.remove(&entry)
                } else {
                    self.ledger.insert(entry, until)
                };
                Vec::new()
            }
            Command::Send { .. } | Command::Acknowledge { .. } => Vec::new(),
        }
    }

    fn suppress(&mut self, who: Who) -> Vec<Event> {
        let contact = match who {
            Who::Contact(contact) => contact.0,
            Who::ContactOf(message) => self.contact_of(message.0),
        };
        let mut events = Vec::new();
        for id in 0..self.rows.len() as u32 {
            if self.contact_of(id) == contact && self.rows[id as usize].is_concerned(Decision::OptedOut) {
                let merged = self.rows[id as usize].decide(MessageId(id), Decision::OptedOut, None);
                events.push(self.whole(merged));
            }
        }
        events
    }

    fn loaded(&self, campaign: CampaignId, lane: Lane, id: u32) -> Event {
        let contact = self.contact_of(id);
        let (first, zone) = (MessageId(id), self.zone_of(contact));
        Event::Loaded { campaign, lane, first, count: 1, contact: ContactId(contact), zone }
    }

    fn fresh(&self, campaign: CampaignId, from: MessageId, limit: u16) -> Vec<Event> {
        let lane = Lane::Fresh;
        let waits = |id: &u32| {
            let row = &self.rows[*id as usize];
            row.state() == State::Queued && row.due().is_none()
        };
        let end = self.campaigns[usize::from(campaign.0)].0.end.0;
        let ids: Vec<u32> = (from.0..end).filter(waits).take(usize::from(limit)).collect();
        let mut events: Vec<Event> = ids.iter().map(|id| self.loaded(campaign, lane, *id)).collect();
        let message = MessageId(ids.last().map_or(from.0, |id| id + 1));
        let (due, next, more) = (Timestamp(0), Timestamp::NEVER, ids.len() == usize::from(limit));
        events.push(Event::PageEnd { campaign, lane, message, due, next, more });
        events
    }

    fn due(&self, now: Timestamp, campaign: CampaignId, cursor: (Timestamp, u32), limit: usize) -> Vec<Event> {
        let lane = Lane::Due;
        let spec = self.campaigns[usize::from(campaign.0)].0;
        let with_due = |id: u32| self.rows[id as usize].due().map(|due| (due, id));
        let mut waiting: Vec<(Timestamp, u32)> = (spec.first.0..spec.end.0).filter_map(with_due).collect();
        waiting.retain(|entry| *entry > cursor);
        waiting.sort_unstable();
        let page = waiting.iter().take(limit).take_while(|(due, _)| *due <= now).count();
        let next = waiting.get(page).map_or(Timestamp::NEVER, |(due, _)| *due);
        let mut events: Vec<Event> = waiting[..page].iter().map(|(_, id)| self.loaded(campaign, lane, *id)).collect();
        let (due, last) = waiting[..page].last().copied().unwrap_or(cursor);
        events.push(Event::PageEnd { campaign, lane, message: MessageId(last), due, next, more: page == limit });
        events
    }
}

/// An engine on a store that is durable at once.
pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) now: Timestamp,
    /// The POSTs that are not answered yet: message and attempt.
    pub(crate) sends: Vec<(u32, u8)>,
    /// Every POST that there was, with its time.
    pub(crate) posts: Vec<(Timestamp, u32, u8)>,
    pub(crate) acks: Vec<u32>,
    /// Every [`Command::Flag`], [`Command::Remember`], [`Command::Count`] and [`Command::Defer`].
    pub(crate) kept: Vec<Command>,
    /// The messages that came in fresh pages.
    pub(crate) loaded: usize,
}

impl Bench {
    /// One sender and one campaign.
    pub(crate) fn new(size: u32, throughput: u32) -> Self {
        let mut store = Store::with(&[throughput]);
        store.campaign(0, 0..size);
        Self::on(store)
    }

    /// The first engine on a store, at [`START`].
    pub(crate) fn on(store: Store) -> Self {
        Self::begin(store, START, false)
    }

    /// The process dies: what is durable is in the store. Another begins after `down_for`.
    pub(crate) fn restart(self, down_for: Span) -> Self {
        let mut store = self.store;
        let now = self.now + down_for;
        store.close_ledger(now);
        Self::begin(store, now, true)
    }

    fn begin(store: Store, now: Timestamp, restored: bool) -> Self {
        let engine = store.engine(now, restored);
        let (sends, posts, acks, kept) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut bench = Self { engine, store, now, sends, posts, acks, kept, loaded: 0 };
        bench.tell(Event::Tick);
        bench
    }

    pub(crate) fn tell(&mut self, event: Event) {
        let mut commands = Vec::new();
        self.engine.handle(self.now, event, &mut commands);
        let mut next = 0;
        while let Some(command) = commands.get(next).copied() {
            next += 1;
            self.note(command);
            for event in self.store.write(self.now, command) {
                self.loaded += usize::from(matches!(event, Event::Loaded { lane: Lane::Fresh, .. }));
                self.engine.handle(self.now, event, &mut commands);
            }
        }
    }

    fn note(&mut self, command: Command) {
        match command {
            Command::Send { message, number, sender, campaign, contact } => {
                let place = self.store.campaign_of(message.0);
                let spec = self.store.campaigns[place].0;
                assert_eq!((sender, campaign), (spec.sender, spec.id));
                assert_eq!(contact.0, self.store.contact_of(message.0));
                assert_eq!(self.store.rows[message.0 as usize].state(), State::Sending, "the intent is durable");
                self.sends.push((message.0, number));
                self.posts.push((self.now, message.0, number));
            }
            Command::Acknowledge { token } => self.acks.push(token.0),
            Command::Flag { .. } | Command::Remember { .. } | Command::Count { .. } | Command::Defer { .. } => {
                self.kept.push(command);
            }
            Command::Load { .. }
            | Command::Merge(_)
            | Command::Sweep { .. }
            | Command::Suppress { .. }
            | Command::RememberChannel { .. } => {}
        }
    }

    /// Lets time pass until `to`, timers included.
    pub(crate) fn until(&mut self, to: Timestamp) {
        while let Some(next) = self.engine.next_deadline().filter(|next| *next <= to) {
            self.now = self.now.max(next);
            self.tell(Event::Tick);
        }
        self.now = to;
    }

    pub(crate) fn pass(&mut self, span: Span) {
        self.until(self.now + span);
    }

    /// Lets time pass, and has each POST answered at once.
    pub(crate) fn serve(&mut self, span: Span, answer: impl Fn(u32, u8) -> Answer) {
        let to = self.now + span;
        loop {
            for (message, number) in std::mem::take(&mut self.sends) {
                self.answer(message, number, answer(message, number));
            }
            if !self.sends.is_empty() {
                continue;
            }
            let Some(next) = self.engine.next_deadline().filter(|next| *next <= to) else { break };
            self.now = self.now.max(next);
            self.tell(Event::Tick);
        }
        self.now = to;
    }

    /// Lets time pass, has each POST accepted, and lets a webhook about this message come every two minutes and at the end: so
    /// often that no silence prolongs anything.
    pub(crate) fn hum(&mut self, span: Span, message: u32) {
        let to = self.now + span;
        while self.now < to {
            self.serve(Span::mins(2).min(to.since(self.now)), |_, _| Answer::Accepted);
            self.status(message, 1, Status::Sent);
        }
    }

    pub(crate) fn answer(&mut self, message: u32, number: u8, answer: Answer) {
        self.sends.retain(|send| *send != (message, number));
        let contact = ContactId(self.store.contact_of(message));
        self.tell(Event::Answered { message: MessageId(message), number, contact, answer });
    }

    pub(crate) fn answer_all(&mut self, answer: Answer) {
        for (message, number) in std::mem::take(&mut self.sends) {
            self.answer(message, number, answer);
        }
    }

    pub(crate) fn refuse_all(&mut self, code: u32) {
        self.answer_all(refused(code));
    }

    /// A status webhook of what happens now.
    pub(crate) fn status(&mut self, message: u32, number: u8, status: Status) {
        self.tell(Event::Status { message: MessageId(message), number, status, at: self.now });
    }

    pub(crate) fn state(&self, message: u32) -> State {
        self.store.rows[message as usize].state()
    }

    pub(crate) fn reason(&self, message: u32) -> &'static str {
        self.store.rows[message as usize].reason().name
    }

    /// The messages that were POSTed in a stretch of `posts`, in order.
    pub(crate) fn posted(&self, from: usize) -> Vec<u32> {
        self.posts[from..].iter().map(|(_, message, _)| *message).collect()
    }

    /// The first campaign's state and counts.
    pub(crate) fn campaign(&self) -> (campaign::State, Vec<(State, u32)>) {
        (self.status_of(0).state, self.counts(0))
    }

    pub(crate) fn status_of(&self, campaign: usize) -> CampaignStatus {
        self.engine.snapshot().campaigns[campaign]
    }

    pub(crate) fn sender(&self, sender: usize) -> SenderStatus {
        self.engine.snapshot().senders[sender]
    }

    pub(crate) fn portfolio(&self) -> PortfolioStatus {
        self.engine.snapshot().portfolios[0]
    }

    /// What there is of a campaign's messages, by state.
    pub(crate) fn counts(&self, campaign: usize) -> Vec<(State, u32)> {
        let recount = self.store.recount(campaign);
        assert_eq!(self.status_of(campaign).counts, recount, "kept counts equal a recount");
        listed(&recount)
    }

    pub(crate) fn group(&self, group: u16) -> (campaign::State, Vec<(State, u32)>) {
        let (state, counts) = self.engine.group(GroupId(group)).expect("the group is known");
        (state, listed(&counts))
    }
}

fn listed(counts: &Counts) -> Vec<(State, u32)> {
    let counts = State::ALL.iter().map(|state| (*state, counts.of(*state)));
    counts.filter(|(_, count)| *count > 0).collect()
}

pub(crate) fn refused(code: u32) -> Answer {
    Answer::Refused { code: find(code, None), retry_after_seconds: 0 }
}
