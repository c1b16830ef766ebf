//! Promise: nothing waits that could be sent. While messages are due and nothing excuses the sender, the gap to the next intent
//! is short, the rate is near the number's throughput, and a retry goes soon after it is due.
//!
//! Excuses are what the engine was told (errors that halt, throttle or limit, failed connections), what operators and the
//! clock say, and what is full. Each lasts a time that is derived where it begins; it may be too generous and never too short.

use super::findings::Findings;
use super::scene::{Scene, Window};
use crate::scenario::Act;
use cloud_api::catalogue::{Class, CodeIndex};
use cloud_api::limits::PAIR_REFILL;
use cloud_api::time::{Span, Timestamp};
use engine_core::event::Answer;
use engine_core::message::{Row, State};
use mock_whatsapp_model::spec::FaultKind;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// A page may have to be read and a commit to end before a claim: a moment, and four intervals of the pace.
const GAP: Span = Span::secs(2);

/// A probe of a halt goes after 5 min and is answered within half a minute; some moments more.
const HALT: Span = Span::secs(5 * 60 + 35);

/// An open breaker probes after at most a minute, and a probe may take half a minute until nobody waits for its answer.
const BREAKER: Span = Span::secs(95);

/// The pace is never cut below one message in ten seconds.
const THROTTLED: Span = Span::secs(12);

/// The hold of the messaging limit, and its jitter.
const LIMIT: Span = Span::secs(12 * 3_600 + 15 * 60 + 35);

/// Acceptances, a second apart, after which a pace that was cut to the least is one that the gap allows for: of one message a
/// second it is a fifth, of more it is a tenth of the full one.
const GROWN: u8 = 2;

/// A new engine recovers its rows and reads its first pages.
const RECOVERY: Span = Span::secs(60);

/// A pace that was cut grows by a twentieth of the full one a second, from next to nothing.
const GROWTH: Span = Span::secs(45);

/// POSTs of one sender under way at which no more are claimed, less what may be on its way to the disk.
const FULL: u32 = 200;

/// A due retry goes before fresh messages: it waits for other due ones only.
const OVERDUE: Span = Span::secs(60);

/// Messages to one contact from which on the pair limit may hold them back.
const PAIR_LIMIT: usize = 44;

/// Of the full rate, in percent: what a sender without excuse reaches at least. Half is what a pace has that was cut once
/// and does not grow.
const RATE: u64 = 70;

#[derive(Clone, Copy, Debug, Default)]
struct Part {
    queued: u32,
    /// When the last queue began that has not ended.
    since: Timestamp,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sender {
    /// The last intent.
    last: Timestamp,
    /// Up to when it is excused.
    free: Timestamp,
    /// Up to when it was, before a crash: holds outlive one.
    kept: Timestamp,
    in_flight: u32,
    /// It was throttled, and not enough was accepted since: the pace may be next to the least there is.
    slow: bool,
    /// When the pace was last cut or last grew, and how often it grew since a cut.
    paced: Timestamp,
    grown: u8,
    /// It was told of something that halts or limits, and nothing was accepted since: a probe at a time, and if that comes to
    /// nothing another after minutes.
    halted: bool,
    /// The last twenty outcomes; 1 is bad.
    outcomes: u32,
    /// The breaker may be open: no answer since it may have opened.
    open: bool,
    /// Intents since the last look.
    intents: u64,
    /// What could have been claimed at the last look.
    available: u64,
    /// Intents of this hour and those before, for the ledger.
    hours: [u32; 26],
    hour: u64,
}

/// A retry that must have gone by `check`.
type Due = Reverse<(Timestamp, Timestamp, u32)>;

/// Who waits for what.
#[derive(Clone, Debug)]
pub struct Work {
    parts: Vec<Part>,
    senders: Vec<Sender>,
    due: BinaryHeap<Due>,
    /// When each message that retries is due.
    retrying: BTreeMap<u32, Timestamp>,
    /// The most that retried at a time, since none did.
    crowd: usize,
    looked: Timestamp,
    /// What was found.
    pub findings: Findings,
}

impl Work {
    /// Everything waits.
    pub fn new(scene: &Scene) -> Self {
        let part = |part: &super::scene::Part| Part { queued: part.end - part.first, since: scene.start };
        Self {
            parts: scene.parts.iter().map(part).collect(),
            senders: vec![Sender { last: scene.start, free: scene.start, ..Sender::default() }; scene.senders.len()],
            due: BinaryHeap::new(),
            retrying: BTreeMap::new(),
            crowd: 0,
            looked: scene.start,
            findings: Findings::default(),
        }
    }

