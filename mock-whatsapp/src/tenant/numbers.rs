//! A tenant's business phone numbers: what is known of each, and what was set of it. Which calls change it is not said here.

use super::dispatch::Webhook;
use crate::identity::{Identity, Kind};
use crate::limits::NUMBERS;
use cloud_api::limits::{COEXISTENCE_THROUGHPUT, UPGRADED_THROUGHPUT};
use cloud_api::time::Timestamp;
use mock_whatsapp_model::input::NumberId;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};

/// What contacts think of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quality {
    /// Well.
    #[default]
    Green,
    /// So so.
    Yellow,
    /// Badly.
    Red,
    /// Nobody knows yet.
    Unknown,
}

impl Quality {
    /// Each with its name.
    pub const ALL: [(&'static str, Self); 4] =
        [("GREEN", Self::Green), ("YELLOW", Self::Yellow), ("RED", Self::Red), ("UNKNOWN", Self::Unknown)];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Green => "GREEN",
            Self::Yellow => "YELLOW",
            Self::Red => "RED",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// A link or code that begins a chat.
#[derive(Clone, Debug)]
pub struct QrCode {
    /// Its name.
    pub code: String,
    /// What the chat begins with.
    pub message: String,
}

/// A number.
#[derive(Clone, Debug)]
pub struct Number {
    /// Its id.
    pub id: String,
    /// The model's name for it.
    pub number: NumberId,
    /// Its digits.
    pub digits: String,
    /// The name that contacts see.
    pub verified_name: String,
    /// A name that was asked for and is under review.
    pub new_name: Option<String>,
    /// What contacts think of it.
    pub quality: Quality,
    /// Messages a second that it may send.
    pub throughput: u32,
    /// Whether it is shared with the Business app.
    pub on_app: bool,
    /// Whether its owner proved to have it.
    pub verified: bool,
    /// Whether a code is on its way.
    pub code_sent: bool,
    /// Whether it is registered on Cloud API.
    pub registered: bool,
    /// The PIN of its two-step verification.
    pub pin: Option<String>,
    /// How often in a row the PIN was wrong.
    pub wrong_pins: u32,
    /// When it was registered and deregistered lately.
    pub registrations: VecDeque<Timestamp>,
    /// Its business profile.
    pub profile: Map<String, Value>,
    /// Its settings.
    pub settings: Map<String, Value>,
    /// Whether the catalogue shows, and whether there is a cart.
    pub commerce: (bool, bool),
    /// What it says by itself.
    pub automation: Map<String, Value>,
    /// Its user name.
    pub username: Option<String>,
    /// The public key for flows.
    pub public_key: Option<String>,
    /// Links that begin a chat.
    pub codes: Vec<QrCode>,
    /// Contacts that it blocked, with what they were called when that was done.
    pub blocked: BTreeMap<u64, String>,
    /// Where its messages' webhooks go, if elsewhere than the account's.
    pub webhook: Option<Webhook>,
    /// When it was added.
    pub since: Timestamp,
}

impl Number {
    /// Its digits as people write them.
    pub fn display(&self) -> String {
        match (self.digits.strip_prefix('1'), self.digits.len()) {
            (Some(rest), 11) => format!("+1 {}-{}-{}", &rest[..3], &rest[3..6], &rest[6..]),
            _ => format!("+{}", self.digits),
        }
    }

    /// The level of its throughput.
    pub fn level(&self) -> &'static str {
        match self.throughput {
            _ if !self.registered => "NOT_APPLICABLE",
            rate if rate >= UPGRADED_THROUGHPUT => "HIGH",
            _ => "STANDARD",
        }
    }

    /// How it stands.
    pub fn status(&self) -> &'static str {
        match (self.verified, self.registered) {
            (false, _) => "UNVERIFIED",
            (true, false) => "DISCONNECTED",
            (true, true) => "CONNECTED",
        }
    }
}

/// What is to be known of a number that is added.
#[derive(Clone, Debug)]
pub struct NewNumber {
    /// Its digits.
    pub digits: String,
    /// The name that contacts see.
    pub verified_name: String,
    /// Messages a second.
    pub throughput: u32,
    /// Whether it is shared with the Business app.
    pub on_app: bool,
    /// Whether it is verified and registered.
    pub ready: bool,
}

/// The numbers of one tenant; the first is the one that its settings name.
#[derive(Clone, Debug, Default)]
pub struct Numbers(Vec<Number>);

impl Numbers {
    /// A number by its id.
    pub fn get(&self, id: &str) -> Option<&Number> {
        self.0.iter().find(|number| number.id == id)
    }

