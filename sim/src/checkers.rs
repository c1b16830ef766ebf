//! The checkers: one promise of the states page a file. They watch what crosses the wire and what handsets received, never
//! the engine's opinion of itself, and compare that opinion with the truth at the end.
//!
//! What several of them need to know of a message is kept once, in [`seen::Seen`]. What a scenario does not arm costs
//! nothing: [`scene::Scene`] decides it when a run begins.

pub mod attempts;
pub mod belief;
pub mod bounded;
pub mod breaker;
pub mod campaign;
pub mod conservation;
pub mod deadline;
pub mod duplicates;
pub mod durable;
mod findings;
pub mod halts;
pub mod held;
pub mod liveness;
pub mod messaging_limit;
pub mod metamorphic;
mod names;
pub mod opt_out;
pub mod pairs;
mod parked;
pub mod paused;
pub mod priority;
pub mod quiet;
pub mod reasons;
pub mod receipts;
pub mod reported;
pub mod resend;
pub mod scene;
pub mod seen;
pub mod silence;
pub mod spacing;
mod starting;
pub mod throughput;
pub mod transitions;
pub mod truth;
pub mod verdict;
pub mod work;

pub use findings::Findings;
pub use names::NAMES;

use crate::model::setup::Setup;
use crate::scenario::Act;
use belief::Over;
use cloud_api::catalogue::{Class, CodeIndex};
use cloud_api::time::{Span, Timestamp};
use engine_core::attempt::{Fact, Phase};
use engine_core::engine::Status;
use engine_core::event::{Answer, Merged};
use engine_core::id::MessageId;
use mock_whatsapp_model::output::{Answer as True, Update, What, Why};
use parked::Parked;
use scene::Scene;
use seen::{Arrival, Known, Seen, Word, flag, hundredths, moment};
use std::collections::{BTreeMap, BTreeSet};

/// One POST as it crosses the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// Of which message.
    pub message: MessageId,
    /// Which attempt.
    pub number: u8,
    /// The place of the contact's handset.
    pub contact: u32,
    /// The sender's place in the scenario.
    pub sender: u16,
    /// The campaign's place in the scenario.
    pub campaign: u16,
}

/// All checkers of a run. Whoever runs the events calls, at each step, the method of that name.
#[derive(Debug)]
pub struct Checkers {
    pub(crate) scene: Scene,
    pub(crate) seen: Vec<Seen>,
    channels: Vec<silence::Channel>,
    pub(crate) holds: held::Holds,
    crashed: Option<Timestamp>,
    started: Option<Timestamp>,
    operated_at: Timestamp,
    /// Messages whose errors asked for more time than their class does.
    not_before: BTreeMap<u32, Timestamp>,
    /// What names its attempt by a wamid that the engine does not know, by message and attempt, in the order of its coming.
    parked: BTreeMap<(u32, u8), Vec<Parked>>,
    /// Campaigns whose deadline's sweep was seen to begin.
    swept: BTreeSet<usize>,
    pub(crate) attempts: Findings,
    pub(crate) spacing: Findings,
    pub(crate) transitions: Findings,
    pub(crate) resend: Findings,
    pub(crate) pairs: Findings,
    pub(crate) deadline: Findings,
    pub(crate) quiet: Findings,
    pub(crate) throughput: throughput::Throughput,
    pub(crate) limit: messaging_limit::MessagingLimit,
    pub(crate) opt_outs: opt_out::OptOuts,
    pub(crate) paused: paused::Paused,
    pub(crate) breaker: breaker::Breaker,
    pub(crate) halts: halts::Halts,
    pub(crate) durable: durable::Durable,
    pub(crate) priority: priority::Priority,
    pub(crate) work: work::Work,
    pub(crate) looks: bounded::Looks,
    phones: Vec<u64>,
}

impl Checkers {
    /// For a run of this setup that begins at `start`.
    pub fn of(setup: &Setup, start: Timestamp) -> Self {
        let scene = Scene::of(setup, start);
        let phones = if scene.arms.quiet {
            (0..scene.contacts).map(|at| setup.contacts.phone(at)).collect()
        } else {
            Vec::new()
        };
        Self { phones, ..Self::watching(scene) }
    }

