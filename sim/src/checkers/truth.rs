//! Promise: in the end the engine believes of every message what really became of it, but for updates that never came.
//!
//! The truth is WhatsApp's: how far each accepted message came.

use super::findings::Findings;
use super::seen::{Seen, flag};
use cloud_api::catalogue::CodeIndex;
use engine_core::State;
use engine_core::message::Row;
use mock_whatsapp_model::world::{MessageView, Stage};

/// What really became of the attempts of one message, taken together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Truth {
    best: Option<Stage>,
    sent: bool,
    /// Copies on the handset.
    pub copies: u8,
    /// Attempts that WhatsApp took.
    pub accepted: u8,
    /// Those of them that did not fail: copies that could exist.
    pub alive: u8,
}

impl Truth {
    /// Takes in one accepted attempt; they come in order of acceptance.
    pub fn add(&mut self, message: &MessageView) {
        self.add_attempt(message.stage);
    }

    /// The same, where only the stage is known.
    pub fn add_attempt(&mut self, stage: Stage) {
        self.accepted = self.accepted.saturating_add(1);
        self.best = self.best.max(Some(stage));
        self.sent |= stage == Stage::Sent;
        self.copies += u8::from(stage >= Stage::Delivered);
        self.alive += u8::from(stage != Stage::Failed);
    }

    /// The state that a sender should report after its deadline, whose last word from the API was `told`.
    pub fn state(&self, told: Option<CodeIndex>) -> State {
        match self.success() {
            Some(state) => state,
            None => told.map_or(State::Failed, |code| super::belief::by_class(code.class())),
        }
    }

    /// The success that it is, if it is one.
    fn success(&self) -> Option<State> {
        match self.best {
            Some(Stage::Replied) => Some(State::Responded),
            Some(Stage::Read) => Some(State::Read),
            Some(Stage::Delivered) => Some(State::Delivered),
            Some(Stage::Failed | Stage::Sent | Stage::Accepted) | None => self.sent.then_some(State::Sent),
        }
    }
}

/// Compares one message. Where an update of it never came, the engine may know less than happened, and never more.
#[inline]
pub fn judge(message: u32, row: &Row, truth: &Truth, seen: &Seen, findings: &mut Findings) {
    let believed = row.state();
    let is_right = match truth.success() {
        Some(success) => {
            believed == success || (seen.has(flag::LOST | flag::PARKED) && rank(believed) <= rank(success))
        }
        None => !rank_is_success(believed) || (seen.has(flag::LOST) && believed == State::Sent && truth.accepted > 0),
    };
    // An old copy of the store may hold what was true of an attempt that it forgot; it never makes up an arrival.
    let forgot = seen.has(flag::STALE) && rank(believed) <= truth.success().map_or(0, rank);
    if !is_right && !forgot {
        findings.add(Some(message), || {
            let is = truth.success().map_or("no success", State::name);
            let (posts, accepted) = (seen.posts, truth.accepted);
            format!(
                "message {message} is {} to the engine and {is} in truth ({posts} POSTs, {accepted} accepted)",
                believed.name()
            )
        });
    }
}

/// How far a state is from nothing.
fn rank(state: State) -> u8 {
    match state {
        State::Queued
        | State::Sending
        | State::Retrying
        | State::Failed
        | State::InvalidContact
        | State::BlockedOrSpam => 0,
        State::Sent => 1,
        State::Delivered => 2,
        State::Read => 3,
        State::Responded => 4,
    }
}

fn rank_is_success(state: State) -> bool {
    rank(state) > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::attempt::Fact;
    use engine_core::command::Merge;
    use engine_core::id::MessageId;
    use engine_core::time::Timestamp;

    fn found(believed: &[Fact], stages: &[Stage], flags: u8) -> u64 {
        let mut row = Row::default();
        for fact in believed {
            let number = u8::from(*fact != Fact::Intended);
            let merge = Merge { message: MessageId(0), number, fact: *fact, code: None, retry_after_seconds: 0 };
            row.learn(Timestamp(1), 0, &merge);
        }
        let mut truth = Truth::default();
        stages.iter().for_each(|stage| truth.add_attempt(*stage));
        let mut findings = Findings::default();
        judge(0, &row, &truth, &Seen { flags, ..Seen::default() }, &mut findings);
        findings.count()
    }

    #[test]
    fn a_belief_other_than_the_truth_is_found_message_by_message() {
        let sent = [Fact::Intended, Fact::Sent];
        let read = [Fact::Intended, Fact::Read];
        assert_eq!(found(&sent, &[Stage::Sent], 0), 0);
        assert_eq!(found(&sent, &[Stage::Delivered], 0), 1);
        assert_eq!(found(&sent, &[Stage::Delivered], flag::LOST), 0, "nobody told it");
        assert_eq!(found(&read, &[Stage::Delivered], flag::LOST), 1, "nobody could have told it that");
        assert_eq!(found(&sent, &[Stage::Failed], 0), 1);
        assert_eq!(found(&sent, &[Stage::Failed], flag::LOST), 0);
        assert_eq!(found(&[], &[Stage::Sent], 0), 1);
        assert_eq!(found(&[], &[Stage::Sent], flag::STALE), 0);
        assert_eq!(found(&[], &[], 0), 0);
        assert_eq!(found(&sent, &[], flag::LOST), 1, "it was never accepted");
    }
}
