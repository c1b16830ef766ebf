//! What happens by hand: people with their telephones, and messages that are made to be this or that. What happens by itself
//! is in `world`.

use super::{Due, Stage, World};
use crate::fate::{What as Draw, fate};
use crate::input::{Act, HandsetId, MessageIndex, NumberId, Turn};
use crate::output::{Output, Update, What};
use cloud_api::time::{Span, Timestamp};

/// What waited for a telephone arrives within this long of its return, not all in the same microsecond.
const RETURN: Span = Span::secs(5);

impl World {
    /// Whether a contact has blocked the business by hand, and whether its telephone was turned off by hand.
    pub fn is_blocked_or_off(&self, handset: HandsetId) -> (bool, bool) {
        let handset = self.handsets[handset.0 as usize];
        (handset.blocked, handset.off)
    }

    /// Whether a contact wants no marketing.
    pub fn is_opted_out(&self, handset: HandsetId) -> bool {
        self.handsets[handset.0 as usize].opted_out
    }

    /// Whether a contact's telephone is on, as far as its persona goes.
    pub fn is_back(&self, handset: HandsetId) -> bool {
        self.personas[self.handsets[handset.0 as usize].persona as usize].back_at <= self.now
    }

    pub(super) fn act(&mut self, contact: HandsetId, number: NumberId, act: Act, out: &mut Vec<Output>) {
        let now = self.now;
        let Some(handset) = self.handsets.get_mut(contact.0 as usize) else { return };
        match act {
            Act::Says { text, reply_to } => {
                self.hear(contact, number);
                let what = What::Says(text);
                let update =
                    Update { about: reply_to, handset: contact, number, what, at: now, echoes: true, forged: false };
                self.report(update, out);
            }
            Act::Reads(message) => {
                if let Some(place) = self.place_of(message)
                    && self.messages[place as usize].stage == Stage::Delivered
                {
                    self.messages[place as usize].stage = Stage::Read;
                    self.tell(place, What::Read, false, out);
                }
            }
            Act::Blocks => handset.blocked = true,
            Act::Unblocks => handset.blocked = false,
            Act::TurnsOff => handset.off = true,
            Act::TurnsOn => {
                handset.off = false;
                for place in self.waiting.remove(&contact).unwrap_or_default() {
                    self.come_back(place);
                }
            }
            Act::Receives(message) => {
                if let Some(place) = self.place_of(message)
                    && self.messages[place as usize].stage == Stage::Sent
                {
                    self.come_back(place);
                }
            }
            Act::OptsOut => {
                if !std::mem::replace(&mut handset.opted_out, true) {
                    self.opted_out.insert(contact, now);
                }
            }
            Act::OptsIn => {
                handset.opted_out = false;
                self.opted_out.remove(&contact);
            }
        }
    }

    fn come_back(&mut self, place: u32) {
        let message = &self.messages[place as usize];
        let persona = &self.personas[self.handsets[message.handset.0 as usize].persona as usize].persona;
        let after = persona.delivered_after.as_ref().unwrap_or(&self.config.timing.delivered_after);
        let delay = after.draw(fate(self.config.seed, message.key, Draw::Delivered)).min(RETURN);
        self.due.push(self.now + delay, Due::Arrive(place));
    }

    /// A message arrives on its handset.
    #[inline]
    pub(super) fn arrive(&mut self, place: u32, out: &mut Vec<Output>) {
        let (now, seed) = (self.now, self.config.seed);
        let message = &mut self.messages[place as usize];
        message.stage = Stage::Delivered;
        let known = &self.personas[self.handsets[message.handset.0 as usize].persona as usize];
        let next = known.persona.after_arrival(seed, message.key, &self.config.timing);
        if let Some(read) = next.read {
            self.due.push(now + read, Due::Read(place));
        }
        if let Some(answer) = next.answer {
            self.due.push(now + answer, Due::Reply(place));
        }
        self.tell(place, What::Delivered, next.read.is_some(), out);
    }

    pub(super) fn force(&mut self, message: MessageIndex, turn: Turn, out: &mut Vec<Output>) {
        let Some(place) = self.place_of(message) else { return };
        let stage = self.messages[place as usize].stage;
        match turn {
            Turn::Sent if stage == Stage::Accepted => self.happen(Due::Send(place), out),
            Turn::Delivered if stage < Stage::Delivered => self.arrive(place, out),
            Turn::Sent => self.tell(place, What::Sent, false, out),
            Turn::Delivered => self.tell(place, What::Delivered, false, out),
            Turn::Read => {
                self.messages[place as usize].stage = stage.max(Stage::Read);
                self.tell(place, What::Read, false, out);
            }
            Turn::Failed(code) => {
                let message = &mut self.messages[place as usize];
                (message.stage, message.code) = (Stage::Failed, code.raw());
                self.tell(place, What::Failed(code), false, out);
            }
        }
    }

    fn place_of(&self, message: MessageIndex) -> Option<u32> {
        let place = message.0.checked_sub(self.cleared)?;
        ((place as usize) < self.messages.len()).then_some(place)
    }

    /// When a contact last wrote to a number, as far as it is known.
    pub fn last_heard(&self, handset: HandsetId, number: NumberId) -> Option<Timestamp> {
        self.numbers[usize::from(number.0)].heard_from(handset)
    }
}