    /// The same, of what is known of a scenario.
    pub(crate) fn watching(scene: Scene) -> Self {
        let messages = scene.campaigns.last().map_or(0, |last| last.end as usize);
        let mut channels = vec![silence::Channel::new(scene.start); scene.senders.len()];
        for (place, channel) in channels.iter_mut().enumerate() {
            let own = scene.parts.iter().filter(|part| usize::from(part.sender) == place);
            channel.has(own.map(|part| part.end - part.first).sum(), 0);
        }
        Self {
            seen: vec![Seen::default(); messages],
            channels,
            holds: held::Holds::new(&scene),
            crashed: None,
            started: None,
            operated_at: scene.start,
            not_before: BTreeMap::new(),
            parked: BTreeMap::new(),
            swept: BTreeSet::new(),
            attempts: Findings::default(),
            spacing: Findings::default(),
            transitions: Findings::default(),
            resend: Findings::default(),
            pairs: Findings::default(),
            deadline: Findings::default(),
            quiet: Findings::default(),
            throughput: throughput::Throughput::new(&scene),
            limit: messaging_limit::MessagingLimit::new(&scene),
            opt_outs: opt_out::OptOuts::new(
                if scene.arms.opt_outs { scene.contacts } else { 0 },
                scene.campaigns.iter().map(|campaign| campaign.deadline).min().unwrap_or(Timestamp::NEVER),
            ),
            paused: paused::Paused::new(scene.campaigns.len()),
            breaker: breaker::Breaker::new(&scene),
            halts: halts::Halts::new(&scene),
            durable: durable::Durable::default(),
            priority: priority::Priority::new(&scene),
            work: work::Work::new(&scene),
            looks: bounded::Looks::default(),
            phones: Vec::new(),
            scene,
        }
    }

    /// The intent of an attempt is durable.
    #[inline]
    pub fn intended(&mut self, now: Timestamp, wire: &Wire) {
        let (message, sender, campaign) = (wire.message.0, wire.sender, usize::from(wire.campaign));
        let scene = &self.scene;
        let elapsed = hundredths(now.since(scene.start));
        let seen = &mut self.seen[message as usize];
        if seen.intents > 0 {
            let channel = &self.channels[usize::from(sender)];
            resend::judge(scene, now, message, seen, channel, self.crashed, &mut self.resend);
            spacing::judge(scene, now, message, seen, self.not_before.get(&message).copied(), &mut self.spacing);
            let blind = seen
                .newest()
                .is_some_and(|slot| matches!(slot.known, Known::Unknown | Known::GivenUp | Known::UnderWay));
            seen.flags |= if blind { flag::BLIND } else { 0 };
            let arrived = seen.arrival > Arrival::None || seen.newest().is_some_and(|slot| slot.known == Known::Sent);
            if arrived && seen.has(flag::UNKNOWN) && scene.crosses(now, moment(scene.start, seen.since)) {
                // Claimed before the evidence came, and durable after it.
                seen.flags |= flag::BLIND | flag::LATE;
            }
        }
        let fits = seen.intend(elapsed, wire.number);
        attempts::intended(fits, message, &mut self.attempts);
        deadline::intended(scene, now, message, campaign, &mut self.deadline);
        if scene.arms.opt_outs {
            self.opt_outs.intended(now, message, wire.contact);
        }
        if scene.arms.operators {
            self.paused.intended(scene, now, message, campaign);
        }
        if scene.arms.limits {
            self.limit.intended(scene, now, message, sender);
        }
        if self.breaker.is_armed() {
            self.breaker.intended(scene, now, message, sender);
        }
        if self.halts.is_armed() {
            self.halts.intended(scene, now, message, (sender, wire.campaign));
        }
        if scene.arms.priorities || scene.arms.shares {
            let free = |campaign: usize| {
                let held = self.holds.may_hold(scene, sender, campaign) || self.work.may_be_full(scene, campaign);
                !self.paused.may_stand(campaign) && !held
            };
            self.priority.intended(scene, now, message, free);
        }
        let paused = &self.paused;
        let held = self.holds.may_hold(scene, sender, campaign);
        self.work.intended(scene, now, sender, held, |campaign| paused.may_stand(campaign));
    }

