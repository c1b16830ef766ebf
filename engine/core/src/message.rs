//! One message: the facts of its attempts, the decisions about it, and the state that follows from both.
//!
//! A [`Row`] is what every store keeps of a message. It is changed by [`Row::learn`] and [`Row::decide`] only, and the
//! state is derived, never stored as the truth: so neither order nor repetition of webhooks can matter.

use crate::attempt::{Attempt, Fact, Phase};
use crate::command::Merge;
use crate::event::Merged;
use crate::id::{ContactId, MessageId};
use crate::planted::{self, Bug};
use crate::quiet::Zone;
use crate::retry::{self, Next};
use cloud_api::catalogue::{Class, CodeIndex};
use cloud_api::time::{Span, Timestamp};

/// Spent attempts that a message may have: one, and three retries.
pub const ATTEMPTS: usize = 4;

/// What a message is to the user. The order is that of the promise's table and of every list of counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum State {
    /// Waiting for its turn.
    #[default]
    Queued = 0,
    /// An attempt is under way, or was accepted and not yet `sent`.
    Sending = 1,
    /// An attempt failed; the next one has a due time.
    Retrying = 2,
    /// WhatsApp says it was sent.
    Sent = 3,
    /// It arrived on the device.
    Delivered = 4,
    /// The contact read it.
    Read = 5,
    /// The contact answered it.
    Responded = 6,
    /// Something went wrong.
    Failed = 7,
    /// Not a valid WhatsApp user.
    InvalidContact = 8,
    /// Blocked or reported, opted out, or limits were reached.
    BlockedOrSpam = 9,
}

impl State {
    /// Every state, in the order of the numbers.
    pub const ALL: [Self; 10] = {
        use State::*;
        [Queued, Sending, Retrying, Sent, Delivered, Read, Responded, Failed, InvalidContact, BlockedOrSpam]
    };

    /// The name, as the API and reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Sending => "Sending",
            Self::Retrying => "Retrying",
            Self::Sent => "Sent",
            Self::Delivered => "Delivered",
            Self::Read => "Read",
            Self::Responded => "Responded",
            Self::Failed => "Failed",
            Self::InvalidContact => "InvalidContact",
            Self::BlockedOrSpam => "BlockedOrSpam",
        }
    }

    /// Queued, Sending or Retrying.
    pub fn is_in_progress(self) -> bool {
        matches!(self, Self::Queued | Self::Sending | Self::Retrying)
    }

    /// Delivered, Read or Responded.
    pub fn is_delivered(self) -> bool {
        matches!(self, Self::Delivered | Self::Read | Self::Responded)
    }

    /// Failed, InvalidContact or BlockedOrSpam.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::InvalidContact | Self::BlockedOrSpam)
    }
}

/// Something decided about a whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Decision {
    /// 72 hours after the campaign's start.
    DeadlinePassed = 1,
    /// By hand.
    Cancelled = 2,
    /// The contact wants no more of it.
    OptedOut = 4,
    /// Not a decision that stays: the engine started again, so an intent without an outcome is unknown.
    Recovered = 8,
}

impl Decision {
    /// Whether it may be applied to a message in this state: [`Row::is_concerned`] says whether it is. What has arrived is
    /// settled for good; everything else may yet fail in a way that asks for a retry.
    pub fn may_concern(self, state: State) -> bool {
        match self {
            Self::Recovered => state == State::Sending,
            Self::DeadlinePassed if planted::on(Bug::DeadlineOfOpenOnly) => state.is_in_progress(),
            Self::DeadlinePassed => !state.is_delivered(),
            Self::Cancelled | Self::OptedOut => state.is_in_progress() || matches!(state, State::Sent | State::Failed),
        }
    }
}

/// Beside the bits of [`Decision`]: an attempt of unknown outcome was given up, whatever became known later.
const GIVEN_UP: u8 = 0x80;

/// Why a message is in its state: a stable name, and the API's code where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// A stable name in snake case.
    pub name: &'static str,
    /// The error that it hangs on.
    pub code: Option<CodeIndex>,
}

