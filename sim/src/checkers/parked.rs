//! Webhooks that name their attempt by a wamid alone, which the engine does not know yet: what they tell counts once it does.

use super::seen::{self, Arrival, Word, flag};
use super::{Checkers, Wire};
use cloud_api::catalogue::CodeIndex;
use cloud_api::time::Timestamp;
use engine_core::id::MessageId;
use mock_whatsapp_model::output::What;

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parked {
    /// The error that it tells of; `None` for a reply.
    pub(super) error: Option<CodeIndex>,
    /// From or to whom.
    pub(super) contact: u32,
}

impl Parked {
    /// What it tells.
    pub(super) fn word(&self) -> Word {
        self.error.map_or(Word::Came(Arrival::Replied), |code| Word::Is(seen::by_class(code), Some(code)))
    }
}

impl Checkers {
    /// The wamid is known now.
    pub(super) fn unpark(&mut self, now: Timestamp, message: u32, number: u8, delivery: Option<u32>) {
        for parked in self.parked.remove(&(message, number)).unwrap_or_default() {
            let (word, Parked { error, contact }) = (parked.word(), parked);
            self.learn(now, message, number, word, delivery);
            if let Some(code) = error {
                let part = &self.scene.parts[self.scene.part_of(message)];
                let (sender, campaign) = (part.sender, part.campaign as u16);
                let wire = Wire { message: MessageId(message), number, contact, sender, campaign };
                self.concerns(now, &wire, code, delivery.or(Some(u32::MAX)), false);
            }
            if self.scene.arms.crashes {
                self.durable.released(message, number, word);
            }
            self.seen[message as usize].flags &= !flag::PARKED;
        }
    }

    /// A webhook was parked, since the store does not know yet what the engine was told of its wamid: parked it is durable.
    pub fn was_parked(&mut self, message: MessageId, number: u8, what: What) {
        if self.scene.arms.crashes {
            let word = match what {
                What::Failed(code) => Word::Is(seen::by_class(code), Some(code)),
                What::Reply | What::Stop | What::Says(_) => Word::Came(Arrival::Replied),
                What::Sent | What::Delivered | What::Read | What::Notice(_) => return,
            };
            self.durable.released(message.0, number, word);
        }
    }
}