    /// A POST reached WhatsApp, which decided so. Where nothing of it was written, the answer is unreachable.
    #[inline]
    pub fn arrived(&mut self, now: Timestamp, wire: &Wire, answer: &True) {
        let message = wire.message.0;
        let seen = &mut self.seen[message as usize];
        match answer {
            // What did not reach WhatsApp was not POSTed.
            True::Unreachable => return,
            True::Refused(_, Why::Throughput) => self.throughput.refused(&self.scene, now, message, wire.sender),
            True::Refused(_, Why::Pair) => pairs::refused(&self.scene, now, message, self.started, &mut self.pairs),
            True::Refused(_, Why::MessagingLimit) => self.limit.refused(&self.scene, now, message, wire.sender),
            True::Accepted(_) | True::Silence(_) if self.scene.arms.limits => {
                self.limit.accepted(&self.scene, now, message, wire.sender, wire.contact);
            }
            True::Accepted(_)
            | True::Silence(_)
            | True::Refused(_, Why::Fault(_) | Why::Magic)
            | True::Reset
            | True::Garbled(_) => {}
        }
        seen.posts = seen.posts.saturating_add(1);
        attempts::arrived(seen, message, &mut self.attempts);
        if self.scene.arms.quiet
            && let Some(hours) = self.scene.campaigns[usize::from(wire.campaign)].quiet
        {
            let (phone, settings) = (self.phones[wire.contact as usize], self.scene.offsets.as_slice());
            let day = quiet::Day { phone, settings, hours };
            quiet::arrived(now, self.scene.arms.disk, message, day, &mut self.quiet);
        }
    }

    /// The end of a POST reached the engine, which is alive.
    #[inline]
    pub fn told(&mut self, now: Timestamp, wire: &Wire, answer: &Answer) {
        let (message, number, sender) = (wire.message.0, wire.number, wire.sender);
        let since = self.seen[message as usize].since;
        match *answer {
            Answer::Accepted => {
                self.learn(now, message, number, Word::Is(Known::Accepted, None), None);
                let since = moment(self.scene.start, since);
                self.holds.passed(&self.scene, (sender, wire.campaign), since, false);
            }
            Answer::Refused { code, retry_after_seconds } => {
                if retry_after_seconds > 0 {
                    self.not_before.insert(message, now + Span::secs(u64::from(retry_after_seconds)));
                }
                self.refused(now, wire, code, None, retry_after_seconds > 0);
            }
            Answer::NeverWritten => self.learn(now, message, number, Word::Is(Known::Unspent, None), None),
            Answer::Unknown => {
                self.seen[message as usize].flags |= flag::UNKNOWN;
                self.learn(now, message, number, Word::Is(Known::Unknown, None), None);
            }
        }
        if self.breaker.is_armed() {
            let good = matches!(answer, Answer::Accepted | Answer::Refused { .. });
            self.breaker.told(now, sender, good);
        }
        if self.scene.arms.limits
            && !matches!(answer, Answer::Refused { code, .. } if code.class() == Class::MessagingLimit)
        {
            self.limit.answered(&self.scene, message, sender, answer);
        }
        let held = self.holds.may_hold(&self.scene, sender, usize::from(wire.campaign));
        let limited = self.holds.may_limit(&self.scene, sender);
        self.work.told(&self.scene, now, sender, answer, (held, limited));
    }

    /// The engine was told of an error, in a reply or by the webhook `delivery`.
    fn refused(&mut self, now: Timestamp, wire: &Wire, code: CodeIndex, delivery: Option<u32>, retry_after: bool) {
        self.learn(now, wire.message.0, wire.number, Word::Is(seen::by_class(code), Some(code)), delivery);
        self.concerns(now, wire, code, delivery, retry_after);
    }