/// All that a store keeps of a message's life: 24 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    attempts: [Attempt; ATTEMPTS],
    numbers: [u8; ATTEMPTS],
    posts: u8,
    decisions: u8,
    held: u8,
    due: Timestamp,
}

/// The columns of a [`Row`], as a store writes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Four attempts of 16 bits, the first in the lowest bits.
    pub facts: u64,
    /// Their numbers, 8 bits each, the first in the lowest bits.
    pub numbers: u32,
    /// POSTs so far.
    pub posts: u8,
    /// Bits of [`Decision`], and whether an attempt was ever given up.
    pub decisions: u8,
    /// The raw [`CodeIndex`] of what held it back at the deadline, or 0.
    pub held: u8,
    /// Microseconds before which no attempt is made, or 0.
    pub due: u64,
}

impl Row {
    /// From a store's columns. `None` where they are not what [`Row::columns`] gives.
    pub fn from_columns(columns: Columns) -> Option<Self> {
        let mut row =
            Self { posts: columns.posts, decisions: columns.decisions, held: columns.held, ..Self::default() };
        for slot in 0..ATTEMPTS {
            row.attempts[slot] = Attempt::from_bits((columns.facts >> (16 * slot)) as u16)?;
            row.numbers[slot] = (columns.numbers >> (8 * slot)) as u8;
        }
        row.due = Timestamp(columns.due);
        Some(row)
    }

    /// For a store.
    pub fn columns(&self) -> Columns {
        let mut columns = Columns {
            posts: self.posts,
            decisions: self.decisions,
            held: self.held,
            due: self.due.0,
            ..Columns::default()
        };
        for slot in 0..ATTEMPTS {
            columns.facts |= u64::from(self.attempts[slot].bits()) << (16 * slot);
            columns.numbers |= u32::from(self.numbers[slot]) << (8 * slot);
        }
        columns
    }

    /// POSTs so far, spent or not.
    pub fn posts(&self) -> u8 {
        self.posts
    }

    /// Attempts that count against [`ATTEMPTS`].
    pub fn spent(&self) -> u8 {
        self.attempts.iter().filter(|attempt| attempt.phase().is_spent()).count() as u8
    }

    /// Whether an attempt of unknown outcome was ever given up: the contact could have got, or could yet get, two copies.
    /// Never taken back: late evidence does not undo what was sent.
    pub fn was_given_up(&self) -> bool {
        self.decisions & GIVEN_UP != 0
    }

    /// Before when no attempt is made, if one waits for a time.
    pub fn due(&self) -> Option<Timestamp> {
        (self.due.0 != 0).then_some(self.due)
    }

    /// The attempts that there were and whose slots no later one took, each with its number.
    pub fn attempts(&self) -> impl Iterator<Item = (u8, Attempt)> {
        let used = self.attempts.iter().zip(self.numbers).filter(|(attempt, _)| attempt.phase() != Phase::Free);
        used.map(|(attempt, number)| (number, *attempt))
    }

    fn has(&self, decision: Decision) -> bool {
        self.decisions & decision as u8 != 0
    }

    /// The attempt of the highest number. That need not be the one of the last slot: what spent nothing leaves its slot to a
    /// later attempt.
    fn last(&self) -> Attempt {
        self.attempts().max_by_key(|(number, _)| *number).map(|(_, attempt)| attempt).unwrap_or_default()
    }

    /// Whether a decision is to be applied to it. A failure that was told keeps its state and its reason; one that was only
    /// presumed may turn out to be one that asks for a retry.
    pub fn is_concerned(&self, decision: Decision) -> bool {
        let state = self.state();
        let presumed = self.last().phase() == Phase::Abandoned && !planted::on(Bug::PresumedForgetsDecision);
        let told = state == State::Failed && !presumed;
        decision.may_concern(state) && !(told && matches!(decision, Decision::Cancelled | Decision::OptedOut))
    }

