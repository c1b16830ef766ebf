//! The event loop of the model level: two pure cores, a network and a disk between them, one clock that jumps.
//!
//! At one instant arrivals come first, then WhatsApp's own events, then the disk, then what happens to the engine from
//! outside, then the engine's timers. Nothing here decides anything: what is decided is in the cores, and what is judged is
//! in the checkers. The engine's side is in `run/engine.rs`.

mod engine;
mod notes;

use super::disk::Disk;
use super::life::Life;
use super::mishaps::{DiskFaults, Mishap, commits_matter, timeline};
use super::network::{Arrival, Network, Request};
use super::setup::{Plant, Setup};
use super::trace::{Kind, Trace};
use crate::checkers::truth::Truth;
use crate::checkers::{Checkers, Wire};
use crate::contacts::Quota;
use crate::story::{Moment, Story};
use cloud_api::time::{Span, Timestamp};
use engine_core::Engine;
use engine_core::campaign::{Counts, State as CampaignState};
use engine_core::command::Command;
use engine_core::engine::Status;
use engine_core::event::Event;
use engine_core::id::{GroupId, MessageId};
use engine_core::message::Decision;
use engine_core::quiet::Zones;
use engine_core::rules::Marks;
use hdrhistogram::Histogram;
use mock_whatsapp_model::fate::message_key;
use mock_whatsapp_model::faults::Fault;
use mock_whatsapp_model::handset::Persona;
use mock_whatsapp_model::input::{DeliveryId, Form, HandsetId, Input, MessageIndex, NumberId, PortfolioId, Post};
use mock_whatsapp_model::output::{Answer, Output, What};
use mock_whatsapp_model::spec::MessagingLimit;
use mock_whatsapp_model::world::{Config, World};

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
    world: World,
    disk: Disk<'a>,
    network: Network,
    trace: Trace,
    checkers: Checkers,
    story: Story,
    latency: Latency,
    attempts: u64,
    commands: Vec<Command>,
    outputs: Vec<Output>,
    events: Vec<Event>,
    /// How often what the plant acts on has come by.
    planted: u64,
    /// When a message of each campaign last came out of being in progress.
    settled: Vec<Timestamp>,
    zones: Zones,
    /// The engine, but while it is down.
    life: Option<Life>,
    lives: u16,
    /// When it is started, where it is down.
    starts: Timestamp,
    /// How long it will be down if it dies once more before it wrote anything.
    patience: Span,
    /// An engine that sleeps, and what waits for it.
    sleeper: Option<(Life, Vec<Event>)>,
    /// When it wakes up, and when another takes its place.
    wakes: Timestamp,
    /// The rules that lives before this one reached.
    marks: Marks,
    mishaps: Vec<(Timestamp, Mishap)>,
    next_mishap: usize,
    /// Copies of the store, by the place of their fault.
    backups: Vec<(usize, Disk<'a>)>,
    disk_faults: DiskFaults,
    /// Whether commits take time, and so can be lost.
    commits: bool,
    /// How far the clock of the engine's machine is off, in microseconds.
    skew: i64,
    /// The last act of an operator that the engine was told of, by campaign.
    acts: Vec<Option<usize>>,
    /// What operators did while the engine was down.
    waiting: Vec<usize>,
    /// The engine at a glance, as of the last note of a story.
    status: Status,
    /// What is being decided of messages: for stories.
    deciding: Decision,
    /// The minute of the last look, and when the next one begins.
    minute: u32,
    next_minute: Timestamp,
}

/// The ends of things that are not faults of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing is left to happen that the engine waits for.
    Quiet,
    /// The bound on a run's length was reached while the engine still had something to do.
    TimedOut,
}