    /// A message's state changed, durably; `due` is when its next attempt is.
    #[inline]
    pub fn moved(
        &mut self,
        now: Timestamp,
        scene: &Scene,
        message: u32,
        (before, after): (State, State),
        due: Timestamp,
    ) {
        let part = &mut self.parts[scene.part_of(message)];
        if before == State::Queued {
            part.queued = part.queued.saturating_sub(1);
        }
        if after == State::Queued {
            if part.queued == 0 {
                part.since = now;
            }
            part.queued += 1;
        }
        if before == State::Retrying {
            self.retrying.remove(&message);
            self.crowd = if self.retrying.is_empty() { 0 } else { self.crowd };
        }
        if after == State::Retrying {
            // One that waits for no time at all would wait for ever.
            self.waits(message, if due == Timestamp::NEVER { now } else { due }, Span::ZERO);
        }
    }

    /// A retry was put off.
    pub fn deferred(&mut self, message: u32, due: Timestamp) {
        if self.retrying.contains_key(&message) {
            self.waits(message, due, Span::ZERO);
        }
    }

    fn waits(&mut self, message: u32, due: Timestamp, more: Span) {
        self.retrying.insert(message, due);
        self.crowd = self.crowd.max(self.retrying.len());
        self.due.push(Reverse((due + OVERDUE + more, due, message)));
    }

    /// An intent became durable; `held` says whether some hold may stand, whose probe it then may be.
    #[inline]
    pub fn intended(&mut self, scene: &Scene, now: Timestamp, sender: u16, held: bool, paused: impl Fn(usize) -> bool) {
        let own = &self.senders[usize::from(sender)];
        // Most intents follow another at once.
        if now.since(own.last.max(own.free)) > gap(scene, sender) {
            self.judge(scene, now, sender, paused);
        }
        let own = &mut self.senders[usize::from(sender)];
        own.last = now;
        own.intents += 1;
        own.in_flight += 1;
        if own.in_flight >= FULL {
            own.free = own.free.max(now);
        }
        // A probe at a time.
        if own.open {
            own.free = own.free.max(now + BREAKER);
        }
        if own.halted || held {
            own.free = own.free.max(now + HALT);
        }
        if scene.arms.limits {
            own.turn_to(now.since(scene.start).as_secs() / 3_600);
            own.hours[0] += 1;
        }
    }

