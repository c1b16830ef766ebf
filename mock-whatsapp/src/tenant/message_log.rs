//! What was accepted, in words: the texts of which the model only knows the place. Bounded; the oldest go first, a block at a
//! time, and how many went is counted.
//!
//! A campaign accepts a million messages that live equally long. So none has an allocation of its own: entries are of one
//! size, texts lie behind each other, and what neighbours have in common (their template, its buttons) they share.

use crate::limits::{MESSAGE_BLOCK, MESSAGE_LOG_BYTES};
use crate::templates::{Category, Place};
use cloud_api::time::Timestamp;
use mock_whatsapp_model::input::MessageIndex;
use std::collections::VecDeque;
use std::sync::Arc;

/// The words of a message that is about to be accepted.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its type, as requests spell it.
    pub kind: &'static str,
    /// Its template, if it is one.
    pub template: Option<Arc<str>>,
    /// The template's place, if it is known: names are shared by languages.
    pub place: Option<Place>,
    /// What it is for, if it is a template.
    pub category: Option<Category>,
    /// Whether it came by `/marketing_messages`, which has a price of its own.
    pub is_lite: bool,
    /// `biz_opaque_callback_data`.
    pub callback_data: Option<Box<str>>,
    /// What the contact sees.
    pub rendered: Box<str>,
    /// What can be tapped of it.
    pub buttons: Box<[Button]>,
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

/// What can happen to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It was taken.
    Accepted,
    /// A webhook told that it is on its way.
    Sent,
    /// A webhook told that it arrived.
    Delivered,
    /// A webhook told that it was read.
    Read,
    /// A webhook told that it failed.
    Failed,
    /// The contact answered it.
    Replied,
    /// The contact pressed its STOP.
    Stopped,
    /// The contact quoted it.
    Quoted,
    /// Somebody made a webhook about it up.
    Forged,
}

impl Happened {
    /// As the control API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Replied => "replied",
            Self::Stopped => "stopped",
            Self::Quoted => "quoted",
            Self::Forged => "forged",
        }
    }
}

/// One thing that happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Happened,
    /// The webhook that told of it.
    pub webhook: Option<u64>,
}

/// An event as it is kept.
#[derive(Clone, Copy, Debug)]
struct Noted {
    at: Timestamp,
    webhook: u64,
    what: Happened,
}

/// No webhook.
const NONE: u64 = u64::MAX;

impl Noted {
    const NOTHING: Self = Self { at: Timestamp(0), webhook: NONE, what: Happened::Accepted };

    fn event(&self) -> Event {
        Event { at: self.at, what: self.what, webhook: (self.webhook != NONE).then_some(self.webhook) }
    }
}

/// No template, or none that is known.
const NOWHERE: u16 = u16::MAX;

/// Events that need no memory of their own: acceptance and three statuses.
const FEW: usize = 4;

#[derive(Clone, Debug)]
struct Entry {
    kind: &'static str,
    template: Option<Arc<str>>,
    buttons: Option<Arc<[Button]>>,
    category: Option<Category>,
    is_lite: bool,
    has_callback_data: bool,
    noted: u8,
    start: u32,
    /// In bytes; at most four for each of the 512 characters that there may be.
    callback_data: u16,
    /// Where templates are too many, the last ones are not told apart.
    place: u16,
    rendered: u32,
    few: [Noted; FEW],
    more: Vec<Noted>,
}

/// The words of an accepted message.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    entry: &'a Entry,
    texts: &'a str,
}

impl<'a> Words<'a> {
    /// Its type, as requests spell it.
    pub fn kind(&self) -> &'static str {
        self.entry.kind
    }

    /// Its template, if it is one.
    pub fn template(&self) -> Option<&'a str> {
        self.entry.template.as_deref()
    }

    /// The template's place, if it is known.
    pub fn place(&self) -> Option<Place> {
        (self.entry.place != NOWHERE).then_some(self.entry.place.into())
    }

    /// What it is for, if it is a template.
    pub fn category(&self) -> Option<Category> {
        self.entry.category
    }

    /// What its price is called.
    pub fn price(&self) -> &'static str {
        if self.entry.is_lite { "marketing_lite" } else { self.entry.category.map_or("service", Category::price) }
    }

    fn text(&self, from: u32, length: u32) -> &'a str {
        self.texts.get(from as usize..(from + length) as usize).unwrap_or_default()
    }

    /// `biz_opaque_callback_data`.
    pub fn callback_data(&self) -> Option<&'a str> {
        self.entry.has_callback_data.then(|| self.text(self.entry.start, self.entry.callback_data.into()))
    }

    /// What the contact sees.
    pub fn rendered(&self) -> &'a str {
        self.text(self.entry.start + u32::from(self.entry.callback_data), self.entry.rendered)
    }

    /// What can be tapped of it.
    pub fn buttons(&self) -> &'a [Button] {
        self.entry.buttons.as_deref().unwrap_or_default()
    }

    /// What happened to it, in order.
    pub fn timeline(&self) -> impl Iterator<Item = Event> + use<'a> {
        let few = &self.entry.few[..usize::from(self.entry.noted)];
        few.iter().chain(&self.entry.more).map(Noted::event)
    }
}

