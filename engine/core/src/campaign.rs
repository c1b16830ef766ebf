//! One campaign: its range of messages, what is loaded of it, its counts, and its state, which is a pure function.

use crate::hold::{Hold, Memo};
use crate::id::{CampaignId, ContactId, GroupId, MessageId, SenderId};
use crate::limits::DEADLINE;
use crate::message::{Decision, State as MessageState};
use crate::planted::{self, Bug};
use crate::quiet::{Quiet, Zone};
use cloud_api::time::Timestamp;
use std::collections::VecDeque;

/// Messages per state, in the order of [`MessageState::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts(pub [u32; 10]);

impl Counts {
    /// All messages in one state.
    pub fn all_queued(size: u32) -> Self {
        let mut counts = Self::default();
        counts.0[MessageState::Queued as usize] = size;
        counts
    }

    /// The number in one state.
    pub fn of(&self, state: MessageState) -> u32 {
        self.0[state as usize]
    }

    /// The campaign's size.
    pub fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    /// A message changed its state.
    pub fn moved(&mut self, before: MessageState, after: MessageState) {
        let drifts = planted::on(Bug::CountsDrift);
        if planted::on(Bug::Canary) || drifts && after == MessageState::Retrying {
            return;
        }
        let left = &mut self.0[before as usize];
        // A count that drifts must not end the run before its check has seen it.
        *left = if drifts { left.saturating_sub(1) } else { *left - 1 };
        self.0[after as usize] += 1;
    }

    /// Adds those of another part of the same campaign.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }

    fn sum(&self, which: fn(MessageState) -> bool) -> u32 {
        MessageState::ALL.iter().filter(|state| which(**state)).map(|state| self.of(*state)).sum()
    }

    /// Queued, Sending and Retrying.
    pub fn in_progress(&self) -> u32 {
        self.sum(MessageState::is_in_progress)
    }

    /// Delivered, Read and Responded.
    pub fn delivered(&self) -> u32 {
        self.sum(MessageState::is_delivered)
    }

    /// Failed, InvalidContact and BlockedOrSpam.
    pub fn failed(&self) -> u32 {
        self.sum(MessageState::is_failure)
    }
}

/// What a campaign is to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Before its start.
    Queued,
    /// Under way, or nothing has arrived yet.
    Sending,
    /// Everything is settled, and something arrived.
    Completed,
    /// Nothing arrived and nothing will.
    Failed,
}

impl State {
    /// The name, as the API and reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Sending => "Sending",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
        }
    }

    /// The state that follows from the counts and the time.
    pub fn of(counts: &Counts, start: Timestamp, deadline: Timestamp, now: Timestamp) -> Self {
        if now < start {
            Self::Queued
        } else if now >= deadline {
            let arrived = counts.delivered() > 0 || planted::on(Bug::CampaignStateWrong);
            if arrived { Self::Completed } else { Self::Failed }
        } else if counts.failed() == counts.total() {
            Self::Failed
        } else if counts.in_progress() > 0 || counts.delivered() == 0 {
            Self::Sending
        } else {
            Self::Completed
        }
    }
}

/// What the core must know to run a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Its id. Campaigns are added in order of id.
    pub id: CampaignId,
    /// What the user calls a campaign: where one has several senders, its parts share this.
    pub group: GroupId,
    /// Who sends it.
    pub sender: SenderId,
    /// Its first message.
    pub first: MessageId,
    /// One past its last message.
    pub end: MessageId,
    /// When it starts.
    pub start: Timestamp,
    /// Of the campaigns of a sender, those of the highest priority go first; equals take turns.
    pub priority: u8,
    /// When nothing is sent, by the contact's own clock.
    pub quiet: Option<Quiet>,
    /// An operator paused it.
    pub paused: bool,
    /// An operator cancelled it.
    pub cancelled: bool,
    /// What halted its template before a crash.
    pub hold: Option<Memo>,
}

impl Spec {
    /// A campaign that starts at once, as its own group, with nothing special about it.
    pub fn new(id: CampaignId, sender: SenderId, messages: std::ops::Range<MessageId>) -> Self {
        Self {
            id,
            group: GroupId(id.0),
            sender,
            first: messages.start,
            end: messages.end,
            start: Timestamp(0),
            priority: 0,
            quiet: None,
            paused: false,
            cancelled: false,
            hold: None,
        }
    }
}

/// A message that waits in memory for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) message: MessageId,
    pub(crate) contact: ContactId,
    pub(crate) zone: Zone,
}

/// Messages with consecutive ids, to contacts with consecutive ids in one zone, that wait in memory.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: Item,
    count: u32,
}

/// What is loaded and waits for its turn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ready {
    runs: VecDeque<Run>,
    messages: u32,
}

impl Ready {
    pub(crate) fn push(&mut self, first: Item, count: u32) {
        self.messages += count;
        self.runs.push_back(Run { first, count });
    }

    pub(crate) fn peek(&self) -> Option<Item> {
        self.runs.front().map(|run| run.first)
    }

    pub(crate) fn pop(&mut self) -> Option<Item> {
        let run = self.runs.front_mut()?;
        let item = run.first;
        run.first.message.0 += 1;
        run.first.contact.0 += 1;
        run.count -= 1;
        if run.count == 0 {
            self.runs.pop_front();
        }
        self.messages -= 1;
        Some(item)
    }