    /// A POST ended, as the engine was told; `held` says whether some hold may still stand, and `limited` whether the messaging
    /// limit's may.
    #[inline]
    pub fn told(&mut self, scene: &Scene, now: Timestamp, sender: u16, answer: &Answer, (held, limited): (bool, bool)) {
        let own = &mut self.senders[usize::from(sender)];
        if own.in_flight >= FULL {
            own.free = own.free.max(now);
        }
        own.in_flight = own.in_flight.saturating_sub(1);
        let bad = matches!(answer, Answer::NeverWritten | Answer::Unknown);
        if held || own.halted {
            // What holds the portfolio waits for the probe of whichever of its senders has the turn.
            let portfolio = scene.senders[usize::from(sender)].portfolio;
            for (place, (other, of)) in self.senders.iter_mut().zip(&scene.senders).enumerate() {
                if held && (place == usize::from(sender) || (limited && of.portfolio == portfolio)) {
                    other.free = other.free.max(now + HALT);
                }
                if other.halted && of.portfolio == portfolio {
                    other.free = other.free.max(now + HALT + scene.arms.sent);
                }
            }
        }
        let own = &mut self.senders[usize::from(sender)];
        own.outcomes = (own.outcomes << 1 | u32::from(bad)) & 0xF_FFFF;
        own.open &= bad;
        match answer {
            Answer::Accepted => {
                own.halted = false;
                if own.slow {
                    // The next claim's time was set when the pace was what it was.
                    own.free = own.free.max(now + THROTTLED);
                    if now.since(own.paced) >= Span::secs(1) {
                        (own.paced, own.grown) = (now, own.grown + 1);
                    }
                    own.slow = own.grown < GROWN;
                }
            }
            Answer::NeverWritten | Answer::Unknown => {
                if own.outcomes.count_ones() >= 5 {
                    own.open = true;
                    own.free = own.free.max(now + BREAKER);
                }
            }
            Answer::Refused { code, retry_after_seconds } => {
                let asked = Span::secs(u64::from(*retry_after_seconds));
                if *retry_after_seconds > 0 && code.class() == Class::Throttled {
                    own.free = own.free.max(now + asked + THROTTLED);
                }
                self.refused(scene, now, sender, *code);
            }
        }
    }

    /// The engine was told of an error, in a reply or by webhook.
    pub fn refused(&mut self, scene: &Scene, now: Timestamp, sender: u16, code: CodeIndex) {
        let own = usize::from(sender);
        let excuse = match code.class() {
            Class::Throttled if code.code() == 131_057 => HALT,
            Class::Throttled => {
                let own = &mut self.senders[own];
                (own.slow, own.paced, own.grown) = (true, now, 0);
                THROTTLED
            }
            Class::TemplateWide | Class::NumberWide | Class::AccountWide => {
                self.senders[own].halted = true;
                HALT + scene.arms.sent
            }
            Class::MessagingLimit => {
                let portfolio = scene.senders[own].portfolio;
                for (sender, of) in self.senders.iter_mut().zip(&scene.senders) {
                    if of.portfolio == portfolio {
                        sender.halted = true;
                        sender.free = sender.free.max(now + LIMIT + scene.arms.sent);
                    }
                }
                return;
            }
            Class::Transient
            | Class::Pair
            | Class::MarketingCap
            | Class::InvalidContact
            | Class::Blocked
            | Class::Refused
            | Class::Generic => return,
        };
        self.senders[own].free = self.senders[own].free.max(now + excuse);
    }

    /// A person acted.
    pub fn operated(&mut self, now: Timestamp, _act: Act) {
        self.excuse_all(now + GAP);
    }

    /// The engine died.
    pub fn crashed(&mut self, _now: Timestamp) {
        for own in self.senders.iter_mut().filter(|own| own.free != Timestamp::NEVER) {
            own.kept = own.free;
        }
        self.excuse_all(Timestamp::NEVER);
    }

    /// It started anew.
    pub fn restarted(&mut self, scene: &Scene, now: Timestamp, rows: &[Row]) {
        self.due.clear();
        self.retrying.clear();
        self.crowd = 0;
        for (own, part) in self.parts.iter_mut().zip(&scene.parts) {
            let rows = &rows[part.first as usize..part.end as usize];
            *own = Part { queued: rows.iter().filter(|row| row.state() == State::Queued).count() as u32, since: now };
        }
        for part in &scene.parts {
            let rows = &rows[part.first as usize..part.end as usize];
            for (message, row) in (part.first..).zip(rows).filter(|(_, row)| row.state() == State::Retrying) {
                self.waits(message, row.due().unwrap_or(now), RECOVERY);
            }
        }
        for own in &mut self.senders {
            (own.free, own.in_flight, own.outcomes) = (own.kept.max(now + RECOVERY), 0, 0);
            own.open = false;
            // What was under way counts for a day from now on: how much that was nobody knows.
            own.hours[0] = own.hours.iter().sum();
        }
    }

