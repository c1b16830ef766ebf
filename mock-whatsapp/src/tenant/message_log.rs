//! What was accepted, in words: the texts of which the model only knows the place. Bounded; the oldest go first.

use crate::limits::MESSAGE_LOG_BYTES;
use crate::templates::Category;
use cloud_api::time::Timestamp;
use mock_whatsapp_model::input::MessageIndex;
use std::collections::VecDeque;
use std::sync::Arc;

/// The words of one accepted message.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its type, as requests spell it.
    pub kind: &'static str,
    /// Its template, if it is one.
    pub template: Option<Arc<str>>,
    /// What it is for, if it is a template.
    pub category: Option<Category>,
    /// `biz_opaque_callback_data`.
    pub callback_data: Option<Box<str>>,
    /// What the contact sees.
    pub rendered: Box<str>,
    /// What can be tapped of it.
    pub buttons: Box<[Button]>,
    /// What happened to it, in order.
    pub timeline: Vec<Event>,
}

/// What is told when something is tapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tap {
    /// A quick-reply button of a template: `button`.
    Template,
    /// A button of an interactive message: `interactive` with `button_reply`.
    Reply,
    /// A row of a list, with its second line: `interactive` with `list_reply`.
    Row(Option<Box<str>>),
}

/// Something in a message that can be tapped, and answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// Its label.
    pub text: Box<str>,
    /// What the sender wants to hear; the label, where it said nothing.
    pub payload: Box<str>,
    /// What is told.
    pub tap: Tap,
}

/// One thing that happened to a message.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: &'static str,
    /// The webhook that told of it.
    pub webhook: Option<u64>,
}

impl Record {
    /// About what it takes of memory: events come in fours, each small allocation has an overhead.
    fn bytes(&self) -> usize {
        let buttons: usize = self.buttons.iter().map(|button| button.text.len() + button.payload.len() + 64).sum();
        let texts = self.rendered.len() + self.callback_data.as_ref().map_or(0, |data| data.len() + 16);
        size_of::<Self>() + 4 * size_of::<Event>() + 32 + texts + buttons
    }
}

/// The words of the accepted messages, by their place in the model.
#[derive(Clone, Debug, Default)]
pub struct MessageLog {
    records: VecDeque<Record>,
    /// The place of the first record.
    first: u32,
    bytes: usize,
    evicted: u64,
}

impl MessageLog {
    /// Adds the words of the message that was accepted last.
    pub fn push(&mut self, record: Record) {
        self.bytes += record.bytes();
        self.records.push_back(record);
        while self.bytes > MESSAGE_LOG_BYTES
            && let Some(oldest) = self.records.pop_front()
        {
            self.bytes -= oldest.bytes();
            self.first += 1;
            self.evicted += 1;
        }
    }

    /// The words of a message.
    pub fn get(&self, index: MessageIndex) -> Option<&Record> {
        self.records.get(index.0.checked_sub(self.first)? as usize)
    }

    /// Notes what happened to a message.
    pub fn note(&mut self, index: MessageIndex, event: Event) {
        let place = index.0.checked_sub(self.first);
        if let Some(record) = place.and_then(|place| self.records.get_mut(place as usize)) {
            record.timeline.push(event);
        }
    }

    /// The place of the oldest message that is here.
    pub fn first(&self) -> MessageIndex {
        MessageIndex(self.first)
    }

    /// The place behind the newest.
    pub fn end(&self) -> MessageIndex {
        MessageIndex(self.first + self.records.len() as u32)
    }

    /// What it takes in memory, about, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many were forgotten.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Empties it; places go on.
    pub fn clear(&mut self) {
        *self = Self { first: self.end().0, ..Self::default() };
    }
}