    /// What an error means for more than the message.
    fn concerns(&mut self, now: Timestamp, wire: &Wire, code: CodeIndex, delivery: Option<u32>, retry_after: bool) {
        let (sender, campaign) = (wire.sender, wire.campaign);
        let late = delivery.is_some();
        self.holds.refused(&self.scene, now, (sender, campaign), code, (late, retry_after));
        if self.halts.is_armed() {
            self.halts.refused(now, (sender, campaign), code);
        }
        match code.class() {
            Class::MessagingLimit => self.limit.told(&self.scene, now, sender, late),
            Class::Blocked if code.code() == 131_050 && self.scene.arms.opt_outs => match delivery {
                Some(delivery) => self.opt_outs.told(delivery, wire.contact),
                None => self.opt_outs.replied(now + self.scene.slack(), wire.contact),
            },
            _ => {}
        }
        if late {
            self.work.refused(&self.scene, now, sender, code);
        }
    }

    /// A word about an attempt is news, or not.
    #[inline]
    fn learn(&mut self, now: Timestamp, message: u32, number: u8, word: Word, delivery: Option<u32>) {
        let elapsed = hundredths(now.since(self.scene.start));
        let seen = &mut self.seen[message as usize];
        if self.scene.arms.crashes {
            let before = *seen;
            if seen.learn(elapsed, number, word) || self.durable.is_ahead(message, word) {
                self.durable.told(message, number, word, delivery, &before);
            }
        } else {
            seen.learn(elapsed, number, word);
        }
        if !self.parked.is_empty() && self.seen[message as usize].knows_wamid(number) {
            self.unpark(now, message, number, delivery);
        }
    }

    /// POSTs of a message that reached WhatsApp.
    #[inline]
    pub fn posts(&self, message: u32) -> u8 {
        self.seen[message as usize].posts
    }

    /// A webhook with a good signature was handed to the engine, which is alive.
    #[inline]
    pub fn webhook(&mut self, now: Timestamp, delivery: u32, message: MessageId, number: u8, update: &Update) {
        let (sender, contact) = (update.number.0, update.handset.0);
        self.channels[usize::from(sender)].heard(now, update.at);
        let seen = &self.seen[message.0 as usize];
        if seen.has(flag::UNKNOWN | flag::BLIND) || self.breaker.is_armed() {
            self.evidence(now, message.0, number, sender, update.what);
        }
        let seen = self.seen[message.0 as usize];
        let known = seen.knows_wamid(number);
        let word = match update.what {
            What::Sent => Word::Is(Known::Sent, None),
            What::Delivered => Word::Came(Arrival::Delivered),
            What::Read => Word::Came(Arrival::Read),
            What::Failed(code) => {
                if !update.echoes && !known {
                    self.parked.entry((message.0, number)).or_default().push(Parked { error: Some(code), contact });
                    return;
                }
                let campaign = self.scene.campaign_of(message.0) as u16;
                let wire = Wire { message, number, contact, sender, campaign };
                if self.scene.arms.limits && messaging_limit::is_own(code.class()) {
                    self.limit.proven(&self.scene, moment(self.scene.start, seen.since), sender);
                }
                self.refused(now, &wire, code, Some(delivery), false);
                return;
            }
            What::Notice(_) => return,
            What::Reply | What::Stop | What::Says(_) => {
                self.answer(now, delivery, update, sender, contact);
                if !known {
                    self.seen[message.0 as usize].flags |= flag::PARKED;
                    self.parked.entry((message.0, number)).or_default().push(Parked { error: None, contact });
                    return;
                }
                Word::Came(Arrival::Replied)
            }
        };
        // What arrived was sent, if nobody said so before.
        let is_sent = seen.arrival > Arrival::None
            || seen.slots.iter().any(|slot| slot.number == number && slot.known == Known::Sent);
        // Since a crash it is unknown, and since it was given up it is that; neither says anything of when it was POSTed. One
        // that was never written, and is said to be sent all the same, was POSTed by an engine that an old store forgot.
        let is_past = |slot: &seen::Slot| matches!(slot.known, Known::GivenUp | Known::Unspent);
        let orphaned = self.crashed.is_some_and(|at| hundredths(at.since(self.scene.start)) == seen.since)
            || seen.slots.iter().any(|slot| slot.number == number && is_past(slot));
        if matches!(update.what, What::Sent | What::Delivered | What::Read) && !is_sent && !orphaned {
            let since = moment(self.scene.start, seen.since);
            let campaign = self.scene.campaign_of(message.0) as u16;
            self.holds.passed(&self.scene, (sender, campaign), since, true);
            if self.scene.arms.limits {
                self.limit.proven(&self.scene, since, sender);
            }
        }
        self.learn(now, message.0, number, word, Some(delivery));
    }

