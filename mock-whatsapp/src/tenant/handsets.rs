//! The telephones that a tenant's messages were sent to or that were given a behaviour: numbers to the model's places,
//! and the personas that many of them share.

use super::Tenant;
use crate::limits::{HANDSETS_GIVEN, PERSONAS};
use cloud_api::time::Timestamp;
use mock_whatsapp_model::fate::mix;
use mock_whatsapp_model::handset::Persona;
use mock_whatsapp_model::input::{HandsetId, MessageIndex};
use mock_whatsapp_model::{World, magic};
use rustc_hash::FxHashMap;
use serde_json::Value;
use std::collections::BTreeMap;

/// The telephones of one tenant. A campaign makes a million of them, so each is a dozen bytes in a list and four in a table.
#[derive(Clone, Debug, Default)]
pub struct Handsets {
    table: Table,
    /// Their numbers.
    wa_ids: Vec<u64>,
    /// The one message that was accepted for each: a campaign sends most people one.
    only: Vec<MessageIndex>,
    /// All messages of those for whom more than one was.
    more: FxHashMap<HandsetId, Vec<MessageIndex>>,
    /// What telephones were made to be by hand, in JSON as it was written: as values, a list of them would take ten times as much.
    given: BTreeMap<u64, Box<str>>,
    /// Bytes of those.
    given_bytes: usize,
    /// How often contacts reported the business.
    reports: BTreeMap<u64, u32>,
    /// Personas that were made known to the model, and when: an absence counts from then.
    personas: Vec<(Persona, Timestamp, u32)>,
    /// How many personas the model knows by now.
    made: usize,
}

/// About what a telephone takes, here and in the model; what it was made to be by hand, beside its words; a persona.
const EACH: usize = 64;
const GIVEN: usize = 64;
const PERSONA: usize = 256;

/// No message yet. The model would have to take four thousand million to give this place away.
const NONE: MessageIndex = MessageIndex(u32::MAX);

/// More than one: they are in the map.
const MORE: MessageIndex = MessageIndex(u32::MAX - 1);

/// The first size of the table.
const SMALLEST: usize = 64;

/// An open table of the places of telephones behind one another; 0 is free. The numbers themselves are in the list.
#[derive(Clone, Debug, Default)]
struct Table(Vec<u32>);

impl Table {
    /// Where a number is, or would be.
    fn slot(&self, wa_ids: &[u64], wa_id: u64) -> usize {
        let mask = self.0.len() - 1;
        // Numbers of one campaign often follow each other: without mixing they would lie in one long row.
        let mut at = mix(wa_id) as usize & mask;
        while let Some(place) = self.place(at)
            && wa_ids[place] != wa_id
        {
            at = (at + 1) & mask;
        }
        at
    }

    fn place(&self, slot: usize) -> Option<usize> {
        Some(self.0[slot].checked_sub(1)? as usize)
    }

    fn find(&self, wa_ids: &[u64], wa_id: u64) -> Option<HandsetId> {
        if self.0.is_empty() {
            return None;
        }
        self.place(self.slot(wa_ids, wa_id)).map(|place| HandsetId(place as u32))
    }

    /// Takes in the number that was added to the list last.
    fn add(&mut self, wa_ids: &[u64]) {
        // At most three of four are taken, so that a search ends soon.
        let fresh = if wa_ids.len() * 4 > self.0.len() * 3 {
            // In its place: a large table that is freed leaves a hole that little of what follows fits into.
            let size = (self.0.len() * 2).max(SMALLEST);
            self.0.clear();
            self.0.resize(size, 0);
            0
        } else {
            wa_ids.len() - 1
        };
        for (place, wa_id) in wa_ids.iter().enumerate().skip(fresh) {
            let at = self.slot(wa_ids, *wa_id);
            self.0[at] = place as u32 + 1;
        }
    }
}

impl Handsets {
    /// The telephone of a number, if it was mentioned.
    pub fn find(&self, wa_id: u64) -> Option<HandsetId> {
        self.table.find(&self.wa_ids, wa_id)
    }

