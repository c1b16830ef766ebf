//! What contacts wrote by hand of the control API: the words to the model's handles. Bounded; the oldest go first.

use super::Tenant;
use super::message_log::Button;
use crate::limits::INBOUND;
use cloud_api::time::Timestamp;
use mock_whatsapp_model::Input;
use mock_whatsapp_model::input::{Act, HandsetId, MessageIndex};
use std::collections::VecDeque;

/// One thing that a contact said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Words.
    Text(Box<str>),
    /// It pressed a button.
    Button(Button),
}

impl Said {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "message.text",
            Self::Button(_) => "message.button",
        }
    }
}

/// What contacts said, by handle.
#[derive(Debug, Default)]
pub struct Inbound {
    all: VecDeque<Said>,
    first: u32,
}

impl Inbound {
    fn push(&mut self, said: Said) -> u32 {
        self.all.push_back(said);
        if self.all.len() > INBOUND {
            self.all.pop_front();
            self.first += 1;
        }
        self.first + self.all.len() as u32 - 1
    }

    /// What was said under a handle.
    pub fn get(&self, handle: u32) -> Option<&Said> {
        self.all.get(handle.checked_sub(self.first)? as usize)
    }

    pub(super) fn clear(&mut self) {
        *self = Self { first: self.first + self.all.len() as u32, ..Self::default() };
    }
}

impl Tenant {
    /// A contact says something to the business; the wamid and the webhook's number.
    pub fn say(&mut self, real: Timestamp, wa_id: u64, said: Said, reply_to: Option<MessageIndex>) -> (String, u64) {
        let now = self.now(real);
        self.tick(now);
        let handset = self.telephone(wa_id);
        let handle = self.inbound.push(said);
        let webhook = self.webhooks.next();
        let act = Act::Says { text: handle, reply_to };
        self.hand_in(Input::Handset { handset, number: self.number, act });
        self.settle_nowhere();
        (self.wamids.said(&self.wa_id(handset), handle), webhook)
    }

    /// The button of that label on a message to a telephone: on the message that is quoted, or on the newest that has it.
    pub fn button(
        &self,
        handset: HandsetId,
        label: &str,
        quoted: Option<MessageIndex>,
    ) -> Option<(MessageIndex, Button)> {
        let on = |index: MessageIndex| {
            let buttons = &self.messages.get(index)?.buttons;
            let button = buttons.iter().find(|button| button.text.eq_ignore_ascii_case(label))?;
            Some((index, button.clone()))
        };
        match quoted {
            Some(index) => on(index),
            None => self.handsets.messages(handset).iter().rev().find_map(|index| on(*index)),
        }
    }
}
