//! The event loop of the model level: two pure cores, a network and a disk between them, one clock that jumps.
//!
//! At one instant arrivals come first, then WhatsApp's own events, then the engine's timers. Nothing here decides
//! anything: what is decided is in the cores, and what is judged is in the checkers.

use super::disk::Disk;
use super::network::{Arrival, Network, Request};
use super::setup::{Plant, Setup};
use super::trace::{Kind, Trace};
use crate::checkers::Checkers;
use crate::checkers::truth::Truth;
use crate::contacts::Quota;
use cloud_api::time::{Span, Timestamp};
use engine_core::attempt::{Fact, Phase};
use engine_core::campaign::{Counts, Spec};
use engine_core::command::{Command, Merge};
use engine_core::engine::SenderSpec;
use engine_core::event::{Answer as Outcome, Event, Merged, Status};
use engine_core::id::{AckToken, CampaignId, MessageId, SenderId};
use engine_core::{Engine, State};
use hdrhistogram::Histogram;
use mock_whatsapp_model::fate::message_key;
use mock_whatsapp_model::faults::Fault;
use mock_whatsapp_model::handset::Persona;
use mock_whatsapp_model::input::{DeliveryId, HandsetId, Input, MessageIndex, NumberId, Post};
use mock_whatsapp_model::output::{Answer, Output, Update, What};
use mock_whatsapp_model::world::{Config, World};
use std::collections::BTreeMap;

/// When every run begins: Monday, 5 January 2026, 09:00 UTC.
pub const START: Timestamp = Timestamp::from_unix_seconds(1_767_603_600);

/// How long the engine's client waits for an answer.
const CLIENT_TIMEOUT: Span = Span::secs(30);

/// A run ends at the latest this long after the last deadline.
const GRACE: Span = Span::hours(7 * 24);

/// Events between two looks at the progress.
const PROGRESS_EVERY: u64 = 1 << 16;

/// How long things took, in microseconds of virtual time, from when a message was due.
#[derive(Clone, Debug)]
pub struct Latency {
    /// Until the engine learned that it was accepted.
    pub accepted: Histogram<u64>,
    /// Until the engine learned that it had arrived.
    pub delivered: Histogram<u64>,
}

/// A run under way, or over.
pub struct Run<'a> {
    setup: &'a Setup,
    now: Timestamp,
    engine: Engine,
    world: World,
    disk: Disk,
    network: Network,
    trace: Trace,
    checkers: Checkers,
    latency: Latency,
    attempts: u64,
    commands: Vec<Command>,
    outputs: Vec<Output>,
    events: Vec<Event>,
    /// Updates of wamids that it does not know yet.
    parked: BTreeMap<u32, Vec<Update>>,
    /// How often what the plant acts on has come by.
    planted: u64,
    /// When a message of each campaign last came out of being in progress.
    settled: Vec<Timestamp>,
}

/// The ends of things that are not faults of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing is left to happen.
    Quiet,
    /// The bound on a run's length was reached while something was still due.
    TimedOut,
}

impl<'a> Run<'a> {
    /// Sets the scene: nothing has happened yet.
    ///
    /// # Errors
    /// If a fault is of a kind that this level does not carry out: its name.
    pub fn new(setup: &'a Setup) -> Result<Self, String> {
        let timing = setup.timing.clone();
        let mut world = World::new(Config { seed: setup.seed, start: START, timing, limit_throughput: true });
        let mut engine = Engine::new();
        for sender in &setup.senders {
            world.add_number(sender.throughput);
            engine.add_sender(SenderSpec { throughput: sender.throughput, ..SenderSpec::default() });
        }
        let mut faults = Vec::new();
        for spec in &setup.faults {
            let number =
                spec.sender.as_ref().and_then(|name| setup.senders.iter().position(|sender| sender.name == *name));
            let number = number.map(|place| NumberId(place as u16));
            faults.push(Fault::arm(spec, START, number).map_err(|kind| format!("{kind:?}"))?);
        }
        world.set_faults(faults);
        let persona = |quota: &Quota| Persona { kind: quota.kind, away: quota.away, ..Persona::default() };
        let personas: Vec<u32> =
            setup.contacts.quotas().iter().map(|quota| world.add_persona(persona(quota))).collect();
        for place in 0..setup.contacts.len() {
            world.add_handset(setup.contacts.group(place).map_or(0, |group| personas[group]));
        }
        let mut first = 0;
        for (place, campaign) in setup.campaigns.iter().enumerate() {
            let spec = Spec {
                id: CampaignId(place as u16),
                sender: SenderId(campaign.sender as u16),
                first: MessageId(first),
                end: MessageId(first + campaign.size),
                start: START + campaign.start,
            };
            engine.add_campaign(spec, Counts::all_queued(campaign.size), false);
            first += campaign.size;
        }
        let sizes: Vec<u32> = setup.campaigns.iter().map(|campaign| campaign.size).collect();
        Ok(Self {
            setup,
            now: START,
            engine,
            world,
            disk: Disk::new(&sizes, setup.seed),
            network: Network::default(),
            trace: Trace::default(),
            checkers: Checkers::new(first as usize, START),
            latency: Latency { accepted: latency_histogram()?, delivered: latency_histogram()? },
            attempts: 0,
            commands: Vec::new(),
            outputs: Vec::new(),
            events: Vec::new(),
            parked: BTreeMap::new(),
            planted: 0,
            settled: vec![START; setup.campaigns.len()],
        })
    }