impl<'a> Run<'a> {
    /// Sets the scene: nothing has happened yet. `story` is told what happens to the messages that it is about.
    ///
    /// # Errors
    /// If a fault is of a kind that this level does not carry out: its name.
    pub fn new(setup: &'a Setup, story: Story) -> Result<Self, String> {
        let timing = setup.timing.clone();
        let mut world = World::new(Config { seed: setup.seed, start: START, timing, limit_throughput: true });
        world.limit_pairs(true);
        for place in 0..setup.portfolios.len() {
            let limit = setup.limit_of(place);
            if place == 0 {
                world.set_messaging_limit(PortfolioId(0), limit);
            } else {
                world.add_portfolio(limit);
            }
        }
        for sender in &setup.senders {
            world.add_number_in(sender.throughput, PortfolioId(sender.portfolio as u16));
        }
        let mut faults = Vec::new();
        for spec in setup.faults.iter().filter(|spec| Fault::is_whatsapps(spec.kind)) {
            let number =
                spec.sender.as_ref().and_then(|name| setup.senders.iter().position(|sender| sender.name == *name));
            let number = number.map(|place| NumberId(place as u16));
            faults.push(Fault::arm(spec, START, number).map_err(|kind| kind.name().to_owned())?);
        }
        world.set_faults(faults);
        let persona = |quota: &Quota| Persona { kind: quota.kind, away: quota.away, ..Persona::default() };
        let personas: Vec<u32> =
            setup.contacts.quotas().iter().map(|quota| world.add_persona(persona(quota))).collect();
        for place in 0..setup.contacts.len() {
            let meant = setup.contacts.meaning(place).map(|persona| world.add_persona(persona));
            let usual = || setup.contacts.group(place).map_or(0, |group| personas[group]);
            world.add_handset(meant.unwrap_or_else(usual));
        }
        let zones = setup.zones.clone();
        let mut run = Self {
            setup,
            now: START,
            world,
            disk: Disk::new(setup, zones.clone()),
            network: Network::default(),
            trace: Trace::default(),
            checkers: Checkers::of(setup, START),
            story,
            latency: Latency { accepted: latency_histogram()?, delivered: latency_histogram()? },
            attempts: 0,
            commands: Vec::new(),
            outputs: Vec::new(),
            events: Vec::new(),
            planted: 0,
            settled: vec![START; setup.campaigns.len()],
            zones,
            life: None,
            lives: 0,
            starts: START,
            patience: engine::RESTART,
            sleeper: None,
            wakes: Timestamp::NEVER,
            marks: Marks::default(),
            mishaps: timeline(setup, START),
            next_mishap: 0,
            backups: Vec::new(),
            disk_faults: DiskFaults::of(setup, START),
            commits: commits_matter(setup),
            skew: 0,
            acts: vec![None; setup.campaigns.len()],
            waiting: Vec::new(),
            status: Status::default(),
            deciding: Decision::Recovered,
            minute: 0,
            next_minute: START + Span::mins(1),
        };
        run.start_engine();
        Ok(run)
    }

    /// Runs until nothing is left to happen. `progress` is told the time and how many messages are in progress now and then.
    pub fn finish(&mut self, mut progress: impl FnMut(Span, u32)) -> End {
        let last = self.setup.campaigns.iter().map(|campaign| campaign.start).max().unwrap_or(Span::ZERO);
        let end = START + last + engine_core::limits::DEADLINE + GRACE;
        let mut told = 0;
        loop {
            let arrival = self.network.next();
            let world = self.world.next_deadline().unwrap_or(Timestamp::NEVER);
            let (timer, commit) = match &self.life {
                Some(life) => (life.wakes(), life.commit.as_ref().map_or(Timestamp::NEVER, |commit| commit.done)),
                None => (self.starts, Timestamp::NEVER),
            };
            let mishap = self.mishaps.get(self.next_mishap).map_or(Timestamp::NEVER, |(at, _)| *at).min(self.wakes);
            let next = arrival.min(world).min(timer).min(commit).min(mishap);
            if next == Timestamp::NEVER {
                return End::Quiet;
            }
            if next > end {
                // What WhatsApp still has to say, after an outage without end, is its own.
                let engines = timer.min(commit);
                return if engines == Timestamp::NEVER { End::Quiet } else { End::TimedOut };
            }
            self.now = self.now.max(next);
            if self.now >= self.next_minute {
                self.look();
            }
            if arrival == next {
                if let Some(arrival) = self.network.pop(next) {
                    self.arrive(arrival);
                }
            } else if world == next {
                self.trace.add(self.now.0, Kind::WorldTimer, 0, 0);
                self.world.handle(self.now, Input::Tick, &mut self.outputs);
                if !self.world.coming().is_empty() {
                    self.fetch();
                }
                self.go_out();
            } else if commit == next {
                self.commit_done();
            } else if mishap == next {
                self.happen();
            } else if self.life.is_some() {
                self.trace.add(self.now.0, Kind::EngineTimer, 0, 0);
                self.tell(Event::Tick);
            } else {
                self.start_engine();
            }
            if self.trace.events() >= told + PROGRESS_EVERY {
                told = self.trace.events();
                progress(self.now.since(START), self.in_progress());
            }
        }
    }

