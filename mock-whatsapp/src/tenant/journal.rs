//! The journal of a tenant: every call of its Graph API, what it carried, what was decided and why. Bounded by bytes; the
//! oldest go first, a block at a time, and how many went is counted.
//!
//! A send costs it one copy of its body and no allocation of its own: entries are small and fixed, texts lie behind each
//! other. What can be read from a body (its type, its template) is read when somebody asks.

use crate::limits::{JOURNAL_BLOCK, JOURNAL_BODY};
use cloud_api::time::Timestamp;
use hyper::Method;
use mock_whatsapp_model::input::MessageIndex;
use std::collections::VecDeque;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken, or done.
    Accepted,
    /// It was refused, with an error object.
    Refused,
    /// The answer never comes.
    Lost,
    /// The connection is reset.
    Reset,
    /// Something comes that is no answer.
    Garbled,
    /// The caller hung up before its request was whole.
    Broken,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Accepted, Self::Refused, Self::Lost, Self::Reset, Self::Garbled, Self::Broken];

    /// As the control API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Lost => "lost",
            Self::Reset => "reset",
            Self::Garbled => "garbled",
            Self::Broken => "broken",
        }
    }
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decider {
    /// Nothing stood in the way.
    Nothing,
    /// The token.
    Token,
    /// The request itself, before anything else was looked at.
    Validation,
    /// The template that it names.
    Template,
    /// One of WhatsApp's limits.
    Rule,
    /// A fault that is armed.
    Fault,
    /// The meaning of the contact's number.
    Number,
    /// What things were like: an account, a window.
    State,
}

impl Decider {
    /// As the control API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Token => "token",
            Self::Validation => "validation",
            Self::Template => "template",
            Self::Rule => "rule",
            Self::Fault => "fault",
            Self::Number => "number",
            Self::State => "state",
        }
    }
}

/// A call that is to be written down.
#[derive(Clone, Debug)]
pub struct New<'a> {
    /// When it was decided on.
    pub at: Timestamp,
    /// Its method.
    pub method: &'a Method,
    /// Its path and query, without secrets.
    pub path: &'a str,
    /// Its body.
    pub body: &'a [u8],
    /// The contact, if it is a send that names one.
    pub to: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
    /// What decided.
    pub decider: Decider,
    /// The HTTP status; 0 if there was none.
    pub status: u16,
    /// The error's code; 0 if there was none.
    pub code: u32,
    /// The message, if one was taken.
    pub message: Option<MessageIndex>,
    /// Why, in words.
    pub why: &'a str,
    /// What was seen when it was decided, as JSON; empty where nothing is worth saying.
    pub saw: &'a str,
    /// Whether the answer was handed over; not known yet where it is still to come.
    pub heard: Option<bool>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: Timestamp,
    to: u64,
    message: u32,
    code: u32,
    start: u32,
    body: u32,
    /// How long the body was, of which only the beginning may be kept.
    whole: u32,
    path: u16,
    why: u16,
    saw: u16,
    status: u16,
    outcome: Outcome,
    decider: Decider,
    method: Verb,
    heard: Option<bool>,
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Get,
    Post,
    Delete,
    Other,
}

/// A call that was written down.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its number, from 1, never used twice.
    pub id: u64,
    entry: &'a Entry,
    texts: &'a [u8],
}

/// No message.
const NONE: u32 = u32::MAX;

impl<'a> Request<'a> {
    /// When it was decided on.
    pub fn at(&self) -> Timestamp {
        self.entry.at
    }

    /// Its method.
    pub fn method(&self) -> &'static str {
        match self.entry.method {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Delete => "DELETE",
            Verb::Other => "OTHER",
        }
    }

    fn text(&self, from: usize, length: u16) -> &'a str {
        str::from_utf8(&self.texts[from..from + usize::from(length)]).unwrap_or_default()
    }

    /// Its path and query.
    pub fn path(&self) -> &'a str {
        self.text(0, self.entry.path)
    }

    /// Why, in words; empty where it was taken.
    pub fn why(&self) -> &'a str {
        self.text(usize::from(self.entry.path), self.entry.why)
    }

    /// What was seen, as JSON.
    pub fn saw(&self) -> &'a str {
        self.text(usize::from(self.entry.path) + usize::from(self.entry.why), self.entry.saw)
    }

    /// Its body, as far as it is kept.
    pub fn body(&self) -> &'a [u8] {
        &self.texts[self.texts.len() - self.entry.body as usize..]
    }

    /// How long the body was.
    pub fn whole(&self) -> usize {
        self.entry.whole as usize
    }

    /// The contact, if it is a send that names one.
    pub fn to(&self) -> Option<u64> {
        (self.entry.to != 0).then_some(self.entry.to)
    }

    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        self.entry.outcome
    }

    /// What decided.
    pub fn decider(&self) -> Decider {
        self.entry.decider
    }

    /// The HTTP status; `None` if there was none.
    pub fn status(&self) -> Option<u16> {
        (self.entry.status != 0).then_some(self.entry.status)
    }

    /// The error's code.
    pub fn code(&self) -> Option<u32> {
        (self.entry.code != 0 || self.entry.outcome == Outcome::Refused).then_some(self.entry.code)
    }

    /// The message, if one was taken.
    pub fn message(&self) -> Option<MessageIndex> {
        (self.entry.message != NONE).then_some(MessageIndex(self.entry.message))
    }

    /// Whether the answer was handed over; `None` while it is still to come.
    pub fn heard(&self) -> Option<bool> {
        self.entry.heard
    }

    /// Whether it is a send: a POST to an edge of messages.
    pub fn is_send(&self) -> bool {
        let path = self.path().split('?').next().unwrap_or_default();
        matches!(self.entry.method, Verb::Post)
            && matches!(path.rsplit('/').next(), Some("messages" | "marketing_messages"))
    }
}

