//! What campaigns would do, before they do it: when each would be sent, what would not fit, and why.
//!
//! Sending is taken as a flow. Between two changes (a start, a deadline, the edge of a night, room that appears or runs out,
//! a campaign that is done) every rate is constant, so a plan of days takes some hundred steps. A sender's throughput goes to
//! the highest priority and is shared evenly among equals; within a campaign, contacts of different zones are mixed evenly;
//! what a portfolio has room for is shared by its senders as they could use it, and each use comes back exactly a day later.
//!
//! It is the plan of a day on which nothing goes wrong: first attempts only, no refusals, no pair limits, every message to a
//! contact that does not count yet.

use crate::ledger::Limit;
use crate::limits::DEADLINE;
use crate::quiet::Quiet;
use cloud_api::limits::MESSAGING_LIMIT_WINDOW;
use cloud_api::time::{Span, Timestamp};
use std::collections::VecDeque;

/// Steps of a plan at most. The pattern of a day is repeated by the messaging limit on the next, so steps grow with the days
/// and the campaigns, not with the messages: this is a hundred campaigns with three days of nights in a hundred zones.
pub const STEPS_MOST: u32 = 100_000;

/// Ends of a ledger that are taken one by one; more are gathered by the minute, of which a day has as many.
const ENDS_MOST: usize = 24 * 60;

/// Parts of a message: a rate in thousandths a second, times microseconds.
const WHOLE: i128 = 1_000_000_000;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The time at which the plan begins.
    pub now: Timestamp,
    /// The portfolios.
    pub portfolios: &'a [Portfolio<'a>],
    /// The senders.
    pub senders: &'a [Sender],
    /// The campaigns.
    pub campaigns: &'a [Campaign<'a>],
}

/// A portfolio and what it has used.
#[derive(Clone, Copy, Debug)]
pub struct Portfolio<'a> {
    /// Its messaging limit.
    pub limit: Limit,
    /// When how many contacts cease to count, in any order. For an intent without an outcome, a day from now.
    pub ends: &'a [(Timestamp, u32)],
}

/// A phone number.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    /// Messages a second; 0 counts as 1.
    pub throughput: u32,
    /// Its place in [`Ask::portfolios`].
    pub portfolio: u16,
}

/// A campaign, or what is left of it.
#[derive(Clone, Copy, Debug)]
pub struct Campaign<'a> {
    /// Who sends it: places in [`Ask::senders`], each once.
    pub senders: &'a [u16],
    /// Its scheduled start, from which its deadline counts, also where that is past.
    pub start: Timestamp,
    /// Higher goes first.
    pub priority: u8,
    /// When its contacts are left in peace.
    pub quiet: Option<Quiet>,
    /// What is to be sent: the range of UTC offsets in minutes (see [`crate::quiet::Zones::offsets`]), and how many contacts
    /// live there. The offsets do not matter without quiet hours.
    pub contacts: &'a [((i16, i16), u32)],
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In the order of the campaigns asked about.
    pub campaigns: Vec<Forecast>,
    /// False: [`STEPS_MOST`] was reached, and what lies behind is not planned and counted as not fitting.
    pub is_whole: bool,
}

/// What becomes of one campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The first POST; `None` if there is none before the deadline.
    pub first: Option<Timestamp>,
    /// The last POST before the deadline, whether all fit or not.
    pub last: Option<Timestamp>,
    /// Messages that are POSTed before the deadline.
    pub fits: u32,
    /// Messages that are not.
    pub does_not_fit: u32,
    /// What it waits for most of the time from its start to its last message or deadline.
    pub binds: Binds,
    /// For how long it waits for each, in the order of [`Binds::ALL`].
    pub waits: [Span; 3],
}

/// What a campaign waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binds {
    /// The throughput of its numbers, which other campaigns may use too.
    Throughput = 0,
    /// Room in the messaging limit.
    MessagingLimit = 1,
    /// The end of the night, for every contact that is left.
    QuietHours = 2,
}