#[derive(Clone, Debug, Default)]
struct Block {
    first: u32,
    entries: Vec<Entry>,
    texts: String,
    /// What its entries have of their own: buttons that are not their neighbours', many events.
    others: usize,
}

impl Block {
    fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + self.texts.capacity() + self.others + size_of::<Self>()
    }

    fn is_full(&self) -> bool {
        self.texts.len() + self.others >= MESSAGE_BLOCK || self.entries.len() >= MESSAGE_BLOCK / size_of::<Entry>()
    }
}

/// The words of the accepted messages, by their place in the model.
#[derive(Clone, Debug, Default)]
pub struct MessageLog {
    blocks: VecDeque<Block>,
    /// The bytes of all blocks.
    bytes: usize,
    /// The place of the next message.
    next: u32,
    evicted: u64,
}

impl MessageLog {
    /// Adds the words of the message that was accepted last, and when that was.
    pub fn push(&mut self, record: &Record, at: Timestamp) {
        if self.blocks.back().is_none_or(Block::is_full) {
            let mut block = Block { first: self.next, ..Block::default() };
            if let Some(full) = self.blocks.back_mut() {
                let before = full.bytes();
                full.entries.shrink_to_fit();
                full.texts.shrink_to_fit();
                self.bytes = self.bytes + full.bytes() - before;
                // One block will be as large as another: what grows bit by bit leaves holes behind.
                block.entries.reserve_exact(full.entries.len());
                block.texts.reserve_exact(full.texts.len().min(MESSAGE_BLOCK));
            }
            self.bytes += block.bytes();
            self.blocks.push_back(block);
        }
        let neighbour = self.blocks.iter().rev().take(2).find_map(|block| block.entries.last());
        let template = record.template.clone().map(|template| match neighbour.and_then(|it| it.template.clone()) {
            Some(same) if same == template => same,
            Some(_) | None => template,
        });
        let same = neighbour.and_then(|it| it.buttons.clone()).filter(|same| **same == *record.buttons);
        let (buttons, own) = match same {
            _ if record.buttons.is_empty() => (None, 0),
            Some(same) => (Some(same), 0),
            None => (Some(record.buttons.clone().into()), bytes_of(&record.buttons)),
        };
        if let Some(block) = self.blocks.back_mut() {
            let before = block.bytes();
            let callback_data = record.callback_data.as_deref();
            let start = block.texts.len() as u32;
            block.texts.push_str(callback_data.unwrap_or_default());
            block.texts.push_str(&record.rendered);
            block.others += own;
            let mut few = [Noted::NOTHING; FEW];
            few[0] = Noted { at, ..Noted::NOTHING };
            block.entries.push(Entry {
                kind: record.kind,
                template,
                buttons,
                category: record.category,
                is_lite: record.is_lite,
                has_callback_data: callback_data.is_some(),
                noted: 1,
                start,
                callback_data: callback_data.map_or(0, str::len) as u16,
                place: record.place.and_then(|place| place.try_into().ok()).unwrap_or(NOWHERE),
                rendered: record.rendered.len() as u32,
                few,
                more: Vec::new(),
            });
            self.bytes = self.bytes + block.bytes() - before;
        }
        self.next += 1;
        self.evict();
    }

    fn evict(&mut self) {
        while self.bytes > MESSAGE_LOG_BYTES
            && self.blocks.len() > 1
            && let Some(oldest) = self.blocks.pop_front()
        {
            self.bytes -= oldest.bytes();
            self.evicted += oldest.entries.len() as u64;
        }
    }

    /// The block that a message is in, if it is in any, and its place there.
    fn place(&self, index: MessageIndex) -> Option<(usize, usize)> {
        let block = self.blocks.partition_point(|block| block.first <= index.0).checked_sub(1)?;
        Some((block, (index.0 - self.blocks[block].first) as usize))
    }