    /// A number by its id, to be changed.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Number> {
        self.0.iter_mut().find(|number| number.id == id)
    }

    /// The number that the model calls so.
    pub fn of_model(&self, number: NumberId) -> Option<&Number> {
        self.0.iter().find(|known| known.number == number)
    }

    /// All of them, oldest first.
    pub fn all(&self) -> &[Number] {
        &self.0
    }

    /// Whether there is room for another.
    pub fn has_room(&self) -> bool {
        self.0.len() < NUMBERS
    }

    /// Adds one, and gives its id.
    pub fn add(&mut self, identity: &Identity, number: NumberId, new: NewNumber, now: Timestamp) -> String {
        let id = match self.0.len() {
            0 => identity.phone_number_id.clone(),
            place => identity.id(Kind::Number, place as u64),
        };
        let throughput = if new.on_app { new.throughput.min(COEXISTENCE_THROUGHPUT) } else { new.throughput };
        self.0.push(Number {
            id: id.clone(),
            number,
            digits: new.digits,
            verified_name: new.verified_name,
            new_name: None,
            quality: if new.ready { Quality::Green } else { Quality::Unknown },
            throughput,
            on_app: new.on_app,
            verified: new.ready,
            code_sent: false,
            registered: new.ready,
            pin: None,
            wrong_pins: 0,
            registrations: VecDeque::new(),
            profile: usual_profile(),
            settings: usual_settings(),
            commerce: (false, false),
            automation: Map::new(),
            username: None,
            public_key: None,
            codes: Vec::new(),
            blocked: BTreeMap::new(),
            webhook: None,
            since: now,
        });
        id
    }
}

fn usual_profile() -> Map<String, Value> {
    object(json!({ "messaging_product": "whatsapp", "vertical": "UNDEFINED" }))
}

fn usual_settings() -> Map<String, Value> {
    object(json!({
        "calling": { "status": "DISABLED", "call_icon_visibility": "DEFAULT", "callback_permission_status": "DISABLED" },
        "storage_configuration": { "status": "DEFAULT" },
        "user_identity_change": { "enable_identity_key_check": false },
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_ids_of_their_own_and_stand_as_they_were_added() {
        let identity = Identity::of("w1").unwrap();
        let mut numbers = Numbers::default();
        let new = |digits: &str, on_app, ready| NewNumber {
            digits: digits.to_owned(),
            verified_name: "Shop".to_owned(),
            throughput: 80,
            on_app,
            ready,
        };
        let first = numbers.add(&identity, NumberId(1), new("15557650001", false, true), Timestamp(0));
        let second = numbers.add(&identity, NumberId(2), new("442079460188", true, false), Timestamp(0));
        assert_eq!(first, identity.phone_number_id);
        assert!(second.len() == 15 && second.starts_with('1') && second != first);
        let (first, second) = (numbers.get(&first).unwrap(), numbers.get(&second).unwrap());
        assert_eq!(
            (first.display().as_str(), first.level(), first.status()),
            ("+1 555-765-0001", "STANDARD", "CONNECTED")
        );
        assert_eq!(
            (second.display().as_str(), second.level(), second.status()),
            ("+442079460188", "NOT_APPLICABLE", "UNVERIFIED")
        );
        assert_eq!(second.throughput, 20);
    }
}