    /// A contact wrote.
    fn answer(&mut self, now: Timestamp, delivery: u32, update: &Update, sender: u16, contact: u32) {
        if update.what == What::Stop && self.scene.arms.opt_outs {
            self.opt_outs.told(delivery, contact);
        }
        if self.scene.arms.limits {
            self.limit.wrote(&self.scene, update.at.min(now), sender, contact);
        }
    }

    /// A webhook about a message of which some outcome was unknown.
    fn evidence(&mut self, now: Timestamp, message: u32, number: u8, sender: u16, what: What) {
        let seen = &mut self.seen[message as usize];
        let slot = seen.slots.iter().find(|slot| slot.number == number);
        let slot_is = |known: Known| slot.is_some_and(|slot| slot.known == known);
        let (under_way, unknown) = (slot_is(Known::UnderWay), slot_is(Known::Unknown) || slot_is(Known::GivenUp));
        let newest = seen.newest().is_some_and(|newest| newest.number == number);
        let is_answer = matches!(what, What::Reply | What::Stop | What::Says(_));
        if unknown && !newest {
            seen.flags |= flag::LATE;
        }
        // After a crash, which nobody tells, or before its answer: WhatsApp took it all the same.
        if (under_way || unknown) && !is_answer && self.breaker.is_armed() {
            self.breaker.told(now, sender, true);
        }
    }

    /// The 200 of a webhook left the engine: what it taught must be durable.
    #[inline]
    pub fn acknowledged(&mut self, now: Timestamp, delivery: u32) {
        if self.scene.arms.opt_outs {
            self.opt_outs.acknowledged(now, delivery);
        }
        if self.scene.arms.crashes {
            self.durable.acknowledged(delivery);
        }
    }

    /// An update of this message will never come.
    pub fn lost(&mut self, _now: Timestamp, message: MessageId) {
        self.seen[message.0 as usize].flags |= flag::LOST;
    }

    /// A change of a row is durable.
    #[inline]
    pub fn changed(&mut self, now: Timestamp, merged: &Merged) {
        let message = merged.message.0;
        let in_progress = (merged.before.is_in_progress(), merged.after.is_in_progress());
        let unknown = (merged.was == Phase::Unknown, merged.phase == Phase::Unknown);
        if in_progress.0 != in_progress.1 || unknown.0 != unknown.1 {
            let sender = self.scene.parts[self.scene.part_of(message)].sender;
            self.channels[usize::from(sender)].moved(now, in_progress, unknown);
        }
        if merged.before != merged.after {
            // An old store numbers its attempts anew: of two of one number there are two errors.
            let is_old = self.seen[message as usize].has(flag::STALE);
            if !transitions::is_legal(merged.before, merged.after) && !transitions::is_disproved(merged) && !is_old {
                self.transitions.add(Some(message), || transitions::told(merged));
            }
            self.work.moved(now, &self.scene, message, (merged.before, merged.after), merged.due);
            if self.scene.arms.priorities || self.scene.arms.shares {
                self.priority.moved(now, self.scene.part_of(message), merged.before, merged.after);
            }
        }
        if merged.before == merged.after && merged.changed && merged.fact.is_some_and(|fact| fact != Fact::Intended) {
            // An error that comes late of an attempt that was given up may ask for more time.
            self.work.deferred(message, merged.due);
        }
        match merged.fact {
            Some(Fact::Intended) => {}
            None => self.decided(now, merged),
            Some(fact) => {
                if matches!(merged.phase, Phase::GivenUp | Phase::Abandoned) && fact != Fact::Unknown {
                    let elapsed = hundredths(now.since(self.scene.start));
                    let seen = &mut self.seen[message as usize];
                    // A crash made it unknown, which nobody told.
                    seen.flags |= flag::UNKNOWN;
                    if let Some(slot) = seen.slots.iter().find(|slot| slot.number == merged.number)
                        && matches!(slot.known, Known::UnderWay)
                    {
                        let crashed = self.crashed.map_or(elapsed, |at| hundredths(at.since(self.scene.start)));
                        seen.since = seen.since.max(crashed);
                    }
                    if merged.changed && seen.newest().is_some_and(|newest| newest.number == merged.number) {
                        let sender = self.scene.parts[self.scene.part_of(message)].sender;
                        let channel = &self.channels[usize::from(sender)];
                        let (scene, crashed, found) = (&self.scene, self.crashed, &mut self.resend);
                        resend::waited_enough(scene, now, message, seen, channel, crashed, found);
                    }
                    seen.learn(elapsed, merged.number, Word::Is(Known::GivenUp, None));
                }
                if matches!(fact, Fact::Failed | Fact::Unspent) {
                    attempts::ended(&self.seen[message as usize], merged, &mut self.attempts);
                }
                if self.scene.arms.crashes {
                    self.durable.changed(message, merged.number, fact);
                }
            }
        }
    }

