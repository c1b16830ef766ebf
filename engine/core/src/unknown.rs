//! Attempts of unknown outcome that wait for evidence: one queue per sender, in the order in which they became unknown.
//!
//! The wait is the same for all, so a queue is enough. Evidence does not search this queue: a given-up fact that comes to
//! an attempt with evidence changes nothing.

use crate::id::MessageId;
use crate::limits::UNKNOWN_WAIT;
use cloud_api::time::Timestamp;
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug)]
struct Waiting {
    message: MessageId,
    number: u8,
    since: Timestamp,
}

/// The unknown outcomes of one sender. Bounded by the pace times twice the wait.
#[derive(Clone, Debug, Default)]
pub struct Unknowns {
    queue: VecDeque<Waiting>,
    heard: Timestamp,
}

impl Unknowns {
    /// The outcome of this attempt is unknown as of `now`.
    pub fn push(&mut self, now: Timestamp, message: MessageId, number: u8) {
        self.queue.push_back(Waiting { message, number, since: now });
    }

    /// A valid webhook of this sender told of something that happened at `at`.
    pub fn heard(&mut self, at: Timestamp) {
        self.heard = self.heard.max(at);
    }

    /// When the oldest is given up: once the wait is over and a webhook as young as that proves that the channel is
    /// alive, or after twice the wait.
    pub fn wakes(&self) -> Option<Timestamp> {
        let oldest = self.queue.front()?;
        let over = oldest.since + UNKNOWN_WAIT;
        Some(if self.heard >= over { over } else { over + UNKNOWN_WAIT })
    }

    /// The next attempt to give up.
    pub fn pop(&mut self, now: Timestamp) -> Option<(MessageId, u8)> {
        if self.wakes()? > now {
            return None;
        }
        self.queue.pop_front().map(|waiting| (waiting.message, waiting.number))
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloud_api::time::Span;

    #[test]
    fn an_unknown_outcome_is_given_up_after_the_wait_only_if_the_channel_is_alive() {
        let start = Timestamp::from_unix_seconds(1_000);
        let mut unknowns = Unknowns::default();
        unknowns.push(start, MessageId(7), 1);
        assert_eq!(unknowns.wakes(), Some(start + UNKNOWN_WAIT * 2));
        unknowns.heard(start + UNKNOWN_WAIT - Span::micros(1));
        assert_eq!(unknowns.pop(start + UNKNOWN_WAIT), None, "heard too early to prove anything");
        unknowns.heard(start + UNKNOWN_WAIT);
        assert_eq!(unknowns.pop(start + UNKNOWN_WAIT), Some((MessageId(7), 1)));
        assert_eq!(unknowns.wakes(), None);
    }
}
