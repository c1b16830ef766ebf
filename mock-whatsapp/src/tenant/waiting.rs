//! Sends that wait because too many webhooks of their tenant do: for long, a sender cannot be faster than its receiver.
//!
//! Every tenant's wait by themselves, only so long that nobody minds, and only while the receiver answers: there is nothing to
//! be won by waiting for one that hangs.

use super::{Reply, Tenant};
use crate::graph::send::Sending;
use crate::limits::{BATCH, CALLS_WAIT, RECEIVER_HANGS, WEBHOOKS_PER_CALL};
use cloud_api::time::Timestamp;
use std::collections::VecDeque;

/// Sends that wait. Bounded by the connections, of which each has one call under way.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Each with the real moment at which it is taken in, whatever becomes of webhooks.
    sends: VecDeque<(Timestamp, Sending, Reply)>,
    /// How many webhooks were answered for which no send was taken in.
    answered: usize,
    /// The real moment of the last of them.
    answered_at: Timestamp,
}

impl Waiting {
    /// One more webhook was answered.
    pub(super) fn answered(&mut self, real: Timestamp) {
        self.answered = (self.answered + 1).min(BATCH * WEBHOOKS_PER_CALL);
        self.answered_at = real;
    }

    /// Whether webhooks are being answered, so that it helps to wait.
    fn helps(&self, real: Timestamp) -> bool {
        real.since(self.answered_at) < RECEIVER_HANGS
    }

    /// The real moment at which the next is taken in at the latest, if one waits.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.sends.front().map(|(until, ..)| *until)
    }

    /// So many sends are taken in.
    fn taken(&mut self, count: usize) {
        self.answered = self.answered.saturating_sub(count * WEBHOOKS_PER_CALL);
    }

    /// How many need not wait any more.
    fn ready(&self, real: Timestamp, is_behind: bool) -> usize {
        if !is_behind {
            return self.sends.len();
        }
        // Not all at once: others wait for their turn.
        let overdue = self.sends.iter().take(BATCH).take_while(|(until, ..)| *until <= real).count();
        overdue.max(self.answered / WEBHOOKS_PER_CALL).min(self.sends.len())
    }
}

impl Tenant {
    /// Takes in a send that is well formed, once it need not wait for webhooks.
    pub fn take_in(&mut self, real: Timestamp, sending: Sending, reply: Reply) {
        if (self.is_behind() && self.waiting.helps(real)) || !self.waiting.sends.is_empty() {
            self.waiting.sends.push_back((real + CALLS_WAIT, sending, reply));
        } else {
            self.waiting.taken(1);
            self.post(real, &sending, reply);
        }
    }

    /// Takes in what waited long enough; whether there was anything.
    pub(super) fn let_in(&mut self, real: Timestamp) -> bool {
        let count = self.waiting.ready(real, self.is_behind());
        self.waiting.taken(count);
        self.let_in_some(real, count);
        count > 0
    }

    /// Takes in all that waits: it came before what is to happen now.
    pub(super) fn let_all_in(&mut self, real: Timestamp) {
        self.let_in_some(real, usize::MAX);
    }

    fn let_in_some(&mut self, real: Timestamp, most: usize) {
        for _ in 0..most {
            let Some((_, sending, reply)) = self.waiting.sends.pop_front() else { return };
            self.post(real, &sending, reply);
        }
    }
}