impl Binds {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Throughput, Self::MessagingLimit, Self::QuietHours];
}

impl Plan {
    /// The plan. It takes a time of (steps × (contacts' zones + senders × campaigns)).
    ///
    /// # Panics
    /// If a place of a sender or a portfolio is not in its table.
    pub fn of(ask: &Ask<'_>) -> Self {
        Self::within(STEPS_MOST, ask)
    }

    fn within(steps_most: u32, ask: &Ask<'_>) -> Self {
        let mut course = Course::new(ask);
        let is_whole = (0..steps_most).any(|_| !course.step());
        Self { campaigns: course.works.iter().map(Work::forecast).collect(), is_whole }
    }
}

/// A campaign under way.
struct Work {
    /// What is left of each zone, in parts, and all of it.
    zones: Vec<i128>,
    left: i128,
    size: u32,
    /// What is left in zones that are awake now.
    awake: i128,
    /// Thousandths of a message a second now.
    rate: i128,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    waits: [Span; 3],
}

impl Work {
    fn new(campaign: &Campaign<'_>) -> Self {
        let zones: Vec<i128> = campaign.contacts.iter().map(|(_, count)| i128::from(*count) * WHOLE).collect();
        let left: i128 = zones.iter().sum();
        let size = u32::try_from(left / WHOLE).unwrap_or(u32::MAX);
        Self { zones, left, size, awake: 0, rate: 0, first: None, last: None, waits: [Span::ZERO; 3] }
    }

    fn forecast(&self) -> Forecast {
        let all = i128::from(self.size);
        // Steps end on whole microseconds: what that rounds away is no message.
        let sent = (all * WHOLE - self.left + WHOLE / 2) / WHOLE;
        let fits = sent.clamp(0, all) as u32;
        let longest = Binds::ALL.into_iter().rev().max_by_key(|binds| self.waits[*binds as usize]);
        Forecast {
            first: self.first,
            last: self.last,
            fits,
            does_not_fit: self.size - fits,
            binds: longest.unwrap_or(Binds::Throughput),
            waits: self.waits,
        }
    }

    /// Finds what is awake. Gives when that changes.
    fn look(&mut self, now: Timestamp, campaign: &Campaign<'_>) -> Timestamp {
        (self.awake, self.rate) = (0, 0);
        let deadline = campaign.start + DEADLINE;
        if self.left == 0 || now >= deadline {
            return Timestamp::NEVER;
        }
        if now < campaign.start {
            return campaign.start;
        }
        let mut change = deadline;
        for (zone, (offsets, _)) in self.zones.iter().zip(campaign.contacts).filter(|(zone, _)| **zone > 0) {
            match campaign.quiet.and_then(|quiet| quiet.ends(now, *offsets)) {
                Some(end) => change = change.min(end),
                None => {
                    self.awake += *zone;
                    let begin = campaign.quiet.map_or(Timestamp::NEVER, |quiet| quiet.begins(now, *offsets));
                    change = change.min(begin);
                }
            }
        }
        change
    }

    /// Sends for a while: of each zone that is awake as much as it has of what is left.
    fn send(&mut self, now: Timestamp, span: Span, campaign: &Campaign<'_>) {
        let amount = (self.rate * i128::from(span.0)).min(self.awake);
        if amount == 0 {
            return;
        }
        self.first.get_or_insert(now);
        self.last = Some(now + span);
        let is_awake = |offsets| campaign.quiet.and_then(|quiet| quiet.ends(now, offsets)).is_none();
        let mut rest = amount;
        for round in 0..2 {
            for (zone, (offsets, _)) in self.zones.iter_mut().zip(campaign.contacts) {
                if is_awake(*offsets) {
                    // Rounding leaves some parts for the second round.
                    let take = if round == 0 { *zone * amount / self.awake } else { rest.min(*zone) };
                    *zone -= take;
                    rest -= take;
                }
            }
        }
        self.left -= amount;
    }
}

/// A stretch of time in which contacts cease to count at a constant rate.
struct Release {
    from: Timestamp,
    to: Timestamp,
    rate: i128,
}