#[derive(Clone, Debug, Default)]
struct Block {
    first: u64,
    entries: Vec<Entry>,
    texts: Vec<u8>,
}

impl Block {
    fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + self.texts.capacity() + size_of::<Self>()
    }

    fn is_full(&self) -> bool {
        self.texts.len() >= JOURNAL_BLOCK || self.entries.len() >= JOURNAL_BLOCK / size_of::<Entry>()
    }

    fn get(&self, id: u64) -> Option<Request<'_>> {
        let place = usize::try_from(id.checked_sub(self.first)?).ok()?;
        let entry = self.entries.get(place)?;
        let end = self.entries.get(place + 1).map_or(self.texts.len(), |next| next.start as usize);
        Some(Request { id, entry, texts: &self.texts[entry.start as usize..end] })
    }
}

/// The journal.
#[derive(Clone, Debug)]
pub struct Journal {
    most: usize,
    /// Never empty.
    blocks: VecDeque<Block>,
    /// The bytes of all blocks but the last.
    bytes: usize,
    next: u64,
    evicted: u64,
}

impl Journal {
    /// An empty journal that holds so many bytes.
    pub fn new(most: usize) -> Self {
        Self { most, blocks: VecDeque::from([Block { first: 1, ..Block::default() }]), bytes: 0, next: 1, evicted: 0 }
    }

    /// Writes a call down, and gives its number.
    pub fn push(&mut self, new: &New<'_>) -> u64 {
        let id = self.next;
        self.next += 1;
        if self.blocks.back().is_none_or(Block::is_full) {
            self.begin_block(id);
        }
        if let Some(block) = self.blocks.back_mut() {
            let body = &new.body[..new.body.len().min(JOURNAL_BODY)];
            let start = block.texts.len() as u32;
            let [path, why, saw] = [new.path, new.why, new.saw].map(|text| {
                // Longer than any that this server makes; of a longer one nothing is kept rather than half a letter.
                let length = u16::try_from(text.len()).unwrap_or(0);
                block.texts.extend_from_slice(&text.as_bytes()[..usize::from(length)]);
                length
            });
            block.texts.extend_from_slice(body);
            block.entries.push(Entry {
                at: new.at,
                to: new.to.unwrap_or(0),
                message: new.message.map_or(NONE, |message| message.0),
                code: new.code,
                start,
                body: body.len() as u32,
                whole: u32::try_from(new.body.len()).unwrap_or(u32::MAX),
                path,
                why,
                saw,
                status: new.status,
                outcome: new.outcome,
                decider: new.decider,
                method: match *new.method {
                    Method::GET => Verb::Get,
                    Method::POST => Verb::Post,
                    Method::DELETE => Verb::Delete,
                    _ => Verb::Other,
                },
                heard: new.heard,
            });
        }
        while self.blocks.len() > 1
            && self.bytes + self.blocks.back().map_or(0, Block::bytes) > self.most
            && let Some(oldest) = self.blocks.pop_front()
        {
            self.bytes -= oldest.bytes();
            self.evicted += oldest.entries.len() as u64;
        }
        id
    }

    fn begin_block(&mut self, first: u64) {
        let mut block = Block { first, ..Block::default() };
        if let Some(full) = self.blocks.back_mut() {
            full.entries.shrink_to_fit();
            full.texts.shrink_to_fit();
            self.bytes += full.bytes();
            // One block will be as large as another: what grows bit by bit leaves holes behind.
            block.entries.reserve_exact(full.entries.len());
            block.texts.reserve_exact(full.texts.len().min(2 * JOURNAL_BLOCK));
        }
        self.blocks.push_back(block);
    }

    /// Notes whether the answer to a call was handed over.
    pub fn heard(&mut self, id: u64, heard: bool) {
        let place = self.place(id);
        if let Some(block) = self.blocks.get_mut(place)
            && let Some(entry) = id.checked_sub(block.first).and_then(|place| block.entries.get_mut(place as usize))
        {
            entry.heard = Some(heard);
        }
    }

    /// The block that a call is in, if it is in any.
    fn place(&self, id: u64) -> usize {
        self.blocks.partition_point(|block| block.first <= id).saturating_sub(1)
    }

