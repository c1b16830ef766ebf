//! The dispatcher of WhatsApp's side: POSTs, handsets and statuses, in virtual or real time. What becomes of the webhooks
//! that tell of them is in `telling`, and what is within limits in `limiting`.

mod acting;
mod arming;
mod limiting;
mod telling;

use crate::delivery::{Deliveries, Next};
use crate::fate::{What as Draw, fate};
use crate::faults::{self, End, Fault};
use crate::handset::{Handset, Known, Persona, Rule};
use crate::input::{DeliveryId, Form, HandsetId, Input, MessageIndex, NumberId, PortfolioId, Post};
use crate::output::{Answer, Output, Update, What, Why};
use crate::pair::Pairs;
use crate::portfolio::Portfolio;
use crate::spec::{Kind, LimitTold, Timing};
use crate::wheel::Wheel;
use cloud_api::catalogue::{CodeIndex, Mode};
use cloud_api::time::{Span, Timestamp};
use limiting::{Number, Within};
use std::collections::{BTreeMap, BTreeSet};

/// How far a message really came: the truth that no sender sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Stage {
    /// Taken, and nothing more yet.
    Accepted,
    /// On its way.
    Sent,
    /// Ended without arriving.
    Failed,
    /// On the handset.
    Delivered,
    /// Read, and the business was told.
    Read,
    /// Answered.
    Replied,
}

/// An accepted message: 40 bytes.
#[derive(Clone, Copy, Debug)]
struct Message {
    key: u64,
    callback: u64,
    at: Timestamp,
    handset: HandsetId,
    number: u8,
    stage: Stage,
    code: u8,
    marketing: bool,
    /// Whether it goes no further than on its way, and nothing is told of it but that: a reaction, or what a contact that had
    /// blocked the business will never get.
    only_sent: bool,
    /// Whether it fails since it goes beyond the messaging limit.
    beyond: bool,
}

const _: () = assert!(size_of::<Message>() <= 40);

/// An accepted message as others may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageView {
    /// Its place.
    pub index: MessageIndex,
    /// The key of its draws.
    pub key: u64,
    /// The caller's handle on its callback data.
    pub callback: u64,
    /// When it was accepted.
    pub at: Timestamp,
    /// To whom.
    pub handset: HandsetId,
    /// From where.
    pub number: NumberId,
    /// How far it came.
    pub stage: Stage,
    /// The error that it failed with.
    pub code: Option<CodeIndex>,
    /// Whether it is a marketing template.
    pub marketing: bool,
    /// Whether it can still arrive, if it has not.
    pub can_arrive: bool,
}

#[derive(Clone, Copy, Debug)]
enum Due {
    Send(u32),
    Fail(u32),
    Arrive(u32),
    Read(u32),
    Reply(u32),
    Deliver(DeliveryId),
}

const _: () = assert!(size_of::<Due>() <= 8);

/// What a world starts from.
#[derive(Clone, Debug)]
pub struct Config {
    /// What all chance hangs on.
    pub seed: u64,
    /// When it begins; windows of faults and absences of handsets count from here.
    pub start: Timestamp,
    /// How long handsets take.
    pub timing: Timing,
    /// Whether throughput is refused or only counted.
    pub limit_throughput: bool,
}

/// WhatsApp. One world is one tenant.
#[derive(Clone, Debug)]
pub struct World {
    config: Config,
    numbers: Vec<Number>,
    portfolios: Vec<Portfolio>,
    /// What each number may send to each contact; `None` where that is not limited.
    pairs: Option<Pairs>,
    handsets: Vec<Handset>,
    personas: Vec<Known>,
    messages: Vec<Message>,
    /// Messages that were cleared away; indices go on behind them.
    cleared: u32,
    /// Those that act on POSTs, on webhooks and on messaging limits: what is not armed costs nothing.
    post_faults: Vec<Fault>,
    webhook_faults: Vec<Fault>,
    tiers: Vec<Fault>,
    /// Those that act on how things are said, which is the shells' business.
    answer_faults: Vec<Fault>,
    dress_faults: Vec<Fault>,
    /// How long the last POST's answer is silent, where a fault says so.
    silence: Option<Span>,
    due: Wheel<Due>,
    coming: Vec<u64>,
    deliveries: Deliveries,
    /// How often a message was POSTed, where its handset's own slot holds another message's count.
    other_posts: BTreeMap<u64, u8>,
    /// Whether what is no template reaches a contact only inside its service window.
    windows: bool,
    /// How it is told that a message goes beyond the messaging limit.
    limit_told: LimitTold,
    /// Accepted messages that are held.
    held: BTreeSet<u32>,
    /// When contacts opted out.
    opted_out: BTreeMap<HandsetId, Timestamp>,
    /// What waits for telephones that were turned off by hand.
    waiting: BTreeMap<HandsetId, Vec<u32>>,
    now: Timestamp,
}