    /// When any sender intended last.
    pub fn last_intent(&self) -> Timestamp {
        self.senders.iter().map(|own| own.last).max().unwrap_or_default()
    }

    /// POSTs of a sender that the engine was not told the end of.
    pub fn in_flight(&self, sender: usize) -> u32 {
        self.senders[sender].in_flight
    }

    fn excuse_all(&mut self, until: Timestamp) {
        self.senders.iter_mut().for_each(|own| own.free = own.free.max(until));
    }

    /// What a sender could claim, and since when.
    fn available(
        &self,
        scene: &Scene,
        now: Timestamp,
        sender: u16,
        paused: &impl Fn(usize) -> bool,
    ) -> (u64, Timestamp) {
        let (mut available, mut since) = (0, Timestamp::NEVER);
        for (own, part) in
            self.parts.iter().zip(&scene.parts).filter(|(own, part)| part.sender == sender && own.queued > 0)
        {
            let campaign = &scene.campaigns[part.campaign];
            let start = campaign.start + scene.arms.clock;
            let runs = now > start && now < campaign.deadline;
            if runs && campaign.quiet.is_none() && !paused(part.campaign) && !self.may_be_full(scene, part.campaign) {
                available += u64::from(own.queued);
                since = since.min(start.max(own.since));
            }
        }
        (available, since)
    }

    /// Whether the ledger of a campaign's portfolio may have no room: three quarters of the limit, since a probe, leased
    /// blocks and what is unknown count too.
    pub fn may_be_full(&self, scene: &Scene, campaign: usize) -> bool {
        if !scene.arms.limits {
            return false;
        }
        if scene.arms.clock > Span::ZERO {
            // By a clock that is off a day is longer.
            return true;
        }
        scene.campaigns[campaign].senders.iter().any(|sender| {
            let portfolio = scene.senders[usize::from(*sender)].portfolio;
            let is_its = |window: &&Window| window.kind == FaultKind::Tier;
            let tiers = scene.windows.iter().filter(is_its).map(|window| window.limit);
            let Some(least) = tiers.chain([scene.senders[usize::from(*sender)].limit]).flatten().min() else {
                return false;
            };
            let own = self.senders.iter().zip(&scene.senders).filter(|(_, of)| of.portfolio == portfolio);
            let lately: u64 = own.map(|(own, _)| own.hours.iter().map(|count| u64::from(*count)).sum::<u64>()).sum();
            lately >= u64::from(least) * 3 / 4
        })
    }

    fn judge(&mut self, scene: &Scene, now: Timestamp, sender: u16, paused: impl Fn(usize) -> bool) {
        let own = self.senders[usize::from(sender)];
        if own.in_flight >= FULL {
            self.senders[usize::from(sender)].free = own.free.max(now);
            return;
        }
        if own.free > now || is_crowded(scene, sender) || disturbed(scene, now) {
            return;
        }
        let (available, since) = self.available(scene, now, sender, &paused);
        let idle = now.since(own.last.max(own.free).max(since));
        let slow = if own.slow { THROTTLED } else { Span::ZERO };
        // What is taken and throttled afterwards is sent again and again, and counts each time for its contact.
        let is_pressed =
            |window: &Window| window.late && window.code.is_some_and(|code| code.class() == Class::Throttled);
        let pairs = if scene.windows.iter().any(is_pressed) { PAIR_REFILL } else { Span::ZERO };
        if available > 0 && idle > gap(scene, sender) + slow + pairs {
            let at = now.since(scene.start);
            self.findings.add(None, || {
                format!("sender {sender} claimed nothing for {idle} up to {at} while {available} messages waited")
            });
        }
    }

