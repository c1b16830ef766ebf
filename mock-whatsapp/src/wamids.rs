//! Message ids: made from a message's place, and read back without a table.
//!
//! A key has 38 bits of chance and 34 that name the message, these hidden under a mask that hangs on the chance. The salt
//! hangs on the world's start, so a server that starts again with the same seed makes other ids.
//!
//! A world that is put back to a snapshot begins another age: places that were used before are used again from there on, by
//! other messages, under another salt. So no id comes twice, and ids of what was discarded are nobody's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloud_api::time::Timestamp;
use cloud_api::wamid;
use mock_whatsapp_model::fate::{What as Draw, fate, join, mix};
use mock_whatsapp_model::input::MessageIndex;
use mock_whatsapp_model::output::{Update, What};

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

/// What the id in the body of a webhook stands for: of statuses our message, otherwise the contact's own.
pub fn meaning(update: &Update) -> Option<Meaning> {
    match update.what {
        What::Sent | What::Delivered | What::Read | What::Failed(_) => update.about.map(Meaning::Outbound),
        What::Reply | What::Stop => update.about.map(Meaning::Answer),
        What::Says(text) => Some(Meaning::Said(text)),
        What::Notice(_) => None,
    }
}

/// A stretch of a world's life, from its beginning or a restore to the next.
#[derive(Clone, Copy, Debug)]
struct Age {
    /// Messages from this place on are of it.
    messages: u32,
    /// And so is what contacts said, from this handle on.
    said: u32,
    /// Answers that were given after this moment are of it.
    since: Timestamp,
    salt: u64,
}

/// How a tenant's message ids are made.
#[derive(Clone, Debug)]
pub struct Wamids {
    /// What all salts are made of.
    root: u64,
    /// Never empty; the oldest first.
    ages: Vec<Age>,
}

impl Wamids {
    /// The ids of a world.
    pub fn new(seed: u64, start: Timestamp) -> Self {
        let root = join(seed, start.0);
        Self { root, ages: vec![Age { messages: 0, said: 0, since: Timestamp(0), salt: root }] }
    }

    /// Begins an age, whose number must be above 0 and of no age before: messages from `messages` on, words from `said` on
    /// and answers after `since` have other ids than they would have had.
    pub fn begin_age(&mut self, number: u64, messages: MessageIndex, said: u32, since: Timestamp) {
        let age = Age { messages: messages.0, said, since, salt: join(self.root, number) };
        // Of an age in which nothing happened, nothing has an id.
        self.ages.retain(|old| {
            old.salt == self.root || old.messages < age.messages || old.said < age.said || old.since < age.since
        });
        self.ages.push(age);
    }

    /// How many ages there are.
    pub fn ages(&self) -> usize {
        self.ages.len()
    }

    /// Forgets all ages but the present one: what they had is cleared away, and time begins anew.
    pub fn forget_ages(&mut self) {
        if let Some(age) = self.ages.pop() {
            self.ages = vec![Age { messages: 0, said: 0, since: Timestamp(0), ..age }];
        }
    }

    /// The salt of the last age that something is of, by where that age begins.
    fn salt(&self, is_of: impl Fn(&Age) -> bool) -> u64 {
        self.ages.iter().rev().find(|age| is_of(age)).map_or(self.root, |age| age.salt)
    }

    /// The id of what it stands for, with that number in it, given at a moment.
    pub fn id(&self, wa_id: &str, meaning: Meaning, at: Timestamp) -> String {
        match meaning {
            Meaning::Outbound(index) => self.outbound(wa_id, index),
            Meaning::Answer(index) => self.answer(wa_id, index, at),
            Meaning::Said(handle) => self.said(wa_id, handle),
        }
    }

    /// The id of a message from the business.
    pub fn outbound(&self, wa_id: &str, index: MessageIndex) -> String {
        wamid::outbound(wa_id, &key(self.salt(|age| age.messages <= index.0), 0, index.0))
    }

    /// The id of a contact's answer to a message, given at a moment.
    pub fn answer(&self, wa_id: &str, index: MessageIndex, at: Timestamp) -> String {
        wamid::inbound(wa_id, &key(self.salt(|age| age.messages <= index.0 || age.since < at), 1, index.0))
    }