    /// Runs until nothing is left to happen. `progress` is told the time now and then.
    pub fn finish(&mut self, mut progress: impl FnMut(Span, &Engine)) -> End {
        let last = self.setup.campaigns.iter().map(|campaign| campaign.start).max().unwrap_or(Span::ZERO);
        let end = START + last + engine_core::limits::DEADLINE + GRACE;
        self.engine.handle(START, Event::Tick, &mut self.commands);
        self.carry_out();
        let mut told = 0;
        loop {
            let arrival = self.network.next();
            let world = self.world.next_deadline().unwrap_or(Timestamp::NEVER);
            let timer = self.engine.next_deadline().unwrap_or(Timestamp::NEVER);
            let next = arrival.min(world).min(timer);
            if next == Timestamp::NEVER {
                return End::Quiet;
            }
            if next > end {
                return End::TimedOut;
            }
            self.now = self.now.max(next);
            if arrival == next {
                if let Some(arrival) = self.network.pop(next) {
                    self.arrive(arrival);
                }
            } else if world == next {
                self.trace.add(self.now.0, Kind::WorldTimer, 0, 0);
                self.world.handle(self.now, Input::Tick, &mut self.outputs);
                self.go_out();
            } else {
                self.trace.add(self.now.0, Kind::EngineTimer, 0, 0);
                self.engine.handle(self.now, Event::Tick, &mut self.commands);
                self.carry_out();
            }
            if self.trace.events() >= told + PROGRESS_EVERY {
                told = self.trace.events();
                progress(self.now.since(START), &self.engine);
            }
        }
    }

    fn arrive(&mut self, arrival: Arrival) {
        let now = self.now;
        match arrival {
            Arrival::Post(request) => {
                self.trace.add(now.0, Kind::Post, u64::from(request.message.0), u64::from(request.number));
                self.attempts += 1;
                self.checkers.posted(now, request.message);
                let post = self.post_of(request);
                self.world.handle(now, Input::Post(post), &mut self.outputs);
                self.answer(request);
            }
            Arrival::Answer(request, answer) => {
                let (outcome, detail) = self.outcome_of(request, answer);
                self.trace.add(now.0, Kind::Answer, u64::from(request.message.0), detail);
                let (message, number) = (request.message, request.number);
                self.tell(Event::Answered { message, number, answer: outcome });
                if let Answer::Accepted(index) = answer {
                    self.unpark(index);
                }
            }
            Arrival::Webhook(delivery, update) => self.webhook(delivery, update),
            Arrival::Acknowledged(delivery) => {
                self.trace.add(now.0, Kind::Acknowledged, u64::from(delivery.0), 200);
                self.world.handle(now, Input::Answered { delivery, status: 200 }, &mut self.outputs);
                self.go_out();
            }
        }
    }

    fn post_of(&self, request: Request) -> Post {
        let place = usize::from(request.campaign);
        let campaign = &self.setup.campaigns[place];
        let message = request.message.0 - self.disk.range(place).start;
        let contacts = &self.setup.contacts;
        let contact = contacts.audience(place).contact(message);
        let content = campaign.contents[contacts.wording(place, message)];
        let sender = &self.setup.senders[campaign.sender];
        Post {
            request: 0,
            number: NumberId(campaign.sender as u16),
            handset: HandsetId(contact),
            key: message_key(contacts.wa_id(contact), sender.phone_number_id, content),
            callback: callback(request.message, request.number),
            template: campaign.template,
            marketing: campaign.marketing,
        }
    }

    /// WhatsApp's answer to the POST that was just handed in goes on its way, and so does what else came out.
    fn answer(&mut self, request: Request) {
        for place in 0..self.outputs.len() {
            if let Output::Reply { at, answer, .. } = self.outputs[place] {
                let at = if matches!(answer, Answer::Silence(_)) { self.now + CLIENT_TIMEOUT } else { at };
                if answer == Answer::Unreachable {
                    self.checkers.unspent(request.message);
                }
                self.network.answer(at, request, answer);
            }
        }
        self.go_out();
    }