    /// Whether every attempt was made, and waiting for evidence of the last is over.
    fn is_given_up_for_good(&self) -> bool {
        usize::from(self.spent()) == ATTEMPTS && self.last().phase() == Phase::GivenUp
    }

    fn last_is_final(&self) -> bool {
        let last = self.last();
        last.phase() == Phase::Abandoned
            || last.phase() == Phase::Failed && last.code().is_some_and(|code| retry::is_final(code.class()))
    }

    /// The state, a pure function of the facts and the decisions.
    #[inline]
    pub fn state(&self) -> State {
        // Most messages have one attempt, whose phase says it all.
        if self.attempts[1].phase() == Phase::Free && self.decisions == 0 && self.posts < u8::MAX {
            match self.attempts[0].phase() {
                Phase::Free | Phase::Unspent => return State::Queued,
                Phase::Intended | Phase::Unknown | Phase::Accepted => return State::Sending,
                Phase::Sent => return State::Sent,
                Phase::Delivered => return State::Delivered,
                Phase::Read => return State::Read,
                Phase::Replied => return State::Responded,
                Phase::GivenUp | Phase::Abandoned | Phase::Failed => {}
            }
        }
        self.state_of_all()
    }

    fn state_of_all(&self) -> State {
        let phase = |slot: usize| self.attempts[slot].phase();
        let mut best = phase(0);
        let mut sent = best == Phase::Sent;
        let mut open = best.is_open();
        for slot in 1..ATTEMPTS {
            if phase(slot) == Phase::Free {
                break;
            }
            best = best.max(phase(slot));
            sent |= phase(slot) == Phase::Sent;
            open |= phase(slot).is_open();
        }
        match best {
            Phase::Replied => return State::Responded,
            Phase::Read => return State::Read,
            Phase::Delivered => return State::Delivered,
            Phase::Free
            | Phase::Intended
            | Phase::Unknown
            | Phase::GivenUp
            | Phase::Abandoned
            | Phase::Accepted
            | Phase::Sent
            | Phase::Unspent
            | Phase::Failed => {}
        }
        if sent {
            State::Sent
        } else if open && !self.has(Decision::DeadlinePassed) {
            State::Sending
        } else {
            self.state_when_nothing_is_under_way()
        }
    }

    fn state_when_nothing_is_under_way(&self) -> State {
        if self.has(Decision::OptedOut) && !self.last_is_final() {
            return State::BlockedOrSpam;
        }
        let spent = self.spent();
        let cancelled = self.has(Decision::Cancelled) && !(planted::on(Bug::CancelRetries) && spent > 0);
        let over = self.has(Decision::DeadlinePassed) || cancelled || self.posts == u8::MAX;
        if over || self.last_is_final() || usize::from(spent) == ATTEMPTS {
            return self.failure();
        }
        if spent > 0 { State::Retrying } else { State::Queued }
    }

    /// Which failure it is, once it is one.
    fn failure(&self) -> State {
        let last = self.last();
        if self.has(Decision::Cancelled) && !self.last_is_final() {
            return State::Failed;
        }
        let held = CodeIndex::from_raw(self.held).map(CodeIndex::class);
        let by = |class: Class| match class {
            Class::InvalidContact => State::InvalidContact,
            Class::Blocked | Class::MessagingLimit | Class::MarketingCap => State::BlockedOrSpam,
            Class::Transient
            | Class::Throttled
            | Class::Pair
            | Class::Refused
            | Class::TemplateWide
            | Class::NumberWide
            | Class::AccountWide
            | Class::Generic => State::Failed,
        };
        if last.phase() == Phase::Failed {
            let own = last.code().map_or(State::Failed, |code| by(code.class()));
            // A halt that held the retry back wins over the error that the retry was for.
            return if held.is_some() && !self.last_is_final() { held.map_or(own, by) } else { own };
        }
        held.map_or(State::Failed, by)
    }