    /// The words of a message.
    pub fn get(&self, index: MessageIndex) -> Option<Words<'_>> {
        let (block, place) = self.place(index)?;
        let block = &self.blocks[block];
        Some(Words { entry: block.entries.get(place)?, texts: &block.texts })
    }

    /// Notes what happened to a message.
    pub fn note(&mut self, index: MessageIndex, event: Event) {
        let Some((block, place)) = self.place(index) else { return };
        let block = &mut self.blocks[block];
        let Some(entry) = block.entries.get_mut(place) else { return };
        let noted = Noted { at: event.at, webhook: event.webhook.unwrap_or(NONE), what: event.what };
        match entry.few.get_mut(usize::from(entry.noted)) {
            Some(free) => {
                *free = noted;
                entry.noted += 1;
            }
            None => {
                let before = entry.more.capacity();
                entry.more.push(noted);
                let grown = (entry.more.capacity() - before) * size_of::<Noted>();
                block.others += grown;
                self.bytes += grown;
                self.evict();
            }
        }
    }

    /// The place of the oldest message that is here.
    pub fn first(&self) -> MessageIndex {
        MessageIndex(self.blocks.front().map_or(self.next, |block| block.first))
    }

    /// The place behind the newest.
    pub fn end(&self) -> MessageIndex {
        MessageIndex(self.next)
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many were forgotten.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Empties it; places go on.
    pub fn clear(&mut self) {
        *self = Self { next: self.next, ..Self::default() };
    }
}

/// About what buttons take of memory; each small allocation has an overhead.
fn bytes_of(buttons: &[Button]) -> usize {
    buttons.iter().map(|button| button.text.len() + button.payload.len() + size_of::<Button>() + 32).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(place: usize) -> Record {
        let button = Button { text: "STOP".into(), payload: format!("p{}", place % 3).into(), tap: Tap::Template };
        Record {
            kind: "template",
            template: Some("spring_sale".into()),
            place: Some(place as u32),
            is_lite: false,
            category: Some(Category::Marketing),
            callback_data: place.is_multiple_of(2).then(|| format!("c/{place}").into()),
            rendered: format!("Hello {place}").into(),
            buttons: vec![button; place % 2].into(),
        }
    }

    #[test]
    fn words_and_events_are_read_as_they_were_written() {
        let mut log = MessageLog::default();
        for place in 0..2_000 {
            log.push(&record(place), Timestamp(place as u64));
        }
        let all = [Happened::Sent, Happened::Delivered, Happened::Read, Happened::Replied, Happened::Stopped];
        for (place, what) in all.into_iter().enumerate() {
            log.note(MessageIndex(7), Event { at: Timestamp(9), what, webhook: Some(place as u64) });
        }
        for place in 0..2_000 {
            let (words, wanted) = (log.get(MessageIndex(place as u32)).unwrap(), record(place));
            assert_eq!((words.kind(), words.template()), ("template", Some("spring_sale")));
            assert_eq!((words.callback_data(), words.rendered()), (wanted.callback_data.as_deref(), &*wanted.rendered));
            assert_eq!((words.buttons(), words.category()), (&*wanted.buttons, wanted.category));
            let first = Event { at: Timestamp(place as u64), what: Happened::Accepted, webhook: None };
            assert_eq!(words.timeline().next(), Some(first));
        }
        let events: Vec<Event> = log.get(MessageIndex(7)).unwrap().timeline().collect();
        assert_eq!(events.len(), 6);
        assert_eq!(events[5], Event { at: Timestamp(9), what: Happened::Stopped, webhook: Some(4) });
        assert!(log.get(MessageIndex(2_000)).is_none());
        log.clear();
        assert!(log.get(MessageIndex(7)).is_none());
        assert_eq!((log.first(), log.end(), log.bytes), (MessageIndex(2_000), MessageIndex(2_000), 0));
    }

    #[test]
    fn it_stays_within_its_bytes_and_counts_what_it_forgot() {
        let mut log = MessageLog::default();
        let long = Record { rendered: "x".repeat(4_000).into(), ..record(1) };
        for place in 0..2 * MESSAGE_LOG_BYTES / 4_000 {
            log.push(&long, Timestamp(0));
            for webhook in 0..u64::from(place % 100 == 0) * 50 {
                let event = Event { at: Timestamp(0), what: Happened::Read, webhook: Some(webhook) };
                log.note(MessageIndex(place as u32), event);
            }
        }
        assert!(log.bytes <= MESSAGE_LOG_BYTES && log.bytes > MESSAGE_LOG_BYTES / 2, "{}", log.bytes);
        assert_eq!(log.bytes, log.blocks.iter().map(Block::bytes).sum::<usize>());
        assert_eq!(log.evicted(), u64::from(log.first().0));
        let last = log.get(MessageIndex(log.end().0 - 1)).unwrap();
        assert_eq!(last.rendered().len(), 4_000);
        assert!(log.get(MessageIndex(0)).is_none());
    }
}