    /// Webhooks that came out go on their way.
    fn go_out(&mut self) {
        for output in self.outputs.drain(..) {
            if let Output::Webhook { delivery, update, .. } = output {
                self.network.webhook(self.now, delivery, update);
            }
        }
    }

    /// What the engine's client makes of an answer, and a word for the trace.
    fn outcome_of(&mut self, request: Request, answer: Answer) -> (Outcome, u64) {
        match answer {
            Answer::Accepted(index) => {
                let due = self.due(request);
                self.latency.accepted.saturating_record(self.now.since(due).0);
                (Outcome::Accepted, u64::from(index.0) << 8)
            }
            Answer::Refused(code, _) => {
                self.checkers.failed(self.now, request.message, request.number, code);
                (Outcome::Refused { code, retry_after_seconds: 0 }, 1 | u64::from(code.raw()) << 8)
            }
            Answer::Silence(_) => self.unknown(request, 2),
            Answer::Reset => self.unknown(request, 3),
            Answer::Unreachable => (Outcome::NeverWritten, 4),
            Answer::Garbled(_) => self.unknown(request, 5),
        }
    }

    fn unknown(&mut self, request: Request, detail: u64) -> (Outcome, u64) {
        self.checkers.outcome_unknown(request.message);
        (Outcome::Unknown, detail)
    }

    /// When a message was due: the campaign's start, then one after the other at the number's throughput. Later than
    /// that is latency, whatever the reason: this is the open model, which does not forgive a sender that falls behind.
    fn due(&self, request: Request) -> Timestamp {
        let campaign = &self.setup.campaigns[usize::from(request.campaign)];
        let place = request.message.0 - self.disk.range(usize::from(request.campaign)).start;
        let throughput = u64::from(self.setup.senders[campaign.sender].throughput);
        START + campaign.start + Span::micros(u64::from(place) * 1_000_000 / throughput)
    }

    /// The wamid is known now: what waited for it is taken in.
    fn unpark(&mut self, index: MessageIndex) {
        if !self.parked.is_empty()
            && let Some(updates) = self.parked.remove(&index.0)
        {
            for update in updates {
                self.take_in(update);
            }
        }
    }

    /// Whether the engine knows the wamid of an attempt: from an answer that it read, or a status that echoed the data.
    fn knows_wamid(&self, message: MessageId, number: u8) -> bool {
        let mut attempts = self.disk.rows()[message.0 as usize].attempts();
        attempts.any(|(its, attempt)| {
            its == number
                && !matches!(attempt.phase(), Phase::Intended | Phase::Unknown | Phase::GivenUp | Phase::Unspent)
        })
    }

    fn webhook(&mut self, delivery: DeliveryId, update: Update) {
        let about = update.about.map_or(u64::MAX, |index| u64::from(index.0));
        self.trace.add(self.now.0, Kind::Webhook, about, detail_of(update.what));
        self.take_in(update);
        self.tell(Event::WebhookEnd { token: AckToken(delivery.0) });
    }

    /// Matches an update with its attempt and hands it in; parks it where the wamid is not known yet.
    fn take_in(&mut self, update: Update) {
        let Some(index) = update.about else { return };
        let Some(callback) = self.world.callback(index) else { return };
        let (message, number) = from_callback(callback);
        // A webhook's time is in whole seconds.
        let at = Timestamp::from_unix_seconds(update.at.unix_seconds());
        let status = match update.what {
            What::Sent => Status::Sent,
            What::Delivered => Status::Delivered,
            What::Read => Status::Read,
            What::Failed(code) => {
                self.checkers.failed(self.now, message, number, code);
                Status::Failed(code)
            }
            What::Reply | What::Stop | What::Says(_) => {
                if self.knows_wamid(message, number) {
                    self.tell(Event::Replied { message, number, at });
                } else {
                    self.parked.entry(index.0).or_default().push(update);
                }
                return;
            }
        };
        self.tell(Event::Status { message, number, status, at });
        self.unpark(index);
    }

    fn tell(&mut self, event: Event) {
        self.engine.handle(self.now, event, &mut self.commands);
        self.carry_out();
    }

