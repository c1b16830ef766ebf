//! The last accepted message of each key, in a few bytes: the world has the key, here is only where to look.

use super::MESSAGES;
use crate::World;
use crate::input::MessageIndex;

/// The first size of the table.
const SMALLEST: usize = 1024;

/// An open table of places of messages; 0 is free.
#[derive(Clone, Debug)]
pub(super) struct Index {
    slots: Vec<u32>,
    used: usize,
    first: u32,
    /// The request that brought each accepted message, by its place.
    requests: Vec<u32>,
}

impl Index {
    pub(super) fn new(first: MessageIndex) -> Self {
        Self { slots: Vec::new(), used: 0, first: first.0, requests: Vec::new() }
    }

    fn key(&self, world: &World, slot: u32) -> Option<u64> {
        world.message(MessageIndex(self.first + slot - 1)).map(|message| message.key)
    }

    /// Where a key is, or would be.
    fn slot(&self, world: &World, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = (key ^ (key >> 32)) as usize & mask;
        while self.slots[at] != 0 && self.key(world, self.slots[at]) != Some(key) {
            at = (at + 1) & mask;
        }
        at
    }

    /// The last message with a key.
    pub(super) fn find(&self, world: &World, key: u64) -> Option<MessageIndex> {
        if self.slots.is_empty() {
            return None;
        }
        let slot = self.slots[self.slot(world, key)];
        (slot != 0).then(|| MessageIndex(self.first + slot - 1))
    }

    /// The request that brought a message; 0 if it is not known.
    pub(super) fn request(&self, message: MessageIndex) -> u64 {
        let place = message.0.checked_sub(self.first).map(|place| place as usize);
        place.and_then(|place| self.requests.get(place)).map_or(0, |request| u64::from(*request))
    }

    /// Takes in the message that was accepted last; false if there is no room.
    pub(super) fn add(&mut self, world: &World, message: MessageIndex, key: u64, request: u64) -> bool {
        let place = message.0.wrapping_sub(self.first) as usize;
        if place >= MESSAGES {
            return false;
        }
        self.requests.resize(place, 0);
        self.requests.push(u32::try_from(request).unwrap_or(0));
        if self.slots.len() < SMALLEST || self.used * 4 > self.slots.len() * 3 {
            self.grow(world);
        }
        let at = self.slot(world, key);
        self.used += usize::from(self.slots[at] == 0);
        self.slots[at] = place as u32 + 1;
        true
    }

    fn grow(&mut self, world: &World) {
        let size = (self.slots.len() * 2).max(SMALLEST);
        let old = std::mem::replace(&mut self.slots, vec![0; size]);
        for slot in old.into_iter().filter(|slot| *slot != 0) {
            if let Some(key) = self.key(world, slot) {
                let at = self.slot(world, key);
                self.slots[at] = slot;
            }
        }
    }
}