/// The world at a glance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Accepted since the last reset.
    pub messages: u32,
    /// Events that are still to come, webhooks to be sent again among them.
    pub due: usize,
    /// Webhooks that are not acknowledged.
    pub unacknowledged: usize,
}

impl World {
    /// A world in which nothing has happened.
    pub fn new(config: Config) -> Self {
        Self {
            now: config.start,
            config,
            numbers: Vec::new(),
            portfolios: vec![Portfolio::default()],
            pairs: None,
            handsets: Vec::new(),
            personas: vec![Known::default()],
            messages: Vec::new(),
            cleared: 0,
            post_faults: Vec::new(),
            webhook_faults: Vec::new(),
            tiers: Vec::new(),
            answer_faults: Vec::new(),
            dress_faults: Vec::new(),
            silence: None,
            due: Wheel::default(),
            coming: Vec::new(),
            deliveries: Deliveries::default(),
            other_posts: BTreeMap::new(),
            held: BTreeSet::new(),
            opted_out: BTreeMap::new(),
            waiting: BTreeMap::new(),
            windows: false,
            limit_told: LimitTold::default(),
        }
    }

    /// Registers a business number that WhatsApp allows `throughput` messages a second, in the portfolio of all those of
    /// which nothing is said.
    pub fn add_number(&mut self, throughput: u32) -> NumberId {
        self.add_number_in(throughput, PortfolioId::default())
    }

    /// Makes a kind of handset known, to be given to contacts.
    pub fn add_persona(&mut self, persona: Persona) -> u32 {
        let back_at = persona.away.map_or(Timestamp(0), |away| self.now.max(self.config.start) + away);
        self.personas.push(Known { persona, back_at });
        (self.personas.len() - 1) as u32
    }

    /// Makes a contact's telephone known; persona 0 is the plain one.
    pub fn add_handset(&mut self, persona: u32) -> HandsetId {
        self.handsets.push(Handset { persona, ..Handset::default() });
        HandsetId((self.handsets.len() - 1) as u32)
    }

    /// Gives a telephone another persona.
    pub fn set_persona(&mut self, handset: HandsetId, persona: u32) {
        self.handsets[handset.0 as usize].persona = persona;
    }

    /// The persona of a telephone.
    pub fn persona(&self, handset: HandsetId) -> &Persona {
        &self.personas[self.handsets[handset.0 as usize].persona as usize].persona
    }

    /// The seed and the timing.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Sets how long handsets take, in what is yet to be drawn.
    pub fn set_timing(&mut self, timing: Timing) {
        self.config.timing = timing;
    }

    /// When a contact opted out, by pressing STOP; `None` if it has not.
    pub fn opted_out_at(&self, handset: HandsetId) -> Option<Timestamp> {
        self.opted_out.get(&handset).copied()
    }

    /// Makes the world as new, but for numbers, portfolios and their limits, known telephones (all plain) and the numbering
    /// of messages. Its time begins anew, earlier than it was if need be.
    pub fn reset(&mut self, now: Timestamp) {
        self.cleared += self.messages.len() as u32;
        self.messages = Vec::new();
        self.disarm();
        self.due = Wheel::default();
        self.deliveries = Deliveries::default();
        self.other_posts.clear();
        self.personas.truncate(1);
        for handset in &mut self.handsets {
            *handset = Handset::default();
        }
        self.held.clear();
        self.opted_out.clear();
        self.waiting.clear();
        self.forget_use();
        self.config.start = now;
        self.now = now;
    }

