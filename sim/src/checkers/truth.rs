//! Promise: in the end the engine believes of every message what really became of it.
//!
//! The truth is WhatsApp's: how far each accepted message came, and the errors that the engine was told of. What state
//! follows from it is worked out here anew, not with the engine's code.

use super::{Checkers, Findings};
use cloud_api::catalogue::{Class, CodeIndex};
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
    }

    /// The state that a sender should report after its deadline, whose last word from the API was `told`.
    pub fn state(&self, told: Option<CodeIndex>) -> State {
        match self.best {
            Some(Stage::Replied) => return State::Responded,
            Some(Stage::Read) => return State::Read,
            Some(Stage::Delivered) => return State::Delivered,
            Some(Stage::Failed | Stage::Sent | Stage::Accepted) | None => {}
        }
        if self.sent {
            return State::Sent;
        }
        match told.map(CodeIndex::class) {
            Some(Class::InvalidContact) => State::InvalidContact,
            Some(Class::Blocked | Class::MessagingLimit | Class::MarketingCap) => State::BlockedOrSpam,
            Some(_) | None => State::Failed,
        }
    }
}

/// Compares message by message. `held_by_limit` says of a message whether the messaging limit could hold it back at its
/// campaign's deadline: then it may end as BlockedOrSpam without a word about itself.
pub fn judge(rows: &[Row], truths: &[Truth], checkers: &Checkers, held_by_limit: impl Fn(u32) -> bool) -> Findings {
    let mut findings = Findings::default();
    for (id, (row, truth)) in rows.iter().zip(truths).enumerate() {
        let seen = checkers.seen(id as u32);
        let (believed, true_state) = (row.state(), truth.state(seen.code()));
        let held = believed == State::BlockedOrSpam && true_state == State::Failed && held_by_limit(id as u32);
        if believed != true_state && !held {
            findings.add(|| {
                let (accepted, code) = (truth.accepted, seen.code().map_or(0, CodeIndex::code));
                format!(
                    "message {id} is {} to the engine and {} in truth ({} POSTs, {accepted} accepted, last error {code})",
                    believed.name(),
                    true_state.name(),
                    seen.posts(),
                )
            });
        }
    }
    findings
}