    /// The telephone of a number; a new one behaves as its number says, if numbers have a meaning.
    pub fn find_or_add(&mut self, world: &mut World, now: Timestamp, wa_id: u64, magic_numbers: bool) -> HandsetId {
        if let Some(known) = self.find(wa_id) {
            return known;
        }
        let persona = magic::persona(wa_id).filter(|_| magic_numbers);
        let persona = persona.map_or(0, |persona| self.persona(world, now, persona));
        let handset = world.add_handset(persona);
        self.wa_ids.push(wa_id);
        self.only.push(NONE);
        self.table.add(&self.wa_ids);
        handset
    }

    /// Makes a persona known to the model, unless one like it is.
    pub fn persona(&mut self, world: &mut World, now: Timestamp, persona: Persona) -> u32 {
        let known =
            self.personas.iter().find(|(known, at, _)| *known == persona && (*at == now || persona.away.is_none()));
        if let Some((_, _, id)) = known {
            return *id;
        }
        let id = world.add_persona(persona.clone());
        self.made += 1;
        if self.personas.len() == PERSONAS {
            self.personas.remove(0);
        }
        self.personas.push((persona, now, id));
        id
    }

    /// What a telephone was made to be by hand.
    pub fn given(&self, wa_id: u64) -> Option<Value> {
        serde_json::from_str(self.given.get(&wa_id)?).ok()
    }

    /// Whether so many more can be given a behaviour, whatever it is.
    pub fn has_room_for(&self, count: usize) -> bool {
        self.given.len().max(self.made) + count <= HANDSETS_GIVEN
    }

    /// About what all of it takes in memory, in bytes, here and in the model. The words of answers are there twice.
    pub fn bytes(&self) -> usize {
        self.wa_ids.len() * EACH + self.given.len() * GIVEN + self.given_bytes * 2 + self.made * PERSONA
    }

    /// What a contact calls itself.
    pub fn name(&self, handset: HandsetId) -> String {
        let wa_id = self.wa_id(handset);
        let given = self.given(wa_id).and_then(|given| given["name"].as_str().map(str::to_owned));
        given.unwrap_or_else(|| format!("Contact {:04}", wa_id % 10_000))
    }

    /// How often a contact reported the business.
    pub fn reports(&self, wa_id: u64) -> u32 {
        self.reports.get(&wa_id).copied().unwrap_or_default()
    }

    pub(super) fn report(&mut self, wa_id: u64) {
        let reports = self.reports.entry(wa_id).or_default();
        *reports = reports.saturating_add(1);
    }

    /// The number of a telephone.
    pub fn wa_id(&self, handset: HandsetId) -> u64 {
        self.wa_ids[handset.0 as usize]
    }

    /// Notes that a message was accepted for a telephone.
    pub fn sent(&mut self, handset: HandsetId, message: MessageIndex) {
        match &mut self.only[handset.0 as usize] {
            only if *only == NONE => *only = message,
            only => {
                let first = std::mem::replace(only, MORE);
                let all = self.more.entry(handset).or_insert_with(|| vec![first]);
                all.push(message);
            }
        }
    }

    /// The messages that were accepted for a telephone, oldest first.
    pub fn messages(&self, handset: HandsetId) -> &[MessageIndex] {
        match &self.only[handset.0 as usize] {
            &NONE => &[],
            &MORE => self.more.get(&handset).map_or(&[], Vec::as_slice),
            only => std::slice::from_ref(only),
        }
    }

    /// Notes what a telephone was made to be.
    pub(super) fn note(&mut self, wa_id: u64, written: &Value) {
        let written = written.to_string().into_boxed_str();
        self.given_bytes += written.len();
        let before = self.given.insert(wa_id, written);
        self.given_bytes -= before.map_or(0, |before| before.len());
    }