    /// Once in a minute: the rate since the last time, and what is overdue.
    pub fn looked(&mut self, scene: &Scene, now: Timestamp, paused: impl Fn(usize) -> bool) {
        let (before, lasted) = (self.looked, now.since(self.looked));
        self.looked = now;
        for sender in 0..self.senders.len() as u16 {
            self.judge(scene, now, sender, &paused);
            let own = self.senders[usize::from(sender)];
            let rate = u64::from(scene.senders[usize::from(sender)].throughput);
            let grown = own.free + GROWTH + Span::secs(60 / rate.max(1));
            let most = lasted.0 * rate / 1_000_000;
            let steady = grown <= before && !disturbed(scene, now) && lasted >= Span::secs(30);
            let own_parts = scene.parts.iter().filter(|part| part.sender == sender);
            let room = !scene.arms.limits || !own_parts.map(|part| part.campaign).any(|at| self.may_be_full(scene, at));
            // Enough was there for all of the time; and a few intervals more or less are rounding.
            if steady && room && own.available >= most + 512 && own.intents + 8 < most * RATE / 100 {
                let intents = own.intents;
                self.findings.add(None, || {
                    format!("sender {sender} claimed {intents} messages in {lasted}, and its throughput is {rate}/s")
                });
            }
            let (available, _) = self.available(scene, now, sender, &paused);
            let own = &mut self.senders[usize::from(sender)];
            if scene.arms.limits {
                own.turn_to(now.since(scene.start).as_secs() / 3_600);
            }
            (own.intents, own.available) = (0, available);
        }
        self.overdue(scene, now, paused);
    }

    fn overdue(&mut self, scene: &Scene, now: Timestamp, paused: impl Fn(usize) -> bool) {
        while let Some(Reverse((_, due, message))) =
            self.due.peek().copied().filter(|Reverse((check, ..))| *check < now)
        {
            self.due.pop();
            if self.retrying.get(&message) != Some(&due) {
                continue;
            }
            let part = &scene.parts[scene.part_of(message)];
            let campaign = &scene.campaigns[part.campaign];
            let own = &self.senders[usize::from(part.sender)];
            let rate = u64::from(scene.senders[usize::from(part.sender)].throughput);
            // All others that retry may go before it, each sender at its pace.
            let queue = Span::secs(self.crowd as u64 * 2 / rate.max(1));
            let queue = queue.max(if own.slow { THROTTLED * self.crowd as u64 } else { Span::ZERO });
            // By a clock that is behind it is due later.
            let fair = own.free.max(campaign.start).max(due) + OVERDUE + queue + scene.arms.clock;
            let blocked = paused(part.campaign) || campaign.quiet.is_some() || scene.arms.priorities;
            let blocked = blocked || is_crowded(scene, part.sender);
            let blocked = blocked || disturbed(scene, now) || self.may_be_full(scene, part.campaign);
            if now >= campaign.deadline {
                continue;
            }
            if blocked || fair >= now {
                self.due.push(Reverse((fair.max(now + OVERDUE), due, message)));
                continue;
            }
            let late = now.since(due);
            self.findings
                .add(Some(message), || format!("message {message} is due for {late} and nothing held it back"));
        }
    }
}

/// With so many campaigns a contact may have had all that the pair limit allows.
fn is_crowded(scene: &Scene, sender: u16) -> bool {
    scene.parts.iter().filter(|part| part.sender == sender).count() >= PAIR_LIMIT
}

impl Sender {
    fn turn_to(&mut self, hour: u64) {
        while self.hour < hour {
            self.hours.rotate_right(1);
            self.hours[0] = 0;
            self.hour += 1;
        }
    }
}

fn gap(scene: &Scene, sender: u16) -> Span {
    let interval = Span::micros(1_000_000 / u64::from(scene.senders[usize::from(sender)].throughput.max(1)));
    GAP + interval * 4
}

/// Whether the disk, the clock or a second engine may hold the senders up: all of them, whichever the fault names, since they
/// have one disk and one clock.
fn disturbed(scene: &Scene, now: Timestamp) -> bool {
    use FaultKind::{ClockStep, DiskFull, DiskSlow, EngineZombie};
    let after = Span::mins(2) + scene.slack() * 2;
    scene.windows.iter().any(|window| {
        matches!(window.kind, DiskFull | DiskSlow | ClockStep | EngineZombie)
            && now >= window.from
            && (window.until == Timestamp::NEVER || now < window.until + after)
    })
}

#[cfg(test)]
mod tests {
    use super::super::scene::plain_of;
    use super::*;
    use cloud_api::catalogue::find;

