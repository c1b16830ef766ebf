//! One campaign: its range of messages, what is loaded of it, its counts, and its state, which is a pure function.

use crate::hold::Hold;
use crate::id::{CampaignId, MessageId, SenderId};
use crate::limits::DEADLINE;
use crate::message::State as MessageState;
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
        self.0[before as usize] -= 1;
        self.0[after as usize] += 1;
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
            if counts.delivered() > 0 { Self::Completed } else { Self::Failed }
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
    /// Who sends it.
    pub sender: SenderId,
    /// Its first message.
    pub first: MessageId,
    /// One past its last message.
    pub end: MessageId,
    /// When it starts.
    pub start: Timestamp,
}

/// Messages with consecutive ids that wait in memory.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: u32,
    count: u32,
}

/// What is loaded and waits for its turn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ready {
    runs: VecDeque<Run>,
    messages: u32,
}

impl Ready {
    pub(crate) fn push(&mut self, first: MessageId, count: u32) {
        self.messages += count;
        self.runs.push_back(Run { first: first.0, count });
    }

    pub(crate) fn pop(&mut self) -> Option<MessageId> {
        let run = self.runs.front_mut()?;
        let message = MessageId(run.first);
        run.first += 1;
        run.count -= 1;
        if run.count == 0 {
            self.runs.pop_front();
        }
        self.messages -= 1;
        Some(message)
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
}

impl Campaign {
    pub(crate) fn new(spec: Spec, counts: Counts, recovering: bool) -> Self {
        Self {
            spec,
            counts,
            stage: if recovering { Stage::Recovering } else { Stage::Scheduled },
            hold: Hold::default(),
            again: Ready::default(),
            back: Ready::default(),
            back_next: false,
            fresh: Ready::default(),
            cursor: Some(spec.first),
            fresh_asked: false,
            due_cursor: (Timestamp(0), MessageId(0)),
            due_at: if recovering { Timestamp(0) } else { Timestamp::NEVER },
            due_asked: false,
        }
    }

    pub(crate) fn deadline(&self) -> Timestamp {
        self.spec.start + DEADLINE
    }

    /// The next message: what is due before all, then in turn those that came back and fresh ones, so that a sender that
    /// is refused does not try the same few again and again.
    pub(crate) fn pop(&mut self) -> Option<MessageId> {
        self.again.pop().or_else(|| {
            self.back_next = !self.back_next;
            let (one, other) =
                if self.back_next { (&mut self.back, &mut self.fresh) } else { (&mut self.fresh, &mut self.back) };
            one.pop().or_else(|| other.pop())
        })
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
