//! The faults that are armed in a world: put in their places, aimed, counted and taken away. What they do is in `faults`.

use super::World;
use crate::faults::{Count, Fault, Target, on_answer, on_dress};
use crate::input::{MessageIndex, Post};
use crate::output::{Dress, Manner, Update};
use cloud_api::time::{Span, Timestamp};

impl World {
    /// Arms faults, in place of all that were.
    pub fn set_faults(&mut self, faults: Vec<Fault>) {
        self.disarm();
        for (place, fault) in faults.into_iter().enumerate() {
            let armed = match fault.target() {
                Target::Posts => &mut self.post_faults,
                Target::Webhooks => &mut self.webhook_faults,
                Target::MessagingLimit => &mut self.tiers,
                Target::Answers => &mut self.answer_faults,
                Target::Dress => &mut self.dress_faults,
            };
            armed.push(fault.at(place));
        }
    }

    /// Disarms all faults, and gives them in their order with what they counted.
    pub fn take_faults(&mut self) -> Vec<Fault> {
        let mut all: Vec<Fault> = self.lists().into_iter().flat_map(std::mem::take).collect();
        all.sort_by_key(Fault::place);
        all
    }

    fn lists(&mut self) -> [&mut Vec<Fault>; 5] {
        [
            &mut self.post_faults,
            &mut self.webhook_faults,
            &mut self.tiers,
            &mut self.answer_faults,
            &mut self.dress_faults,
        ]
    }

    pub(super) fn disarm(&mut self) {
        self.lists().into_iter().for_each(Vec::clear);
    }

    /// How often the fault at a place was asked and acted, as of `now`. A `tier` is asked by no message in particular and
    /// counts nothing.
    pub fn count_of(&self, place: usize, now: Timestamp) -> Count {
        let lists = [&self.post_faults, &self.webhook_faults, &self.tiers, &self.answer_faults, &self.dress_faults];
        let mut all = lists.into_iter().flatten();
        all.find(|fault| usize::from(fault.place()) == place).map(|fault| fault.count(now)).unwrap_or_default()
    }

    fn fault_at(&mut self, place: usize) -> Option<&mut Fault> {
        self.lists().into_iter().flatten().find(|fault| usize::from(fault.place()) == place)
    }

    /// Says whether the next POST is what the fault at a place is aimed at.
    pub fn aim(&mut self, place: usize, is_meant: bool) {
        if let Some(fault) = self.fault_at(place) {
            fault.mean(is_meant);
        }
    }

    /// Takes a message among those that the fault at a place is aimed at.
    pub fn include(&mut self, place: usize, message: MessageIndex) {
        if let Some(fault) = self.fault_at(place) {
            fault.take_in(message);
        }
    }

    /// How the answer to a POST that is about to be handed in is to be given. Asking counts.
    pub fn manner(&mut self, now: Timestamp, post: &Post) -> Option<Manner> {
        if self.answer_faults.is_empty() {
            return None;
        }
        on_answer(&mut self.answer_faults, now, self.config.seed, post)
    }

    /// How a new webhook is to be sent. Asking counts.
    pub fn dress(&mut self, now: Timestamp, update: &Update) -> Dress {
        if self.dress_faults.is_empty() {
            return Dress::default();
        }
        on_dress(&mut self.dress_faults, now, self.config.seed, update)
    }

    /// How long the answer to the last POST is silent, where a fault says so.
    pub fn silence(&self) -> Option<Span> {
        self.silence
    }
}