    /// A call by its number.
    pub fn get(&self, id: u64) -> Option<Request<'_>> {
        self.blocks.get(self.place(id))?.get(id)
    }

    /// The calls from a number on, oldest first.
    pub fn from(&self, id: u64) -> impl Iterator<Item = Request<'_>> {
        // Block by block: where a restore skipped numbers, there is nothing to look for.
        let places = |block: &Block| block.first..block.first + block.entries.len() as u64;
        let blocks = self.blocks.iter().skip(self.place(id));
        blocks.flat_map(move |block| places(block).filter(move |at| *at >= id).filter_map(|at| block.get(at)))
    }

    /// The number of the oldest call that is kept.
    pub fn first(&self) -> u64 {
        self.blocks.front().map_or(self.next, |block| block.first)
    }

    /// The number of the next call.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// How many were forgotten since the last [`Self::clear`].
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// What it takes in memory, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes + self.blocks.back().map_or(0, Block::bytes)
    }

    /// Leaves out numbers that were used elsewhere: the next call has at least this one.
    pub fn skip_to(&mut self, next: u64) {
        if next <= self.next {
            return;
        }
        self.next = next;
        match self.blocks.back_mut() {
            Some(block) if block.entries.is_empty() => block.first = next,
            Some(_) | None => self.begin_block(next),
        }
    }

    /// Empties it; numbers go on.
    pub fn clear(&mut self) {
        let next = self.next;
        *self = Self { next, ..Self::new(self.most) };
        if let Some(block) = self.blocks.back_mut() {
            block.first = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(body: &[u8]) -> New<'_> {
        New {
            at: Timestamp(7),
            method: &Method::POST,
            path: "/v25.0/1/messages",
            body,
            to: Some(14_155_550_123),
            outcome: Outcome::Accepted,
            decider: Decider::Nothing,
            status: 200,
            code: 0,
            message: Some(MessageIndex(3)),
            why: "",
            saw: "",
            heard: None,
        }
    }

    #[test]
    fn what_was_written_down_is_read_again() {
        let mut journal = Journal::new(1 << 20);
        assert_eq!(journal.push(&new(b"{}")), 1);
        let refused = New { why: "no", saw: "{\"a\":1}", status: 400, code: 100, message: None, ..new(b"[1]") };
        assert_eq!(journal.push(&New { outcome: Outcome::Refused, to: None, ..refused }), 2);
        let first = journal.get(1).unwrap();
        assert_eq!((first.path(), first.body(), first.why()), ("/v25.0/1/messages", &b"{}"[..], ""));
        assert_eq!((first.to(), first.code(), first.message()), (Some(14_155_550_123), None, Some(MessageIndex(3))));
        let second = journal.get(2).unwrap();
        assert_eq!((second.body(), second.why(), second.saw()), (&b"[1]"[..], "no", "{\"a\":1}"));
        assert_eq!((second.to(), second.code(), second.message(), second.heard()), (None, Some(100), None, None));
        journal.heard(2, false);
        assert_eq!(journal.get(2).and_then(|request| request.heard()), Some(false));
        assert!(first_send(&journal) && journal.get(0).is_none() && journal.get(3).is_none());
        journal.clear();
        assert_eq!((journal.get(1).is_none(), journal.push(&new(b"x")), journal.evicted()), (true, 3, 0));
        assert_eq!(journal.from(0).map(|request| request.id).collect::<Vec<_>>(), [3]);
    }

    fn first_send(journal: &Journal) -> bool {
        journal.get(1).is_some_and(|request| request.is_send())
    }

    #[test]
    fn numbers_can_be_left_out() {
        let mut journal = Journal::new(1 << 20);
        journal.skip_to(4);
        assert_eq!((journal.push(&new(b"a")), journal.push(&new(b"b"))), (4, 5));
        journal.skip_to(2);
        journal.skip_to(1_000_000_000_000);
        assert_eq!(journal.push(&new(b"c")), 1_000_000_000_000);
        let all: Vec<(u64, &[u8])> = journal.from(0).map(|request| (request.id, request.body())).collect();
        assert_eq!(all, [(4, &b"a"[..]), (5, b"b"), (1_000_000_000_000, b"c")]);
        assert_eq!(journal.from(5).count(), 2);
        assert_eq!(journal.from(6).map(|request| request.id).collect::<Vec<_>>(), [1_000_000_000_000]);
        assert!(journal.get(6).is_none());
        assert!(journal.bytes() > 3 * size_of::<Entry>());
    }

    #[test]
    fn it_stays_within_its_bytes_and_counts_what_it_forgot() {
        let most = 8 * JOURNAL_BLOCK;
        let mut journal = Journal::new(most);
        let body = vec![b'x'; 500];
        for _ in 0..10_000 {
            journal.push(&new(&body));
        }
        let held = journal.bytes();
        assert!(held <= most && held > most / 2, "{held}");
        assert_eq!(journal.evicted(), journal.first() - 1);
        assert_eq!(journal.from(0).count() as u64 + journal.evicted(), 10_000);
        let long = vec![b'y'; JOURNAL_BODY + 1];
        let id = journal.push(&new(&long));
        let kept = journal.get(id).unwrap();
        assert_eq!((kept.body().len(), kept.whole()), (JOURNAL_BODY, JOURNAL_BODY + 1));
    }
}