    /// Why it is in its state.
    pub fn reason(&self) -> Reason {
        let last = self.last();
        let code = last.code();
        let failed = last.phase() == Phase::Failed;
        match self.state() {
            State::Queued if last.phase() == Phase::Unspent => Reason { name: "put_back", code },
            State::Queued if self.due.0 != 0 => Reason { name: "waiting_for_its_time", code: None },
            State::Queued => Reason { name: "waiting_for_its_turn", code: None },
            State::Sending if last.phase() == Phase::Accepted => Reason { name: "accepted", code: None },
            State::Sending if last.phase() == Phase::Unknown => Reason { name: "outcome_unknown", code: None },
            State::Sending => Reason { name: "in_flight", code: None },
            State::Retrying if last.phase() == Phase::GivenUp => Reason { name: "outcome_unknown", code: None },
            State::Retrying => Reason { name: "will_retry", code },
            State::Sent => Reason { name: "sent", code: None },
            State::Delivered => Reason { name: "delivered", code: None },
            State::Read => Reason { name: "read", code: None },
            State::Responded => Reason { name: "responded", code: None },
            State::Failed | State::InvalidContact | State::BlockedOrSpam => {
                if last.phase() == Phase::Abandoned {
                    Reason { name: "outcome_unknown", code }
                } else if failed && (self.last_is_final() || usize::from(self.spent()) == ATTEMPTS) {
                    Reason { name: code.map_or("generic", |code| code.class().name()), code }
                } else if self.has(Decision::OptedOut) {
                    Reason { name: "opted_out", code }
                } else if self.has(Decision::Cancelled) {
                    Reason { name: "cancelled", code }
                } else if let Some(held) = CodeIndex::from_raw(self.held) {
                    Reason { name: "held_back", code: Some(held) }
                } else if self.posts == u8::MAX {
                    Reason { name: "refused_too_often", code }
                } else if self.has(Decision::DeadlinePassed) && !self.is_given_up_for_good() {
                    Reason { name: if planted::on(Bug::ReasonWrong) { "cancelled" } else { "deadline" }, code }
                } else {
                    Reason { name: "outcome_unknown", code }
                }
            }
        }
    }

    /// Where the fact belongs: the attempt's slot. A fact about an attempt whose slot was given to a later one counts only
    /// if it is an arrival, which settles the message whichever attempt it came by.
    fn slot_of(&mut self, now: Timestamp, merge: &Merge, state: State) -> Option<usize> {
        if merge.fact == Fact::Intended {
            let waits = matches!(state, State::Queued | State::Retrying) && self.due <= now;
            let wanted = (waits || planted::on(Bug::ClaimWithoutNeed)) && self.posts < u8::MAX;
            let free = self.attempts.iter().position(|attempt| !attempt.phase().is_spent())?;
            if !wanted {
                return None;
            }
            self.posts += 1;
            self.numbers[free] = self.posts;
            self.attempts[free] = Attempt::default();
            return Some(free);
        }
        let used = |slot: usize| self.attempts[slot].phase() != Phase::Free;
        if let Some(slot) = (0..ATTEMPTS).find(|slot| used(*slot) && self.numbers[*slot] == merge.number) {
            return Some(slot);
        }
        // Evidence of an attempt that this store does not know: it runs on an old copy of itself.
        if merge.number > self.posts
            && let Some(free) = self.attempts.iter().position(|attempt| !attempt.phase().is_spent())
        {
            self.posts = merge.number;
            self.numbers[free] = merge.number;
            self.attempts[free] = Attempt::default();
            return Some(free);
        }
        let arrived = matches!(merge.fact, Fact::Delivered | Fact::Read | Fact::Replied);
        arrived.then(|| (0..ATTEMPTS).rev().find(|slot| used(*slot)).unwrap_or(0))
    }