    /// Has the processor fetch what is kept of messages that webhooks will be about soon, all at once: a run waits for its
    /// memory more than for anything else.
    fn fetch(&mut self) {
        let (checkers, rows) = (&self.checkers, self.disk.rows());
        let about = self.world.coming().drain(..).map(|callback| from_callback(callback).0.0);
        let touched = about.fold(0, |sum, message| sum ^ checkers.posts(message) ^ rows[message as usize].posts());
        std::hint::black_box(touched);
    }

    /// A new virtual minute has begun: the state of the trace is kept, and the checkers look at the engine.
    fn look(&mut self) {
        self.trace.checkpoint(self.minute);
        self.minute = (self.now.since(START).as_secs() / 60) as u32;
        self.next_minute = START + Span::mins(u64::from(self.minute) + 1);
        if let Some(life) = &self.life {
            self.checkers.looked(self.now, &life.engine.snapshot(), life.gate.backlog());
        }
    }

    fn arrive(&mut self, arrival: Arrival) {
        let now = self.now;
        match arrival {
            Arrival::Post(request) => {
                self.trace.add(now.0, Kind::Post, u64::from(request.message.0), u64::from(request.number));
                self.attempts += 1;
                let post = self.post_of(request);
                self.world.handle(now, Input::Post(post), &mut self.outputs);
                self.answer(request);
            }
            Arrival::Answer(request, answer) => self.answered(request, answer),
            Arrival::Webhook(delivery, update) => self.webhook(delivery, update),
            Arrival::Acknowledged(delivery) => {
                self.trace.add(now.0, Kind::Acknowledged, u64::from(delivery.0), 200);
                self.world.handle(now, Input::Answered { delivery, status: 200 }, &mut self.outputs);
                self.go_out();
            }
        }
    }

    /// What the checkers must know of a POST.
    fn wire(&self, request: Request) -> Wire {
        let part = &self.setup.parts[usize::from(request.part)];
        let Request { message, number, contact, .. } = request;
        Wire { message, number, contact, sender: part.sender as u16, campaign: part.campaign as u16 }
    }

    fn post_of(&self, request: Request) -> Post {
        let part = &self.setup.parts[usize::from(request.part)];
        let campaign = &self.setup.campaigns[part.campaign];
        let message = request.message.0 - campaign.first;
        let (contacts, contact) = (&self.setup.contacts, request.contact);
        let content = campaign.contents[contacts.wording(part.campaign, message)];
        let sender = &self.setup.senders[part.sender];
        Post {
            request: 0,
            number: NumberId(part.sender as u16),
            handset: HandsetId(contact),
            key: message_key(contacts.wa_id(contact), sender.phone_number_id, content),
            callback: callback(request.message, request.number),
            template: campaign.template,
            marketing: campaign.marketing,
            form: Form::Template,
            held: false,
            fails: None,
        }
    }

    /// WhatsApp's answer to the POST that was just handed in goes on its way, and so does what else came out.
    fn answer(&mut self, request: Request) {
        let (message, number) = (request.message, request.number);
        for place in 0..self.outputs.len() {
            if let Output::Reply { at, answer, .. } = self.outputs[place] {
                let gives_up = self.now + CLIENT_TIMEOUT;
                // An answer that comes after its time reaches nobody.
                let (at, answer) = match answer {
                    Answer::Accepted(index) if at > gives_up => (gives_up, Answer::Silence(index)),
                    Answer::Silence(_) => (gives_up, answer),
                    Answer::Refused(..) if at > gives_up => (gives_up, Answer::Reset),
                    _ => (at.min(gives_up), answer),
                };
                let wire = self.wire(request);
                self.checkers.arrived(self.now, &wire, &answer);
                self.story.note(self.now, Some(message.0), Moment::PostArrived { number, answer });
                self.network.answer(at, request, answer);
            }
        }
        self.go_out();
    }