    /// Forgets messages and personas; telephones that have a meaning by their number get it again.
    pub fn reset(&mut self, world: &mut World, now: Timestamp, magic_numbers: bool) {
        self.personas.clear();
        self.given.clear();
        self.given_bytes = 0;
        self.made = 0;
        self.reports.clear();
        self.only.fill(NONE);
        self.more.clear();
        for place in 0..self.wa_ids.len() {
            let meaning = magic::persona(self.wa_ids[place]).filter(|_| magic_numbers);
            if let Some(persona) = meaning {
                let persona = self.persona(world, now, persona);
                world.set_persona(HandsetId(place as u32), persona);
            }
        }
    }
}

impl Tenant {
    /// Gives a telephone another behaviour, from now on.
    pub fn give(&mut self, real: Timestamp, wa_id: u64, persona: Persona, written: &Value) {
        self.tick(self.now(real));
        let handset = self.telephone(wa_id);
        if persona.off_for().is_none() {
            self.turn_on(handset);
        }
        self.change(handset, persona);
        self.handsets.note(wa_id, written);
    }

    /// Makes a telephone another one.
    pub(super) fn change(&mut self, handset: HandsetId, persona: Persona) {
        let persona = match persona == Persona::default() {
            true => 0,
            false => self.handsets.persona(&mut self.world, self.time, persona),
        };
        self.world.set_persona(handset, persona);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mock_whatsapp_model::spec::Timing;
    use mock_whatsapp_model::world::Config;

    #[test]
    fn there_is_room_for_so_many_behaviours_and_a_reset_makes_it_again() {
        let (seed, start) = (1, Timestamp(7));
        let mut world = World::new(Config { seed, start, timing: Timing::default(), limit_throughput: false });
        let mut handsets = Handsets::default();
        assert!(handsets.has_room_for(HANDSETS_GIVEN) && !handsets.has_room_for(HANDSETS_GIVEN + 1));
        handsets.persona(&mut world, start, Persona { reads: Some(true), ..Persona::default() });
        assert!(handsets.has_room_for(HANDSETS_GIVEN - 1) && !handsets.has_room_for(HANDSETS_GIVEN));
        for kind in ["blocked", "plain"] {
            handsets.note(4_915_100_000_000, &serde_json::json!({ "kind": kind }));
        }
        assert_eq!((handsets.given.len(), handsets.given_bytes), (1, r#"{"kind":"plain"}"#.len()));
        handsets.reset(&mut world, start, false);
        assert!(handsets.has_room_for(HANDSETS_GIVEN) && handsets.given_bytes == 0);
    }

    #[test]
    fn every_telephone_is_found_again_with_its_messages() {
        let (seed, start) = (1, Timestamp(7));
        let mut world = World::new(Config { seed, start, timing: Timing::default(), limit_throughput: false });
        let mut handsets = Handsets::default();
        assert_eq!(handsets.find(14_155_550_000), None);
        let mut add = |handsets: &mut Handsets, wa_id| handsets.find_or_add(&mut world, start, wa_id, false);
        for wa_id in 4_915_100_000_000..4_915_100_010_000 {
            let handset = add(&mut handsets, wa_id);
            assert_eq!(add(&mut handsets, wa_id), handset);
            assert!(handsets.messages(handset).is_empty());
            for message in 0..wa_id as u32 % 4 {
                handsets.sent(handset, MessageIndex(message));
            }
        }
        for wa_id in 4_915_100_000_000..4_915_100_010_000 {
            let handset = handsets.find(wa_id).unwrap();
            assert_eq!(handsets.wa_id(handset), wa_id);
            let sent: Vec<u32> = handsets.messages(handset).iter().map(|message| message.0).collect();
            assert_eq!(sent, (0..wa_id as u32 % 4).collect::<Vec<_>>());
        }
        assert_eq!(handsets.find(4_915_100_010_000), None);
        handsets.reset(&mut world, start, false);
        let kept = handsets.find(4_915_100_000_003).unwrap();
        assert!(handsets.messages(kept).is_empty());
        handsets.sent(kept, MessageIndex(9));
        assert_eq!(handsets.messages(kept), [MessageIndex(9)]);
    }
}