    /// Merges a fact, and sets the time of the next attempt where the fact asks for one. `salt` keys the jitter.
    pub fn learn(&mut self, now: Timestamp, salt: u64, merge: &Merge) -> Merged {
        let before = self.state();
        let old = *self;
        let Some(slot) = self.slot_of(now, merge, before) else {
            return self.merged(merge.message, merge.number, Some(merge.fact), &old, (before, before), 0);
        };
        self.attempts[slot].learn(merge.fact, merge.code);
        if matches!(merge.fact, Fact::GivenUp | Fact::Abandoned) && !planted::on(Bug::ReportForgets) {
            let gave_up = matches!(self.attempts[slot].phase(), Phase::GivenUp | Phase::Abandoned);
            self.decisions |= if gave_up { GIVEN_UP } else { 0 };
        }
        let number = self.numbers[slot];
        let settled = self.attempts[slot] != old.attempts[slot] || self.numbers[slot] != old.numbers[slot];
        let after = self.state();
        if after != State::Retrying {
            if after != State::Queued || before != State::Queued {
                self.due = Timestamp(0);
            }
        } else if settled && matches!(merge.fact, Fact::Failed | Fact::GivenUp) {
            let class = self.attempts[slot].code().map_or(Class::Generic, CodeIndex::class);
            let key = retry::Key { salt, message: merge.message, number };
            // A final error of an attempt before the last one, which was given up, leaves the message to be tried again: it needs
            // a time, or it would wait until its deadline.
            let next = match retry::next(class, self.spent(), key) {
                Next::Never => retry::next(Class::Generic, self.spent(), key),
                next @ Next::After(_) => next,
            };
            if let Next::After(delay) = next {
                self.due = now + delay.max(Span::secs(u64::from(merge.retry_after_seconds)));
            }
        } else if self.due.0 == 0 {
            // An unspent attempt after a failed one: nothing to wait for but the sender's own hold. Later than now, as every
            // due time is: so the pages of the due lane, which go forward in time, never miss one.
            self.due = now + Span::micros(1);
        }
        self.merged(merge.message, number, Some(merge.fact), &old, (before, after), slot)
    }

    /// Applies a decision. The deadline and a cancellation end what waits; what is in flight is followed.
    pub fn decide(&mut self, message: MessageId, decision: Decision, held: Option<CodeIndex>) -> Merged {
        let before = self.state();
        let old = *self;
        let mut slot = 0;
        match decision {
            Decision::Recovered => {
                if planted::on(Bug::RecoveryResends) {
                    self.attempts.iter_mut().for_each(|attempt| {
                        if attempt.phase() == Phase::Intended {
                            attempt.learn(Fact::Unspent, None);
                        }
                    });
                }
                if let Some(open) = self.attempts.iter().position(|attempt| attempt.phase() == Phase::Intended) {
                    self.attempts[open].learn(Fact::Unknown, None);
                    slot = open;
                } else {
                    slot = self.attempts.iter().position(|attempt| attempt.phase() == Phase::Unknown).unwrap_or(0);
                }
            }
            Decision::DeadlinePassed | Decision::Cancelled | Decision::OptedOut => {
                self.decisions |= decision as u8;
                if matches!(before, State::Queued | State::Retrying) && self.held == 0 {
                    self.held = held.map_or(0, CodeIndex::raw);
                }
                if self.state() != State::Retrying {
                    self.due = Timestamp(0);
                }
            }
        }
        let number = if decision == Decision::Recovered { self.numbers[slot] } else { 0 };
        self.merged(message, number, None, &old, (before, self.state()), slot)
    }

    /// Keeps a message that waits for its turn back until a time: quiet hours, or the pair limit. Nothing else is deferred.
    pub fn defer(&mut self, message: MessageId, until: Timestamp) -> Merged {
        let (old, state) = (*self, self.state());
        if state == State::Queued || state == State::Retrying {
            self.due = self.due.max(until);
        }
        self.merged(message, 0, None, &old, (state, state), 0)
    }

    fn merged(
        &self,
        message: MessageId,
        number: u8,
        fact: Option<Fact>,
        old: &Self,
        (before, after): (State, State),
        slot: usize,
    ) -> Merged {
        Merged {
            message,
            contact: ContactId(0),
            zone: Zone::default(),
            number,
            fact,
            changed: self != old,
            was: old.attempts[slot].phase(),
            phase: self.attempts[slot].phase(),
            before,
            after,
            due: self.due().unwrap_or(Timestamp::NEVER),
        }
    }
}
