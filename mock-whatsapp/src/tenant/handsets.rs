//! The telephones that a tenant's messages were sent to or that were given a behaviour: numbers to the model's places,
//! and the personas that many of them share.

use super::Tenant;
use crate::limits::PERSONAS;
use cloud_api::time::Timestamp;
use mock_whatsapp_model::handset::Persona;
use mock_whatsapp_model::input::{HandsetId, MessageIndex};
use mock_whatsapp_model::{World, magic};
use rustc_hash::FxHashMap;
use serde_json::Value;
use std::collections::BTreeMap;

/// The telephones of one tenant.
#[derive(Clone, Debug, Default)]
pub struct Handsets {
    by_wa_id: FxHashMap<u64, HandsetId>,
    all: Vec<Phone>,
    /// What telephones were made to be by hand, as it was written.
    given: BTreeMap<u64, Value>,
    /// How often contacts reported the business.
    reports: BTreeMap<u64, u32>,
    /// Personas that were made known to the model, and when: an absence counts from then.
    personas: Vec<(Persona, Timestamp, u32)>,
}

#[derive(Clone, Debug)]
struct Phone {
    wa_id: u64,
    sent: Sent,
}

/// The messages that were accepted for a telephone. A campaign sends most people one.
#[derive(Clone, Debug)]
enum Sent {
    Nothing,
    One(MessageIndex),
    More(Vec<MessageIndex>),
}

impl Sent {
    fn push(&mut self, message: MessageIndex) {
        match self {
            Self::Nothing => *self = Self::One(message),
            Self::One(first) => *self = Self::More(vec![*first, message]),
            Self::More(all) => all.push(message),
        }
    }

    fn all(&self) -> &[MessageIndex] {
        match self {
            Self::Nothing => &[],
            Self::One(message) => std::slice::from_ref(message),
            Self::More(all) => all,
        }
    }
}

impl Handsets {
    /// The telephone of a number, if it was mentioned.
    pub fn find(&self, wa_id: u64) -> Option<HandsetId> {
        self.by_wa_id.get(&wa_id).copied()
    }

    /// The telephone of a number; a new one behaves as its number says, if numbers have a meaning.
    pub fn find_or_add(&mut self, world: &mut World, now: Timestamp, wa_id: u64, magic_numbers: bool) -> HandsetId {
        if let Some(known) = self.find(wa_id) {
            return known;
        }
        let persona = magic::persona(wa_id).filter(|_| magic_numbers);
        let persona = persona.map_or(0, |persona| self.persona(world, now, persona));
        let handset = world.add_handset(persona);
        self.by_wa_id.insert(wa_id, handset);
        self.all.push(Phone { wa_id, sent: Sent::Nothing });
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
        if self.personas.len() == PERSONAS {
            self.personas.remove(0);
        }
        self.personas.push((persona, now, id));
        id
    }

    /// What a telephone was made to be by hand.
    pub fn given(&self, wa_id: u64) -> Option<&Value> {
        self.given.get(&wa_id)
    }

    /// What a contact calls itself.
    pub fn name(&self, handset: HandsetId) -> String {
        let wa_id = self.wa_id(handset);
        let given = self.given.get(&wa_id).and_then(|given| given["name"].as_str());
        given.map_or_else(|| format!("Contact {:04}", wa_id % 10_000), str::to_owned)
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
        self.all[handset.0 as usize].wa_id
    }

    /// Notes that a message was accepted for a telephone.
    pub fn sent(&mut self, handset: HandsetId, message: MessageIndex) {
        self.all[handset.0 as usize].sent.push(message);
    }

    /// The messages that were accepted for a telephone, oldest first.
    pub fn messages(&self, handset: HandsetId) -> &[MessageIndex] {
        self.all[handset.0 as usize].sent.all()
    }

    /// Notes what a telephone was made to be.
    pub(super) fn note(&mut self, wa_id: u64, written: Value) {
        self.given.insert(wa_id, written);
    }

    /// Forgets messages and personas; telephones that have a meaning by their number get it again.
    pub fn reset(&mut self, world: &mut World, now: Timestamp, magic_numbers: bool) {
        self.personas.clear();
        self.given.clear();
        self.reports.clear();
        for place in 0..self.all.len() {
            self.all[place].sent = Sent::Nothing;
            let meaning = magic::persona(self.all[place].wa_id).filter(|_| magic_numbers);
            if let Some(persona) = meaning {
                let persona = self.persona(world, now, persona);
                world.set_persona(HandsetId(place as u32), persona);
            }
        }
    }
}

impl Tenant {
    /// Gives a telephone another behaviour, from now on.
    pub fn give(&mut self, real: Timestamp, wa_id: u64, persona: Persona, written: Value) {
        self.tick(self.now(real));
        let handset = self.telephone(wa_id);
        if persona.away.is_none() {
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