    const NOBODY: fn(usize) -> bool = |_| false;

    struct Run {
        scene: Scene,
        work: Work,
        next: u32,
    }

    impl Run {
        fn new(messages: u32) -> Self {
            let scene = plain_of(messages);
            Self { work: Work::new(&scene), scene, next: 0 }
        }

        fn at(&self, millis: u64) -> Timestamp {
            self.scene.start + Span::millis(millis)
        }

        /// Sends at a rate from second to second, and looks once a minute.
        fn sends(&mut self, from: u64, until: u64, rate: u64) {
            for millis in (from * 1_000..until * 1_000).step_by((1_000 / rate) as usize) {
                let now = self.at(millis);
                self.work.moved(now, &self.scene, self.next, (State::Queued, State::Sending), Timestamp::NEVER);
                self.work.intended(&self.scene, now, 0, false, NOBODY);
                self.work.told(&self.scene, now, 0, &Answer::Accepted, (false, false));
                self.next += 1;
                if millis % 60_000 == 0 {
                    self.look(millis);
                }
            }
        }

        fn look(&mut self, millis: u64) {
            self.work.looked(&self.scene, self.at(millis), NOBODY);
        }
    }

    #[test]
    fn a_gap_without_an_excuse_is_found_and_one_with_an_excuse_is_not() {
        let mut run = Run::new(100_000);
        run.sends(0, 60, 80);
        assert!(run.work.findings.is_clean(), "{:?}", run.work.findings);
        run.sends(64, 65, 80);
        assert!(run.work.findings.detail().contains("claimed nothing for 4s"), "{:?}", run.work.findings);
        let mut run = Run::new(100_000);
        run.sends(0, 60, 80);
        run.work.refused(&run.scene, run.at(60_000), 0, find(190, None));
        run.sends(361, 370, 80);
        assert!(run.work.findings.is_clean(), "{:?}", run.work.findings);
        run.look(900_000);
        assert!(!run.work.findings.is_clean(), "the halt is over and nothing goes");
    }

    #[test]
    fn a_pace_that_stays_at_half_is_found() {
        let mut run = Run::new(100_000);
        run.sends(0, 300, 80);
        assert!(run.work.findings.is_clean(), "{:?}", run.work.findings);
        run.sends(300, 600, 40);
        assert!(run.work.findings.detail().contains("throughput is 80/s"), "{:?}", run.work.findings);
    }

    #[test]
    fn a_queue_that_is_empty_is_no_reproach() {
        let mut run = Run::new(80);
        run.sends(0, 1, 80);
        run.look(3_600_000);
        assert!(run.work.findings.is_clean());
        run.work.moved(run.at(3_600_000), &run.scene, 5, (State::Sending, State::Queued), Timestamp::NEVER);
        run.look(3_660_000);
        assert!(run.work.findings.detail().contains("1 messages waited"), "{:?}", run.work.findings);
    }

    #[test]
    fn a_retry_that_is_not_made_when_it_is_due_is_found() {
        let mut run = Run::new(80);
        run.sends(0, 1, 80);
        let due = run.at(3_000);
        run.work.moved(run.at(1_000), &run.scene, 5, (State::Sending, State::Retrying), due);
        run.look(60_000);
        assert!(run.work.findings.is_clean());
        run.look(120_000);
        assert!(run.work.findings.detail().contains("message 5 is due for"), "{:?}", run.work.findings);
        let mut run = Run::new(80);
        run.sends(0, 1, 80);
        run.work.moved(run.at(1_000), &run.scene, 5, (State::Sending, State::Retrying), run.at(3_000));
        run.work.moved(run.at(3_000), &run.scene, 5, (State::Retrying, State::Sending), Timestamp::NEVER);
        run.look(120_000);
        assert!(run.work.findings.is_clean(), "it went");
    }
}
