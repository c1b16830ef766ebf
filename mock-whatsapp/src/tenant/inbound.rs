//! What contacts wrote by hand of the control API: the words to the model's handles. Bounded by bytes; the oldest go first.

use super::Tenant;
use super::message_log::{Button, Tap};
use crate::limits::INBOUND_BYTES;
use cloud_api::time::Timestamp;
use mock_whatsapp_model::Input;
use mock_whatsapp_model::input::{Act, HandsetId, MessageIndex, NumberId};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;

/// Whether a message comes from elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forwarded {
    /// No.
    #[default]
    No,
    /// Yes.
    Once,
    /// More than five times.
    Often,
}

/// One thing that a contact said.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The message's type, as in `image`.
    pub kind: &'static str,
    /// The object of that type, and what else stands beside it (`referral`, `errors`), as webhooks have it.
    pub objects: Map<String, Value>,
    /// Whether it was forwarded.
    pub forwarded: Forwarded,
}

impl Said {
    /// A message of a type, with its object.
    pub fn of(kind: &'static str, object: Value) -> Self {
        let mut objects = Map::new();
        objects.insert(kind.to_owned(), object);
        Self { kind, objects, forwarded: Forwarded::No }
    }

    /// Words.
    pub fn text(body: &str) -> Self {
        Self::of("text", json!({ "body": body }))
    }

    /// It tapped something: a template's button, or a button or row of an interactive message.
    pub fn button(pressed: &Button) -> Self {
        let (id, title) = (&pressed.payload, &pressed.text);
        match &pressed.tap {
            Tap::Template => Self::of("button", json!({ "payload": id, "text": title })),
            Tap::Reply => {
                let reply = json!({ "id": id, "title": title });
                Self::of("interactive", json!({ "type": "button_reply", "button_reply": reply }))
            }
            Tap::Row(description) => {
                let mut row = json!({ "id": id, "title": title });
                if let Some(description) = description {
                    row["description"] = json!(description);
                }
                Self::of("interactive", json!({ "type": "list_reply", "list_reply": row }))
            }
        }
    }

    /// What is said, or the label of the button, and beside it the button's payload.
    pub(super) fn words(&self) -> Option<(&str, &str)> {
        let of = |pointer: [&str; 3]| {
            let object = self.objects.get(pointer[0])?;
            let object = if pointer[1].is_empty() { object } else { object.get(pointer[1])? };
            object.get(pointer[2])?.as_str()
        };
        let text = of(["text", "", "body"]).map(|body| (body, ""));
        let button = of(["button", "", "text"]).map(|label| (label, of(["button", "", "payload"]).unwrap_or("")));
        let reply = || {
            let title = of(["interactive", "button_reply", "title"])?;
            Some((title, of(["interactive", "button_reply", "id"]).unwrap_or("")))
        };
        text.or(button).or_else(reply)
    }

    pub(super) fn label(&self) -> String {
        format!("message.{}", self.kind)
    }

    /// About what it takes in memory: the text twice over, for its tree.
    fn bytes(&self) -> usize {
        let texts: usize = self.objects.iter().map(|(key, value)| key.len() + 2 * value.to_string().len()).sum();
        size_of::<Heard>() + texts + 64
    }
}

#[derive(Clone, Debug)]
struct Heard {
    said: Said,
    at: Timestamp,
    bytes: usize,
}

/// What contacts said, by handle.
#[derive(Clone, Debug, Default)]
pub struct Inbound {
    all: VecDeque<Heard>,
    first: u32,
    bytes: usize,
}

impl Inbound {
    fn push(&mut self, said: Said, at: Timestamp) -> u32 {
        let bytes = said.bytes();
        self.bytes += bytes;
        self.all.push_back(Heard { said, at, bytes });
        while self.bytes > INBOUND_BYTES
            && self.all.len() > 1
            && let Some(oldest) = self.all.pop_front()
        {
            self.bytes -= oldest.bytes;
            self.first += 1;
        }
        self.first + self.all.len() as u32 - 1
    }

    /// The handle that the next thing to be said will have.
    pub fn next(&self) -> u32 {
        self.first + self.all.len() as u32
    }

    /// What it takes in memory, about, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What was said under a handle.
    pub fn get(&self, handle: u32) -> Option<&Said> {
        self.heard(handle).map(|heard| &heard.said)
    }

    /// When it was said.
    pub fn at(&self, handle: u32) -> Option<Timestamp> {
        self.heard(handle).map(|heard| heard.at)
    }

    fn heard(&self, handle: u32) -> Option<&Heard> {
        self.all.get(handle.checked_sub(self.first)? as usize)
    }

    pub(super) fn clear(&mut self) {
        *self = Self { first: self.next(), ..Self::default() };
    }
}

impl Tenant {
    /// A contact says something to the business; the wamid and the webhook's number, if the business is told.
    pub fn say(
        &mut self,
        real: Timestamp,
        wa_id: u64,
        said: Said,
        reply_to: Option<MessageIndex>,
        number: NumberId,
    ) -> (String, Option<u64>) {
        let now = self.now(real);
        self.tick(now);
        let handset = self.telephone(wa_id);
        let handle = self.inbound.push(said, now);
        if self.numbers.of_model(number).is_some_and(|number| number.blocked.contains_key(&wa_id)) {
            // It believes that it wrote.
            return (self.wamids.said(&self.wa_id(handset), handle), None);
        }
        let act = Act::Says { text: handle, reply_to };
        let webhook = self.told(|tenant| tenant.hand_in(Input::Handset { handset, number, act }));
        (self.wamids.said(&self.wa_id(handset), handle), webhook)
    }

    /// Does something, and gives the number of the first webhook that tells of it.
    pub(super) fn told(&mut self, does: impl FnOnce(&mut Self)) -> Option<u64> {
        let webhook = self.webhooks.next();
        does(self);
        self.settle_nowhere();
        (self.webhooks.next() > webhook).then_some(webhook)
    }

    /// The button of that label on a message to a telephone: on the message that is quoted, or on the newest that has it.
    pub fn button(
        &self,
        handset: HandsetId,
        label: &str,
        quoted: Option<MessageIndex>,
    ) -> Option<(MessageIndex, Button)> {
        let on = |index: MessageIndex| {
            let buttons = self.messages.get(index)?.buttons();
            let button = buttons.iter().find(|button| button.text.eq_ignore_ascii_case(label))?;
            Some((index, button.clone()))
        };
        match quoted {
            Some(index) => on(index),
            None => self.handsets.messages(handset).iter().rev().find_map(|index| on(*index)),
        }
    }
}
