//! Message ids: made from a message's place, and read back without a table.
//!
//! A key has 38 bits of chance and 34 that name the message, these hidden under a mask that hangs on the chance. The salt
//! hangs on the world's start, so a server that starts again with the same seed makes other ids.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloud_api::time::Timestamp;
use cloud_api::wamid;
use mock_whatsapp_model::fate::{What, fate, join, mix};
use mock_whatsapp_model::input::MessageIndex;

const PLACE_BITS: u32 = 34;

/// What a message id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A message that the business sent.
    Outbound(MessageIndex),
    /// A contact's answer to one, by its persona.
    Answer(MessageIndex),
    /// What a contact said by hand: the handle of its words.
    Said(u32),
}

/// How a tenant's message ids are made.
#[derive(Clone, Copy, Debug)]
pub struct Wamids {
    salt: u64,
}

impl Wamids {
    /// The ids of a world.
    pub fn new(seed: u64, start: Timestamp) -> Self {
        Self { salt: join(seed, start.0) }
    }

    /// The id of a message from the business.
    pub fn outbound(&self, wa_id: &str, index: MessageIndex) -> String {
        wamid::outbound(wa_id, &self.key(0, index.0))
    }

    /// The id of a contact's answer to a message.
    pub fn answer(&self, wa_id: &str, index: MessageIndex) -> String {
        wamid::inbound(wa_id, &self.key(1, index.0))
    }

    /// The id of what a contact said.
    pub fn said(&self, wa_id: &str, handle: u32) -> String {
        wamid::inbound(wa_id, &self.key(2, handle))
    }

    fn key(&self, kind: u64, number: u32) -> [u8; 9] {
        let place = kind << 32 | u64::from(number);
        let chance = fate(self.salt, place, What::Wamid) >> (PLACE_BITS - 8);
        let hidden = place ^ mix(chance ^ self.salt) >> (64 - PLACE_BITS);
        let key = u128::from(chance) << PLACE_BITS | u128::from(hidden);
        let mut bytes = [0; 9];
        bytes.copy_from_slice(&key.to_be_bytes()[7..]);
        bytes
    }

    /// What an id stands for; `None` if it is not one of ours.
    pub fn read(&self, wamid: &str) -> Option<Meaning> {
        let record = STANDARD.decode(wamid.strip_prefix("wamid.")?).ok()?;
        let digits = record.get(record.len().checked_sub(19)?..record.len() - 1)?;
        let key = u128::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        let chance = (key >> PLACE_BITS) as u64;
        let hidden = key as u64 & ((1 << PLACE_BITS) - 1);
        let place = hidden ^ mix(chance ^ self.salt) >> (64 - PLACE_BITS);
        if chance != fate(self.salt, place, What::Wamid) >> (PLACE_BITS - 8) {
            return None;
        }
        let number = place as u32;
        match place >> 32 {
            0 => Some(Meaning::Outbound(MessageIndex(number))),
            1 => Some(Meaning::Answer(MessageIndex(number))),
            2 => Some(Meaning::Said(number)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_as_what_it_was_made_of() {
        let ids = Wamids::new(42, Timestamp(7));
        for number in [0, 1, 2, 77_777, u32::MAX] {
            let index = MessageIndex(number);
            assert_eq!(ids.read(&ids.outbound("14155550123", index)), Some(Meaning::Outbound(index)));
            assert_eq!(ids.read(&ids.answer("4915112345678", index)), Some(Meaning::Answer(index)));
            assert_eq!(ids.read(&ids.said("1", number)), Some(Meaning::Said(number)));
        }
    }

    #[test]
    fn an_id_of_another_world_is_not_ours() {
        let ids = Wamids::new(42, Timestamp(7));
        let others = Wamids::new(42, Timestamp(8)).outbound("14155550123", MessageIndex(3));
        for wamid in [
            others.as_str(),
            "",
            "wamid.",
            "wamid.!!",
            "wamid.HBgL",
            "HBgLMTQxNTU1NTAxMjMVAgARGBI4RjFDMkQzRTRCNUE2OTc4MDEA",
        ] {
            assert_eq!(ids.read(wamid), None, "{wamid}");
        }
    }
}