    /// The id of what a contact said.
    pub fn said(&self, wa_id: &str, handle: u32) -> String {
        wamid::inbound(wa_id, &key(self.salt(|age| age.said <= handle), 2, handle))
    }

    /// What an id stands for; `None` if it is not one of ours.
    pub fn read(&self, wamid: &str) -> Option<Meaning> {
        let record = STANDARD.decode(wamid.strip_prefix("wamid.")?).ok()?;
        let digits = record.get(record.len().checked_sub(19)?..record.len() - 1)?;
        let key = u128::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        self.ages.iter().find_map(|age| {
            let (kind, number) = open(age.salt, key)?;
            match kind {
                0 => (self.salt(|age| age.messages <= number) == age.salt)
                    .then_some(Meaning::Outbound(MessageIndex(number))),
                1 => Some(Meaning::Answer(MessageIndex(number))),
                2 => (self.salt(|age| age.said <= number) == age.salt).then_some(Meaning::Said(number)),
                _ => None,
            }
        })
    }
}

fn key(salt: u64, kind: u64, number: u32) -> [u8; 9] {
    let place = kind << 32 | u64::from(number);
    let chance = fate(salt, place, Draw::Wamid) >> (PLACE_BITS - 8);
    let hidden = place ^ mix(chance ^ salt) >> (64 - PLACE_BITS);
    let key = u128::from(chance) << PLACE_BITS | u128::from(hidden);
    let mut bytes = [0; 9];
    bytes.copy_from_slice(&key.to_be_bytes()[7..]);
    bytes
}

/// The kind and the number that a key was made of, if it was made with this salt.
fn open(salt: u64, key: u128) -> Option<(u64, u32)> {
    let chance = (key >> PLACE_BITS) as u64;
    let hidden = key as u64 & ((1 << PLACE_BITS) - 1);
    let place = hidden ^ mix(chance ^ salt) >> (64 - PLACE_BITS);
    (chance == fate(salt, place, Draw::Wamid) >> (PLACE_BITS - 8)).then_some((place >> 32, place as u32))
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
            assert_eq!(ids.read(&ids.answer("4915112345678", index, Timestamp(9))), Some(Meaning::Answer(index)));
            assert_eq!(ids.read(&ids.said("1", number)), Some(Meaning::Said(number)));
        }
    }

    #[test]
    fn after_a_restore_places_have_other_ids_and_what_was_discarded_is_nobodys() {
        let mut ids = Wamids::new(42, Timestamp(7));
        let before = ids.clone();
        ids.begin_age(1, MessageIndex(5), 2, Timestamp(100));
        let mut again = before.clone();
        again.begin_age(2, MessageIndex(5), 2, Timestamp(100));
        let all = |ids: &Wamids| {
            [
                ids.outbound("1", MessageIndex(4)),
                ids.answer("1", MessageIndex(4), Timestamp(100)),
                ids.said("1", 1),
                ids.outbound("1", MessageIndex(5)),
                ids.answer("1", MessageIndex(4), Timestamp(101)),
                ids.answer("1", MessageIndex(5), Timestamp(100)),
                ids.said("1", 2),
            ]
        };
        let (first, second, third) = (all(&before), all(&ids), all(&again));
        assert_eq!((&first[..3], &second[..3]), (&second[..3], &third[..3]));
        for place in 3..7 {
            assert!(first[place] != second[place] && second[place] != third[place] && first[place] != third[place]);
            let meaning = before.read(&first[place]);
            assert!(meaning.is_some() && ids.read(&second[place]) == meaning, "{place}");
            assert_eq!(again.read(&second[place]), None, "{place}");
        }
        assert_eq!((ids.read(&first[3]), ids.read(&first[6])), (None, None));
        for number in 3..1_000 {
            again.begin_age(number, MessageIndex(5), 2, Timestamp(100));
        }
        assert_eq!(again.ages.len(), 2, "ages without ids are forgotten");
        again.forget_ages();
        assert_eq!((again.ages.len(), again.read(&first[0])), (1, None));
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