    /// A decision about a message is durable: if it is the deadline's, what held it back is what holds now.
    #[cold]
    fn decided(&mut self, now: Timestamp, merged: &Merged) {
        if merged.before == merged.after && merged.changed {
            self.work.deferred(merged.message.0, merged.due);
        }
        let campaign = self.scene.campaign_of(merged.message.0);
        if now + self.scene.arms.clock >= self.scene.campaigns[campaign].deadline && self.swept.insert(campaign) {
            let ledger = self.scene.arms.limits && self.work.may_be_full(&self.scene, campaign);
            self.holds.deadline(&self.scene, now, campaign, ledger);
        }
    }

    /// An operator's act is durable.
    pub fn operated(&mut self, now: Timestamp, act: Act) {
        self.operated_at = now;
        self.paused.operated(now, act);
        self.work.operated(now, act);
        self.priority.disturbed(now);
        if let Act::ResumeSender(sender) = act {
            self.limit.resumed(&self.scene, sender);
            self.halts.reset(&self.scene);
            self.breaker.reset();
            self.holds.doubt(now);
        }
    }

    /// Once in a virtual minute in which something happened: what the engine says of itself, and how many writes wait for a
    /// commit.
    pub fn looked(&mut self, now: Timestamp, status: &Status, backlog: usize) {
        self.looks.looked(&self.scene, now, status, backlog);
        for (sender, says) in status.senders.iter().enumerate() {
            self.looks.under_way(sender, says.in_flight, self.work.in_flight(sender));
        }
        if self.scene.arms.operators {
            self.paused.looked(&self.scene, now, status);
        }
        let paused = &self.paused;
        self.work.looked(&self.scene, now, |campaign| paused.may_stand(campaign));
        let (scene, holds, work) = (&self.scene, &self.holds, &self.work);
        let free = |campaign: usize| {
            let senders = &scene.campaigns[campaign].senders;
            let held = senders.iter().any(|sender| holds.may_hold(scene, *sender, campaign));
            !paused.may_stand(campaign) && !held && !work.may_be_full(scene, campaign)
        };
        self.priority.looked(scene, now, free);
    }

    /// What was decided of the messages of a campaign, as of the end of a run.
    pub(crate) fn over<'a>(&self, now: Timestamp, campaign: usize, held: &'a held::Held) -> Over<'a> {
        let deadline = now >= self.scene.campaigns[campaign].deadline;
        let cancelled = self.paused.is_cancelled_by(campaign, self.scene.campaigns[campaign].deadline);
        Over { deadline, cancelled, never: self.scene.never, held }
    }

    /// How often the engine was started anew.
    pub(crate) fn restarts(&self) -> u32 {
        self.durable.restarts()
    }
}