    /// Carries out what the core wants done, in order, what comes of it included.
    fn carry_out(&mut self) {
        let mut next = 0;
        while let Some(command) = self.commands.get(next).copied() {
            next += 1;
            match command {
                Command::Merge(merge) => self.merge(&merge),
                Command::Send { message, number, campaign, .. } => {
                    let request = Request { message, number, campaign: campaign.0 };
                    self.network.post(self.now, request);
                    if self.plant_fires(Plant::SendTwice, true) {
                        self.network.post(self.now, request);
                    }
                }
                Command::Acknowledge { token } => self.network.acknowledge(self.now, DeliveryId(token.0)),
                Command::Load { .. } => {
                    self.disk.load(self.now, &command, &mut self.events);
                    self.hand_in();
                }
                Command::Sweep { .. } => {
                    self.disk.sweep(&command, &mut self.events);
                    self.hand_in();
                }
            }
        }
        self.commands.clear();
    }

    fn merge(&mut self, merge: &Merge) {
        let arrival = merge.fact == Fact::Delivered;
        if self.plant_fires(Plant::DropMerge, arrival) {
            return;
        }
        let mut merged = self.disk.merge(self.now, merge);
        if self.plant_fires(Plant::FlipTransition, arrival && merged.changed) {
            (merged.before, merged.after) = (State::Delivered, State::Sent);
        }
        self.merged(merged);
    }

    fn merged(&mut self, merged: Merged) {
        self.checkers.changed(&merged);
        if merged.before.is_in_progress() && !merged.after.is_in_progress() {
            let campaign = self.campaign_of(merged.message);
            self.settled[usize::from(campaign)] = self.now;
        }
        if merged.fact == Some(Fact::Delivered) && merged.changed {
            let campaign = self.campaign_of(merged.message);
            let due = self.due(Request { message: merged.message, number: merged.number, campaign });
            self.latency.delivered.saturating_record(self.now.since(due).0);
        }
        self.engine.handle(self.now, Event::Merged(merged), &mut self.commands);
    }

    fn hand_in(&mut self) {
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            match event {
                Event::Merged(merged) => self.merged(merged),
                other => self.engine.handle(self.now, other, &mut self.commands),
            }
        }
        self.events = events;
    }

    fn campaign_of(&self, message: MessageId) -> u16 {
        if self.setup.campaigns.len() == 1 {
            return 0;
        }
        let mut campaigns =
            (0..self.setup.campaigns.len()).filter(|place| self.disk.range(*place).contains(&message.0));
        campaigns.next().unwrap_or(0) as u16
    }

    /// Whether the planted bug, if it is this one, acts now.
    #[inline]
    fn plant_fires(&mut self, plant: Plant, chance: bool) -> bool {
        if self.setup.plant != Some(plant) || !chance {
            return false;
        }
        self.planted += 1;
        self.planted == 3
    }

    /// What became of every message, by WhatsApp's own account.
    pub fn truths(&self) -> Vec<Truth> {
        let mut truths = vec![Truth::default(); self.disk.rows().len()];
        for view in self.world.messages(MessageIndex(0)) {
            truths[from_callback(view.callback).0.0 as usize].add(&view);
        }
        truths
    }

    /// From a campaign's start until none of its messages was in progress any more; `None` if some still are.
    pub fn finished_after(&self, campaign: usize) -> Option<Span> {
        let open = self.engine.snapshot().campaigns[campaign].counts.in_progress();
        (open == 0).then(|| self.settled[campaign].since(START + self.setup.campaigns[campaign].start))
    }

    /// The engine's store.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// WhatsApp.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// What was watched on the way.
    pub fn checkers(&self) -> &Checkers {
        &self.checkers
    }

    /// The trace.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// How long things took.
    pub fn latency(&self) -> &Latency {
        &self.latency
    }

    /// POSTs that reached WhatsApp.
    pub fn attempts(&self) -> u64 {
        self.attempts
    }

    /// The time on the run's clock.
    pub fn now(&self) -> Timestamp {
        self.now
    }
}

/// An empty histogram of microseconds, for latencies of up to two weeks.
///
/// # Errors
/// Never: the bounds are constants that fit.
pub fn latency_histogram() -> Result<Histogram<u64>, String> {
    Histogram::new_with_bounds(1, GRACE.0 * 2, 3).map_err(|error| error.to_string())
}

/// The callback data of an attempt, as the model's handle on it.
fn callback(message: MessageId, number: u8) -> u64 {
    u64::from(message.0) << 8 | u64::from(number)
}

fn from_callback(callback: u64) -> (MessageId, u8) {
    (MessageId((callback >> 8) as u32), callback as u8)
}

fn detail_of(what: What) -> u64 {
    match what {
        What::Sent => 1,
        What::Delivered => 2,
        What::Read => 3,
        What::Failed(code) => 4 | u64::from(code.raw()) << 8,
        What::Reply => 5,
        What::Stop => 6,
        What::Says(_) => 7,
    }
}