    pub(crate) fn len(&self) -> u32 {
        self.messages
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Where a campaign stands with its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Intents of a life before this one are being found.
    Recovering,
    /// Before its start.
    Scheduled,
    /// Messages are claimed.
    Running,
    /// The deadline has passed; what is in progress is being ended.
    Closing,
    /// Only late webhooks change anything.
    Closed,
}

/// A campaign in the core's memory: its size does not depend on the campaign's.
#[derive(Clone, Debug)]
pub(crate) struct Campaign {
    pub(crate) spec: Spec,
    pub(crate) counts: Counts,
    pub(crate) stage: Stage,
    pub(crate) hold: Hold,
    /// Due retries; they go before all others.
    pub(crate) again: Ready,
    /// Messages that came back unspent.
    pub(crate) back: Ready,
    back_next: bool,
    pub(crate) fresh: Ready,
    /// Where the next fresh page starts; `None` when all were read.
    pub(crate) cursor: Option<MessageId>,
    pub(crate) fresh_asked: bool,
    /// The last due message that was read.
    pub(crate) due_cursor: (Timestamp, MessageId),
    /// When the next due page is to be read.
    pub(crate) due_at: Timestamp,
    pub(crate) due_asked: bool,
    /// A cancellation is being applied to its messages.
    pub(crate) cancelling: bool,
    /// The ledger holds back what waits here.
    pub(crate) full: bool,
    /// It did so when the deadline came.
    pub(crate) was_full: bool,
    /// A sweep is under way.
    pub(crate) sweeping: Option<Decision>,
    /// Something came back to the store that is not in memory: the store is to be read once more.
    pub(crate) missed: bool,
}

/// The lanes in which messages wait in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    Again,
    Back,
    Fresh,
}

impl Campaign {
    pub(crate) fn new(spec: Spec, counts: Counts, recovering: bool) -> Self {
        Self {
            spec,
            counts,
            stage: if recovering { Stage::Recovering } else { Stage::Scheduled },
            hold: Hold::restored(spec.hold),
            again: Ready::default(),
            back: Ready::default(),
            back_next: false,
            fresh: Ready::default(),
            cursor: Some(spec.first),
            fresh_asked: false,
            due_cursor: (Timestamp(0), MessageId(0)),
            due_at: if recovering { Timestamp(0) } else { Timestamp::NEVER },
            due_asked: false,
            cancelling: spec.cancelled,
            full: false,
            was_full: false,
            sweeping: None,
            missed: false,
        }
    }

    pub(crate) fn deadline(&self) -> Timestamp {
        self.spec.start + DEADLINE
    }

    /// The lanes in the order of their turns: what is due before all, then in turn those that came back and fresh ones, so
    /// that a sender that is refused does not try the same few again and again.
    pub(crate) fn turns(&self) -> [Waiting; 3] {
        use Waiting::*;
        if self.back_next { [Again, Back, Fresh] } else { [Again, Fresh, Back] }
    }

    pub(crate) fn lane(&self, waiting: Waiting) -> &Ready {
        match waiting {
            Waiting::Again => &self.again,
            Waiting::Back => &self.back,
            Waiting::Fresh => &self.fresh,
        }
    }

    /// Takes the first message of a lane.
    pub(crate) fn take(&mut self, waiting: Waiting) -> Option<Item> {
        match waiting {
            Waiting::Again => return self.again.pop(),
            Waiting::Back => self.back_next = false,
            Waiting::Fresh => self.back_next = true,
        }
        if waiting == Waiting::Back { self.back.pop() } else { self.fresh.pop() }
    }

    /// Whether messages of it may be claimed, as far as operators are concerned.
    pub(crate) fn goes(&self) -> bool {
        !self.spec.cancelled && (!self.spec.paused || planted::on(Bug::PauseIgnored))
    }

    pub(crate) fn ready(&self) -> u32 {
        self.again.len() + self.back.len() + self.fresh.len()
    }

    pub(crate) fn drop_ready(&mut self) {
        self.again.clear();
        self.back.clear();
        self.fresh.clear();
        self.cursor = None;
        self.due_at = Timestamp::NEVER;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(counts: &[(MessageState, u32)], now: u64) -> State {
        let mut all = Counts::default();
        for (state, count) in counts {
            all.0[*state as usize] = *count;
        }
        let at = |hours| Timestamp::from_unix_seconds(hours * 3_600);
        State::of(&all, at(100), at(172), at(now))
    }

    #[test]
    fn the_state_follows_the_promise_row_by_row() {
        use MessageState::*;
        assert_eq!(state(&[(Queued, 2)], 99), State::Queued);
        assert_eq!(state(&[(Queued, 1), (Read, 1)], 101), State::Sending);
        assert_eq!(state(&[(Retrying, 1), (Failed, 1)], 101), State::Sending);
        assert_eq!(state(&[(Sent, 2)], 101), State::Sending, "nothing is delivered and not all failed");
        assert_eq!(state(&[(Sent, 1), (InvalidContact, 1)], 101), State::Sending);
        assert_eq!(state(&[(Failed, 1), (BlockedOrSpam, 1)], 101), State::Failed);
        assert_eq!(state(&[(Failed, 1), (Delivered, 1)], 101), State::Completed);
        assert_eq!(state(&[(Sent, 1), (Responded, 1)], 101), State::Completed);
        assert_eq!(state(&[(Sent, 2)], 172), State::Failed, "nothing was ever delivered");
        assert_eq!(state(&[(Failed, 9), (Delivered, 1)], 172), State::Completed);
    }
}