    /// Webhooks that came out go on their way.
    fn go_out(&mut self) {
        for place in 0..self.outputs.len() {
            match self.outputs[place] {
                Output::Webhook { delivery, update, sent_before } => {
                    let about =
                        update.about.and_then(|index| self.world.callback(index)).map(|data| from_callback(data).0.0);
                    let left = Moment::WebhookLeft { delivery: delivery.0, what: update.what, sent_before };
                    self.story.note(self.now, about, left);
                    if about.is_some() && sent_before == 0 && !update.forged {
                        let acts = match update.what {
                            What::Read | What::Reply | What::Stop => Some(Moment::HandsetActs { what: update.what }),
                            _ => None,
                        };
                        if let Some(acts) = acts {
                            self.story.note(self.now, about, acts);
                        }
                    }
                    self.network.webhook(self.now, delivery, update);
                }
                Output::Dropped { update, .. } => {
                    let about =
                        update.about.and_then(|index| self.world.callback(index)).map(|data| from_callback(data).0);
                    if let Some(message) = about {
                        self.checkers.lost(self.now, message);
                        self.story.note(self.now, Some(message.0), Moment::WebhookLost { what: update.what });
                    }
                }
                Output::Reply { .. } | Output::OptedOut { .. } => {}
            }
        }
        self.outputs.clear();
    }

    /// When a message was due: the campaign's start, then one after the other at the number's throughput. Later than
    /// that is latency, whatever the reason: this is the open model, which does not forgive a sender that falls behind.
    fn due(&self, message: MessageId) -> Timestamp {
        let part = &self.setup.parts[self.setup.part_of(message.0)];
        let campaign = &self.setup.campaigns[part.campaign];
        let throughput = u64::from(self.setup.senders[part.sender].throughput);
        START + campaign.start + Span::micros(u64::from(message.0 - part.first) * 1_000_000 / throughput)
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

    fn in_progress(&self) -> u32 {
        let Some(life) = &self.life else { return 0 };
        life.engine.snapshot().campaigns.iter().map(|campaign| campaign.counts.in_progress()).sum()
    }

    /// What WhatsApp allows each portfolio now.
    fn limits(&self) -> Vec<MessagingLimit> {
        let portfolios = 0..self.setup.portfolios.len();
        portfolios.map(|place| self.world.limit_of(PortfolioId(place as u16), self.now)).collect()
    }

    /// What became of every message, by WhatsApp's own account.
    pub fn truths(&self) -> Vec<Truth> {
        let mut truths = vec![Truth::default(); self.disk.rows().len()];
        for view in self.world.messages(MessageIndex(0)) {
            truths[from_callback(view.callback).0.0 as usize].add(&view);
        }
        truths
    }

    /// A campaign's state and counts, as the engine says: `None` while it is down.
    pub fn campaign(&self, place: usize) -> Option<(CampaignState, Counts)> {
        self.life.as_ref()?.engine.group(GroupId(place as u16))
    }

    /// From a campaign's start until none of its messages was in progress any more; `None` if some still are.
    pub fn finished_after(&self, campaign: usize) -> Option<Span> {
        let (_, counts) = self.campaign(campaign)?;
        let start = START + self.setup.campaigns[campaign].start;
        (counts.in_progress() == 0).then(|| self.settled[campaign].since(start))
    }

    /// The engine's store.
    pub fn disk(&self) -> &Disk<'a> {
        &self.disk
    }

    /// The engine, unless it is down.
    pub fn engine(&self) -> Option<&Engine> {
        self.life.as_ref().map(|life| &life.engine)
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

    /// The rules of the promise that were reached.
    pub fn marks(&self) -> Marks {
        let now = self.life.as_ref().map_or(0, |life| life.engine.marks().0);
        Marks(self.marks.0 | now)
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

    /// What was told of the messages that the story is about.
    pub fn into_story(self) -> Story {
        self.story
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
        What::Notice(_) => 8,
    }
}

/// The delivery that an acknowledgement's token stands for.
fn delivery_of(token: u32) -> DeliveryId {
    DeliveryId(token)
}