    /// Takes in what happened, and adds to `out` what follows. Time that goes back is taken as standing still.
    pub fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        self.now = self.now.max(now);
        match input {
            Input::Post(post) => self.post(&post, out),
            Input::Answered { delivery, status: 200 } => self.deliveries.close(delivery),
            Input::Answered { delivery, .. } => self.unacknowledged(delivery, out),
            Input::Handset { handset, number, act } => self.act(handset, number, act, out),
            Input::Force { message, turn } => self.force(message, turn, out),
            Input::Repeat(update) => {
                let delivery = self.deliveries.open(self.now, update);
                self.send(delivery, update, 0, out);
            }
            Input::Decide { message, fails } => self.decide(message, fails),
            Input::Notify { number, words } => {
                let (handset, what, at) = (HandsetId::NOBODY, What::Notice(words), self.now);
                let update = Update { about: None, handset, number, what, at, echoes: true, forged: false };
                self.report(update, out);
            }
            Input::Tick => {}
        }
        while let Some((_, due)) = self.due.pop(self.now) {
            if !self.due.coming().is_empty() {
                self.fetch();
            }
            self.happen(due, out);
        }
    }

    /// A webhook was not acknowledged: it goes out again, for as long as the ladder says.
    fn unacknowledged(&mut self, delivery: DeliveryId, out: &mut Vec<Output>) {
        let Some((update, _)) = self.deliveries.get(delivery) else { return };
        if update.forged {
            // Who forges a webhook does not try again.
            return self.deliveries.close(delivery);
        }
        match self.deliveries.failed(self.now, self.config.seed, self.key_of(&update), delivery) {
            Next::Done => out.push(Output::Dropped { update, delivery: Some(delivery) }),
            Next::Again(at) => self.due.push(at, Due::Deliver(delivery)),
        }
    }

    /// Has the processor fetch the messages that something happens to soon, all at once: one after the other, when their time
    /// has come, each would be waited for. Messages are read and answered in no order that a processor could guess.
    #[inline]
    fn fetch(&mut self) {
        let messages = &self.messages;
        let about = self.due.coming().drain(..).filter_map(|due| match due {
            Due::Send(place) | Due::Fail(place) | Due::Arrive(place) | Due::Read(place) | Due::Reply(place) => {
                messages.get(place as usize)
            }
            Due::Deliver(_) => None,
        });
        self.coming.clear();
        self.coming.extend(about.map(|message| message.callback));
    }

    /// The callers' handles on the callback data of messages to which something happens soon, for whoever wants to fetch what
    /// is kept of them elsewhere. Each is given once; empty most times.
    #[inline]
    pub fn coming(&mut self) -> &mut Vec<u64> {
        &mut self.coming
    }

    /// When something is due, if nothing is handed in before.
    #[inline]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.due.next()
    }

    /// The whole of it at a glance.
    pub fn snapshot(&self) -> Status {
        Status { messages: self.messages.len() as u32, due: self.due.len(), unacknowledged: self.deliveries.len() }
    }

    /// An accepted message; `None` if there is none, or if it was cleared away.
    pub fn message(&self, index: MessageIndex) -> Option<MessageView> {
        let message = self.messages.get(index.0.checked_sub(self.cleared)? as usize)?;
        Some(MessageView {
            index,
            key: message.key,
            callback: message.callback,
            at: message.at,
            handset: message.handset,
            number: NumberId(u16::from(message.number)),
            stage: message.stage,
            code: CodeIndex::from_raw(message.code),
            marketing: message.marketing,
            can_arrive: message.code == 0 && !message.only_sent,
        })
    }

    /// Whether an accepted message fails since it goes beyond the messaging limit.
    #[inline]
    pub fn is_beyond_limit(&self, index: MessageIndex) -> bool {
        let place = index.0.checked_sub(self.cleared);
        place.and_then(|place| self.messages.get(place as usize)).is_some_and(|message| message.beyond)
    }

    /// The caller's handle on the callback data of an accepted message.
    #[inline]
    pub fn callback(&self, index: MessageIndex) -> Option<u64> {
        Some(self.messages.get(index.0.checked_sub(self.cleared)? as usize)?.callback)
    }

    /// Every accepted message, oldest first, from `from` on.
    pub fn messages(&self, from: MessageIndex) -> impl Iterator<Item = MessageView> {
        let first = from.0.max(self.cleared);
        (first..self.cleared + self.messages.len() as u32).filter_map(|index| self.message(MessageIndex(index)))
    }

    /// Which POST of its message this is, from 0. Nobody asks unless something hangs on it.
    fn nth(&mut self, post: &Post) -> u8 {
        let handset = &mut self.handsets[post.handset.0 as usize];
        if handset.posts == 0 || handset.key == post.key {
            handset.key = post.key;
            handset.posts = handset.posts.saturating_add(1);
            return handset.posts - 1;
        }
        let posts = self.other_posts.entry(post.key).or_default();
        *posts = posts.saturating_add(1);
        *posts - 1
    }

    fn post(&mut self, post: &Post, out: &mut Vec<Output>) {
        let (now, seed) = (self.now, self.config.seed);
        let rule = self.persona(post.handset).rule;
        let counted = !self.post_faults.is_empty() || rule != Rule::Accept;
        let nth = if counted { self.nth(post) } else { 0 };
        let fault = if self.post_faults.is_empty() {
            faults::OnPost::default()
        } else {
            faults::on_post(&mut self.post_faults, now, seed, post, nth)
        };
        let draw = fate(seed, post.key ^ u64::from(nth), Draw::Answer);
        let at = now + self.config.timing.answer_after.draw(draw) + fault.delay;
        self.silence = fault.silence;
        let mut later = fault.later;
        let refused = match fault.end {
            Some(End::Error(code, place)) => Some(Answer::Refused(code, Why::Fault(place))),
            Some(End::Unreachable) => Some(Answer::Unreachable),
            Some(End::Reset { accepted: false }) => Some(Answer::Reset),
            Some(End::Garbled { accepted: false, form }) => Some(Answer::Garbled(form)),
            Some(End::Reset { accepted: true } | End::Garbled { accepted: true, .. } | End::Silence) | None => {
                match rule {
                    Rule::Once(code) if nth == 0 => Some(Answer::Refused(code, Why::Magic)),
                    Rule::TwoOfThree(code) if nth % 3 != 2 => Some(Answer::Refused(code, Why::Magic)),
                    Rule::Always(code) if code.entry().mode != Mode::Webhook => Some(Answer::Refused(code, Why::Magic)),
                    Rule::Always(code) => {
                        later = later.or(Some(code));
                        None
                    }
                    Rule::Accept | Rule::Once(_) | Rule::TwoOfThree(_) | Rule::Silence => None,
                }
            }
        };
        let answer = refused.unwrap_or_else(|| {
            let beyond = match self.within_limits(post, fault.rate) {
                Within::All => None,
                Within::Taken(code) => Some(code),
                Within::Not(code, why) => return Answer::Refused(code, why),
            };
            // What goes beyond the messaging limit fails by that, whatever else would have become of it.
            let index = self.accept(post, beyond.or(later), now + fault.taken_after);
            if beyond.is_some()
                && let Some(message) = self.messages.last_mut()
            {
                message.beyond = true;
            }
            match fault.end {
                Some(End::Silence) => Answer::Silence(index),
                Some(End::Reset { .. }) => Answer::Reset,
                Some(End::Garbled { form, .. }) => Answer::Garbled(form),
                _ if rule == Rule::Silence => Answer::Silence(index),
                _ => Answer::Accepted(index),
            }
        });
        out.push(Output::Reply { request: post.request, at, answer });
    }

    /// Takes a message, `at` now or later: so late that nobody waits for the answer any more.
    fn accept(&mut self, post: &Post, later: Option<CodeIndex>, at: Timestamp) -> MessageIndex {
        let place = self.messages.len() as u32;
        let handset = self.handsets[post.handset.0 as usize];
        let Known { persona, back_at } = &self.personas[handset.persona as usize];
        let code = later.or(post.fails);
        let code = code.or_else(|| persona.refuses(at, *back_at, post.marketing, handset.opted_out));
        let code = code.or_else(|| self.outside_window(post, persona.always_open));
        self.messages.push(Message {
            key: post.key,
            callback: post.callback,
            at,
            handset: post.handset,
            number: post.number.0 as u8,
            stage: Stage::Accepted,
            code: code.map_or(0, CodeIndex::raw),
            marketing: post.marketing,
            only_sent: post.form == Form::Reaction,
            beyond: false,
        });
        if post.held {
            self.held.insert(place);
        } else {
            self.set_out(place);
        }
        MessageIndex(self.cleared + place)
    }

    /// An accepted message goes its way: it is sent, or fails.
    #[inline]
    fn set_out(&mut self, place: u32) {
        let (seed, timing) = (self.config.seed, &self.config.timing);
        let Message { key, code, at, .. } = self.messages[place as usize];
        let from = self.now.max(at);
        if code != 0 {
            self.due.push(from + timing.failed_after.draw(fate(seed, key, Draw::Failed)), Due::Fail(place));
        } else {
            self.due.push(from + timing.sent_after.draw(fate(seed, key, Draw::Sent)), Due::Send(place));
        }
    }

    fn decide(&mut self, message: MessageIndex, fails: Option<CodeIndex>) {
        let Some(place) = message.0.checked_sub(self.cleared) else { return };
        if self.held.remove(&place) {
            if let Some(code) = fails {
                self.messages[place as usize].code = code.raw();
            }
            self.set_out(place);
        }
    }

    fn happen(&mut self, due: Due, out: &mut Vec<Output>) {
        let (now, seed) = (self.now, self.config.seed);
        let timing = &self.config.timing;
        match due {
            Due::Deliver(delivery) => {
                if let Some((update, tried)) = self.deliveries.get(delivery) {
                    self.send(delivery, update, tried, out);
                }
            }
            Due::Fail(place) => {
                let message = &mut self.messages[place as usize];
                if message.stage != Stage::Accepted {
                    return;
                }
                message.stage = Stage::Failed;
                let code = CodeIndex::from_raw(message.code).unwrap_or(CodeIndex::UNLISTED);
                self.tell(place, What::Failed(code), false, out);
            }
            // What was done by hand meanwhile is not done again.
            Due::Send(place) if self.messages[place as usize].stage == Stage::Accepted => {
                let message = &mut self.messages[place as usize];
                message.stage = Stage::Sent;
                let handset = self.handsets[message.handset.0 as usize];
                let known = &self.personas[handset.persona as usize];
                if handset.off && !message.only_sent {
                    self.waiting.entry(message.handset).or_default().push(place);
                } else if !handset.blocked
                    && !message.only_sent
                    && let Some(at) = known.persona.arrives(now, known.back_at, seed, message.key, timing)
                {
                    self.due.push(at, Due::Arrive(place));
                } else {
                    message.only_sent = true;
                }
                self.tell(place, What::Sent, false, out);
            }
            Due::Arrive(place) if self.messages[place as usize].stage == Stage::Sent => {
                let contact = self.messages[place as usize].handset;
                let handset = self.handsets[contact.0 as usize];
                if handset.off {
                    self.waiting.entry(contact).or_default().push(place);
                } else if !handset.blocked {
                    self.arrive(place, out);
                } else {
                    self.messages[place as usize].only_sent = true;
                }
            }
            Due::Read(place) if self.messages[place as usize].stage == Stage::Delivered => {
                self.messages[place as usize].stage = Stage::Read;
                self.tell(place, What::Read, false, out);
            }
            Due::Send(_) | Due::Arrive(_) | Due::Read(_) => {}
            Due::Reply(place) => {
                let message = &mut self.messages[place as usize];
                if message.stage == Stage::Failed {
                    return;
                }
                message.stage = Stage::Replied;
                let (contact, number) = (message.handset, NumberId(u16::from(message.number)));
                let handset = &mut self.handsets[contact.0 as usize];
                let stops = self.personas[handset.persona as usize].persona.kind == Kind::OptsOut;
                let opts_out = stops && !handset.opted_out;
                if opts_out {
                    handset.opted_out = true;
                    self.opted_out.insert(contact, now);
                }
                self.hear(contact, number);
                self.tell(place, if stops { What::Stop } else { What::Reply }, false, out);
                if opts_out {
                    out.push(Output::OptedOut { handset: contact, number });
                }
            }
        }
    }
}
