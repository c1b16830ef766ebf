//! The gate: acknowledgements wait until the writes before them are durable.
//!
//! Whoever drives the core pushes its commands here in order, takes a batch of writes when the store is free, and gets
//! the effects that the batch released once it is committed. Attempts need no gate: their `Send` comes only out of the
//! durable intent's [`crate::Event::Merged`].

use crate::Command;
use crate::id::AckToken;
use crate::limits::BATCH;
use crate::planted::{self, Bug};
use std::collections::VecDeque;

/// Commands on their way: writes to the store, effects behind the writes that they depend on.
#[derive(Debug, Default)]
pub struct Gate {
    writes: VecDeque<Command>,
    /// Writes pushed so far, taken so far, durable so far.
    pushed: u64,
    taken: u64,
    durable: u64,
    /// Effects, each with the number of writes that must be durable first.
    waiting: VecDeque<(u64, Command)>,
}

impl Gate {
    /// Takes in a command. Gives it back if nothing stands before it: it may be carried out at once.
    #[must_use = "an effect that is given back is due now"]
    pub fn push(&mut self, command: Command) -> Option<Command> {
        match command {
            Command::Merge(_)
            | Command::Sweep { .. }
            | Command::Load { .. }
            | Command::Defer { .. }
            | Command::Suppress { .. }
            | Command::Flag { .. }
            | Command::Remember { .. }
            | Command::RememberChannel { .. }
            | Command::Count { .. } => {
                self.writes.push_back(command);
                self.pushed += 1;
                None
            }
            Command::Send { .. } => Some(command),
            Command::Acknowledge { .. } if self.durable == self.pushed || planted::on(Bug::AcknowledgedEarly) => {
                Some(command)
            }
            Command::Acknowledge { .. } => {
                self.waiting.push_back((self.pushed, command));
                None
            }
        }
    }

    /// Whether a batch could be taken.
    pub fn has_writes(&self) -> bool {
        !self.writes.is_empty()
    }

    /// How many writes wait for a batch.
    pub fn backlog(&self) -> usize {
        self.writes.len()
    }

    /// Takes at most [`BATCH`] writes, in order, for one commit. One batch at a time.
    pub fn take(&mut self, batch: &mut Vec<Command>) {
        debug_assert_eq!(self.taken, self.durable, "one batch at a time");
        let count = self.writes.len().min(BATCH);
        batch.extend(self.writes.drain(..count));
        self.taken += count as u64;
    }

    /// The acknowledgements that still wait: whoever asked for them hears nothing if the process ends here.
    pub fn unacknowledged(&self) -> impl Iterator<Item = AckToken> {
        self.waiting.iter().filter_map(|(_, command)| match command {
            Command::Acknowledge { token } => Some(*token),
            _ => None,
        })
    }

    /// The batch that was taken is durable: the effects that waited for it are due.
    pub fn committed(&mut self, due: &mut Vec<Command>) {
        self.durable = self.taken;
        while let Some((needs, command)) = self.waiting.front() {
            if *needs > self.durable {
                break;
            }
            due.push(*command);
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::Fact;
    use crate::command::Merge;
    use crate::id::{CampaignId, ContactId, MessageId, SenderId};

    fn merge(message: u32) -> Command {
        let message = MessageId(message);
        Command::Merge(Merge { message, number: 1, fact: Fact::Sent, code: None, retry_after_seconds: 0 })
    }

    fn ack(token: u32) -> Command {
        Command::Acknowledge { token: AckToken(token) }
    }

    #[test]
    fn an_acknowledgement_waits_for_every_write_before_it_and_no_other() {
        let mut gate = Gate::default();
        let (mut batch, mut due) = (Vec::new(), Vec::new());
        assert_eq!(gate.push(ack(0)), Some(ack(0)), "nothing was learned, nothing to wait for");
        assert_eq!(gate.push(merge(1)), None);
        assert_eq!(gate.push(ack(1)), None);
        gate.take(&mut batch);
        assert_eq!(gate.push(merge(2)), None);
        assert_eq!(gate.push(ack(2)), None);
        gate.committed(&mut due);
        assert_eq!((batch.as_slice(), due.as_slice()), ([merge(1)].as_slice(), [ack(1)].as_slice()));
        gate.take(&mut batch);
        gate.committed(&mut due);
        assert_eq!(due, [ack(1), ack(2)]);
    }

    #[test]
    fn a_send_goes_at_once_since_only_its_durable_intent_lets_it_out() {
        let mut gate = Gate::default();
        assert_eq!(gate.push(merge(1)), None);
        let (message, contact) = (MessageId(9), ContactId(9));
        let send = Command::Send { message, number: 1, sender: SenderId(0), campaign: CampaignId(0), contact };
        assert_eq!(gate.push(send), Some(send));
    }

    #[test]
    fn a_batch_is_bounded() {
        let mut gate = Gate::default();
        for n in 0..2_500 {
            assert_eq!(gate.push(merge(n)), None);
        }
        let mut sizes = Vec::new();
        while gate.has_writes() {
            let mut batch = Vec::new();
            gate.take(&mut batch);
            gate.committed(&mut Vec::new());
            sizes.push(batch.len());
        }
        assert_eq!(sizes, [1_000, 1_000, 500]);
    }
}