/// A portfolio under way.
struct Room {
    is_limited: bool,
    /// In parts; below 0 where the limit is below what is used.
    free: i128,
    ends: VecDeque<(Timestamp, i128)>,
    releases: VecDeque<Release>,
    /// Now, in thousandths a second: what comes back, what its senders could send, and what they may.
    back: i128,
    wanted: i128,
    sent: i128,
}

impl Room {
    fn new(now: Timestamp, portfolio: &Portfolio<'_>) -> Self {
        let minute = Span::mins(1).0;
        let by_minute = portfolio.ends.len() > ENDS_MOST;
        let whole = |at: Timestamp| if by_minute { Timestamp(at.0.div_ceil(minute) * minute) } else { at };
        let ahead = portfolio.ends.iter().filter(|(at, _)| *at > now);
        let mut ends: Vec<_> = ahead.map(|(at, count)| (whole(*at), i128::from(*count) * WHOLE)).collect();
        ends.sort_unstable();
        ends.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        let used: i128 = ends.iter().map(|end| end.1).sum();
        let (is_limited, free) = match portfolio.limit {
            Limit::Unlimited => (false, 0),
            Limit::Contacts(most) => (true, i128::from(most) * WHOLE - used),
        };
        let ends = if is_limited { ends.into() } else { VecDeque::new() };
        Self { is_limited, free, ends, releases: VecDeque::new(), back: 0, wanted: 0, sent: 0 }
    }

    /// Takes back what is due. Gives when the rate of that changes.
    fn look(&mut self, now: Timestamp) -> Timestamp {
        (self.back, self.wanted, self.sent) = (0, 0, 0);
        while let Some((_, parts)) = self.ends.front().copied().filter(|end| end.0 <= now) {
            self.free += parts;
            self.ends.pop_front();
        }
        while self.releases.front().is_some_and(|release| release.to <= now) {
            self.releases.pop_front();
        }
        let end = self.ends.front().map_or(Timestamp::NEVER, |end| end.0);
        match self.releases.front() {
            Some(release) if release.from <= now => {
                self.back = release.rate;
                end.min(release.to)
            }
            Some(release) => end.min(release.from),
            None => end,
        }
    }

    /// Whether the senders may send less than they could: there is no room for a microsecond of it.
    fn is_full(&self) -> bool {
        self.is_limited && self.free < self.wanted
    }

    /// Settles what may be sent. Gives for how long, if nothing else changes.
    fn admit(&mut self) -> u64 {
        let until = |parts: i128| u64::try_from(parts).unwrap_or(u64::MAX);
        if !self.is_full() {
            self.sent = self.wanted;
            let drain = self.sent - self.back;
            return if self.is_limited && drain > 0 { until(self.free / drain) } else { u64::MAX };
        }
        if self.free < 0 {
            self.sent = 0;
            return if self.back > 0 { until((-self.free + self.back - 1) / self.back) } else { u64::MAX };
        }
        self.sent = self.wanted.min(self.back);
        u64::MAX
    }

    fn advance(&mut self, now: Timestamp, span: Span) {
        if !self.is_limited {
            return;
        }
        self.free += (self.back - self.sent) * i128::from(span.0);
        if self.sent == 0 {
            return;
        }
        let (from, to) = (now + MESSAGING_LIMIT_WINDOW, now + span + MESSAGING_LIMIT_WINDOW);
        match self.releases.back_mut() {
            Some(last) if last.to == from && last.rate == self.sent => last.to = to,
            Some(_) | None => self.releases.push_back(Release { from, to, rate: self.sent }),
        }
    }
}

/// What one sender could send of one campaign now.
struct Flow {
    campaign: usize,
    portfolio: usize,
    rate: i128,
}

/// A plan under way.
struct Course<'a> {
    ask: &'a Ask<'a>,
    now: Timestamp,
    works: Vec<Work>,
    rooms: Vec<Room>,
    flows: Vec<Flow>,
    equals: Vec<usize>,
}

impl<'a> Course<'a> {
    fn new(ask: &'a Ask<'a>) -> Self {
        let works = ask.campaigns.iter().map(Work::new).collect();
        let rooms = ask.portfolios.iter().map(|portfolio| Room::new(ask.now, portfolio)).collect();
        Self { ask, now: ask.now, works, rooms, flows: Vec::new(), equals: Vec::new() }
    }

    /// From one change to the next. False when nothing is left to happen.
    fn step(&mut self) -> bool {
        let looks = self.works.iter_mut().zip(self.ask.campaigns);
        let mut change = looks.map(|(work, campaign)| work.look(self.now, campaign)).min().unwrap_or(Timestamp::NEVER);
        if change == Timestamp::NEVER {
            return false;
        }
        for room in &mut self.rooms {
            change = change.min(room.look(self.now));
        }
        self.share();
        for room in &mut self.rooms {
            change = change.min(self.now + Span(room.admit()));
        }
        self.admit();
        for work in self.works.iter().filter(|work| work.rate > 0) {
            let done = (work.awake + work.rate - 1) / work.rate;
            change = change.min(self.now + Span(u64::try_from(done).unwrap_or(u64::MAX)));
        }
        self.advance(change.since(self.now));
        true
    }

    /// Shares each sender's throughput among its campaigns that are awake and of the highest priority.
    fn share(&mut self) {
        self.flows.clear();
        for (id, sender) in self.ask.senders.iter().enumerate() {
            let mine = |campaign: &Campaign<'_>| campaign.senders.iter().any(|sender| usize::from(*sender) == id);
            let campaigns = self.ask.campaigns.iter().enumerate();
            let awake = campaigns.filter(|(at, campaign)| self.works[*at].awake > 0 && mine(campaign));
            let highest = awake.clone().map(|(_, campaign)| campaign.priority).max();
            self.equals.clear();
            self.equals.extend(awake.filter(|(_, one)| Some(one.priority) == highest).map(|(at, _)| at));
            let whole = i128::from(sender.throughput.max(1)) * 1_000;
            let portfolio = usize::from(sender.portfolio);
            let count = self.equals.len() as i128;
            for (nth, campaign) in self.equals.iter().enumerate() {
                let rate = whole / count + i128::from((nth as i128) < whole % count);
                self.rooms[portfolio].wanted += rate;
                self.flows.push(Flow { campaign: *campaign, portfolio, rate });
            }
        }
    }

    /// Cuts the flows to what their portfolio admits, in proportion.
    fn admit(&mut self) {
        for (id, room) in self.rooms.iter().enumerate().filter(|(_, room)| room.wanted > 0) {
            let mine = || self.flows.iter().filter(|flow| flow.portfolio == id);
            let cut = |flow: &Flow| flow.rate * room.sent / room.wanted;
            let mut rest = room.sent - mine().map(cut).sum::<i128>();
            for flow in mine() {
                let more = rest.min(flow.rate - cut(flow)).min(1);
                self.works[flow.campaign].rate += cut(flow) + more;
                rest -= more;
            }
        }
    }

    fn advance(&mut self, span: Span) {
        for (work, campaign) in self.works.iter_mut().zip(self.ask.campaigns) {
            if work.left == 0 || self.now < campaign.start || self.now >= campaign.start + DEADLINE {
                continue;
            }
            let rooms = campaign.senders.iter().map(|sender| self.ask.senders[usize::from(*sender)].portfolio);
            let binds = if work.awake == 0 {
                Binds::QuietHours
            } else if rooms.map(|room| &self.rooms[usize::from(room)]).any(|room| room.sent < room.wanted) {
                Binds::MessagingLimit
            } else {
                Binds::Throughput
            };
            let wait = &mut work.waits[binds as usize];
            *wait = *wait + span;
            work.send(self.now, span, campaign);
        }
        for room in &mut self.rooms {
            room.advance(self.now, span);
        }
        self.now += span;
    }
}

#[cfg(test)]
mod tests;
