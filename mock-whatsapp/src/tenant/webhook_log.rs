//! The webhooks that were to be sent, each with its body and every attempt. Bounded; the oldest go first, and how many went is
//! counted.
//!
//! A campaign makes three million of them that live equally long. So what one needs lies in a record of one size, bodies lie
//! behind each other, and what can be made again at any time (ids, signatures) is not kept.

use crate::limits::{WEBHOOK_BODY, WEBHOOK_LOG_BYTES, WEBHOOKS_PER_BLOCK};
use crate::signing::Hand;
use bytes::Bytes;
use cloud_api::time::Timestamp;
use mock_whatsapp_model::input::DeliveryId;
use mock_whatsapp_model::output::{Dress, Update};
use std::borrow::Cow;
use std::collections::VecDeque;

/// How far a webhook came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is about to be sent, for the first time.
    Due,
    /// It was sent and not acknowledged; it will be sent again.
    Retrying,
    /// It was answered with 200.
    Acked,
    /// It was not, and is not sent any more.
    GaveUp,
    /// There was nowhere to send it.
    NoWebhook,
    /// A fault took it.
    Faulted,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Due, Self::Retrying, Self::Acked, Self::GaveUp, Self::NoWebhook, Self::Faulted];

    /// As the control API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Retrying => "retrying",
            Self::Acked => "acked",
            Self::GaveUp => "gave_up",
            Self::NoWebhook => "no_webhook",
            Self::Faulted => "faulted",
        }
    }
}

/// One attempt to deliver a webhook.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When it was answered, in the tenant's time.
    pub at: Timestamp,
    /// The HTTP status; 0 if there was none.
    pub status: u16,
    /// How long it took, in real time.
    pub ms: u64,
    /// Why there was no status.
    pub failure: Option<String>,
}

/// One webhook.
#[derive(Clone, Debug)]
pub struct Record {
    /// What it tells, as in `status.delivered` or `message.text`; of other fields the field's name.
    pub kind: Cow<'static, str>,
    /// What it tells, from which its body can be made at any time.
    pub update: Update,
    /// The contact whose number is in the wamid in its body; 0, if there is no wamid.
    pub whom: u64,
    /// What faults make of it.
    pub dress: Dress,
    /// How far it came.
    pub state: State,
    /// Whose hand its signature is.
    hand: Hand,
    body: Body,
    /// The first attempt, which is mostly the last.
    first: Option<Attempt>,
    more: Vec<Attempt>,
}

/// Where the body of a webhook is.
#[derive(Clone, Debug)]
enum Body {
    /// It was not sent yet.
    None,
    /// In the block: where it begins, and how long it is.
    Here(u32, u32),
    /// It is long, or it is the body of others too. What of its length counts for this one.
    Apart(Box<(Bytes, usize)>),
}

impl Record {
    /// Every attempt.
    pub fn attempts(&self) -> impl DoubleEndedIterator<Item = &Attempt> {
        self.first.iter().chain(&self.more)
    }

    /// Whose hand its signature is; of one that was sent.
    pub fn hand(&self) -> Hand {
        self.hand
    }

    /// What it takes of memory beside its place.
    fn others(&self) -> usize {
        let kind = if let Cow::Owned(kind) = &self.kind { kind.capacity() } else { 0 };
        let body = if let Body::Apart(apart) = &self.body { apart.1 + size_of::<(Bytes, usize)>() } else { 0 };
        let why: usize = self.attempts().map(|attempt| attempt.failure.as_ref().map_or(0, String::len)).sum();
        kind + body + why + self.more.capacity() * size_of::<Attempt>()
    }
}

#[derive(Clone, Debug)]
struct Block {
    /// The number of its first record.
    first: u64,
    records: VecDeque<Record>,
    bodies: Vec<u8>,
    /// What its records have of their own.
    others: usize,
    is_full: bool,
}

impl Block {
    fn new(first: u64) -> Self {
        let records = VecDeque::with_capacity(WEBHOOKS_PER_BLOCK);
        Self { first, records, bodies: Vec::new(), others: 0, is_full: false }
    }

    fn bytes(&self) -> usize {
        self.records.capacity() * size_of::<Record>() + self.bodies.capacity() + self.others + size_of::<Self>()
    }

    fn body(&self, record: &Record) -> Option<Bytes> {
        match &record.body {
            Body::None => None,
            Body::Here(start, length) => {
                let body = self.bodies.get(*start as usize..(start + length) as usize);
                Some(Bytes::copy_from_slice(body.unwrap_or_default()))
            }
            Body::Apart(apart) => Some(apart.0.clone()),
        }
    }

    fn keep(&mut self, body: &Bytes, shared_by: usize) -> Body {
        if shared_by > 1 || body.len() > WEBHOOK_BODY {
            return Body::Apart(Box::new((body.clone(), body.len() / shared_by.max(1))));
        }
        if self.bodies.capacity() - self.bodies.len() < body.len() {
            // Step by step: what doubles leaves half of it empty.
            self.bodies.reserve_exact(WEBHOOK_BODY);
        }
        let start = self.bodies.len() as u32;
        self.bodies.extend_from_slice(body);
        Body::Here(start, body.len() as u32)
    }
}

/// The webhooks of one tenant.
#[derive(Clone, Debug, Default)]
pub struct WebhookLog {
    blocks: VecDeque<Block>,
    next: u64,
    /// Which webhook each of the model's deliveries is.
    of_delivery: Vec<u64>,
    /// The bytes of all blocks.
    bytes: usize,
    evicted: u64,
}

impl WebhookLog {
    /// Opens the record of a webhook that is to be delivered, or of one that will not be.
    pub fn open(
        &mut self,
        delivery: Option<DeliveryId>,
        kind: Cow<'static, str>,
        update: Update,
        whom: u64,
        dress: Dress,
    ) -> u64 {
        let id = self.next;
        self.next += 1;
        let state = if delivery.is_some() { State::Due } else { State::Faulted };
        let (hand, body) = (Hand::default(), Body::None);
        let record = Record { kind, update, whom, dress, state, hand, body, first: None, more: Vec::new() };
        if let Some(delivery) = delivery {
            self.delivers(delivery, id);
        }
        if self.blocks.back().is_none_or(|block| block.is_full) {
            let block = Block::new(id);
            self.bytes += block.bytes();
            self.blocks.push_back(block);
        }
        if let Some(block) = self.blocks.back_mut() {
            let others = record.others();
            block.others += others;
            self.bytes += others;
            block.records.push_back(record);
            block.is_full = block.records.len() >= WEBHOOKS_PER_BLOCK;
        }
        self.evict();
        id
    }

    fn delivers(&mut self, delivery: DeliveryId, id: u64) {
        let place = delivery.0 as usize;
        if self.of_delivery.len() <= place {
            self.of_delivery.resize(place + 1, u64::MAX);
        }
        self.of_delivery[place] = id;
    }

    /// What faults make of a delivery.
    pub fn dress(&self, delivery: DeliveryId) -> Dress {
        self.number(delivery).and_then(|id| self.get(id)).map(|record| record.dress).unwrap_or_default()
    }

    /// A webhook is delivered once more.
    pub fn repeat(&mut self, delivery: DeliveryId, id: u64) {
        self.delivers(delivery, id);
        self.change(delivery, |_, record| record.state = State::Due);
    }

    /// The block that a webhook is in, if it is in any, and its place there.
    fn place(&self, id: u64) -> Option<(usize, usize)> {
        let block = self.blocks.partition_point(|block| block.first <= id).checked_sub(1)?;
        let place = usize::try_from(id - self.blocks[block].first).ok()?;
        (place < self.blocks[block].records.len()).then_some((block, place))
    }

    /// A webhook.
    pub fn get(&self, id: u64) -> Option<&Record> {
        let (block, place) = self.place(id)?;
        self.blocks[block].records.get(place)
    }

    /// The body of a webhook, byte for byte; `None` until it is sent.
    pub fn body(&self, id: u64) -> Option<Bytes> {
        let (block, place) = self.place(id)?;
        let block = &self.blocks[block];
        block.body(block.records.get(place)?)
    }

    /// Leaves out numbers that were used elsewhere: the next webhook has at least this one.
    pub fn skip_to(&mut self, next: u64) {
        if next > self.next {
            self.next = next;
            // The numbers of a block have no gaps.
            if let Some(block) = self.blocks.back_mut() {
                block.is_full = true;
            }
        }
    }

    /// The number of the next webhook.
    pub fn next(&self) -> u64 {
        self.next
    }

    fn evict(&mut self) {
        while self.bytes > WEBHOOK_LOG_BYTES
            && let Some(block) = self.blocks.front_mut()
        {
            if let Some(oldest) = block.records.pop_front() {
                let others = oldest.others();
                block.first += 1;
                block.others -= others;
                self.bytes -= others;
                self.evicted += 1;
            }
            if block.records.is_empty() {
                self.bytes -= block.bytes();
                self.blocks.pop_front();
            }
        }
    }

    /// The number of the webhook that a delivery is.
    pub fn number(&self, delivery: DeliveryId) -> Option<u64> {
        self.of_delivery.get(delivery.0 as usize).copied()
    }

    /// Changes the record of a delivery, if it is still there.
    fn change(&mut self, delivery: DeliveryId, change: impl FnOnce(&mut Block, &mut Record)) {
        let Some((block, place)) = self.number(delivery).and_then(|id| self.place(id)) else { return };
        let block = &mut self.blocks[block];
        let before = block.bytes();
        // Lent out, so that the change may add to the block's bodies.
        let mut records = std::mem::take(&mut block.records);
        let others = records[place].others();
        change(block, &mut records[place]);
        block.others = block.others + records[place].others() - others;
        block.records = records;
        self.bytes = self.bytes + block.bytes() - before;
        self.evict();
    }

    /// Notes what is sent, the first time: the body, which so many webhooks share, and whose hand signs it.
    pub fn sends(&mut self, delivery: DeliveryId, body: &Bytes, shared_by: usize, hand: Hand) {
        self.change(delivery, |block, record| {
            if matches!(record.body, Body::None) {
                record.body = block.keep(body, shared_by);
                record.hand = hand;
            }
        });
    }

    /// The body of a webhook that was sent before, and whose hand signed it.
    pub fn sent(&self, delivery: DeliveryId) -> Option<(Bytes, Hand)> {
        let (block, place) = self.place(self.number(delivery)?)?;
        let block = &self.blocks[block];
        let record = block.records.get(place)?;
        Some((block.body(record)?, record.hand))
    }

    /// Notes an attempt and what follows from it.
    pub fn ends(&mut self, delivery: DeliveryId, attempt: Option<Attempt>, state: State) {
        self.change(delivery, |_, record| {
            if let Some(attempt) = attempt {
                match &mut record.first {
                    Some(_) => record.more.push(attempt),
                    none => *none = Some(attempt),
                }
            }
            record.state = state;
        });
    }

    /// The records from a number on with their numbers, oldest first.
    pub fn from(&self, id: u64) -> impl Iterator<Item = (u64, &Record)> {
        let from = self.blocks.partition_point(|block| block.first <= id).saturating_sub(1);
        let numbered = self.blocks.range(from..).flat_map(|block| (block.first..).zip(&block.records));
        numbered.skip_while(move |(number, _)| *number < id)
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many were forgotten.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Empties it; numbers go on.
    pub fn clear(&mut self) {
        *self = Self { next: self.next, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mock_whatsapp_model::input::{HandsetId, MessageIndex, NumberId};
    use mock_whatsapp_model::output::What;

    fn open(log: &mut WebhookLog, delivery: u32) -> u64 {
        let update = Update {
            about: Some(MessageIndex(delivery)),
            handset: HandsetId(0),
            number: NumberId(0),
            what: What::Sent,
            at: Timestamp(u64::from(delivery)),
            echoes: true,
            forged: false,
        };
        log.open(Some(DeliveryId(delivery)), Cow::Borrowed("status.sent"), update, 1, Dress::default())
    }

    fn attempt(failure: Option<&str>) -> Attempt {
        Attempt { at: Timestamp(1), status: 500, ms: 2, failure: failure.map(str::to_owned) }
    }

    #[test]
    fn what_was_noted_is_read_again() {
        let mut log = WebhookLog::default();
        let many = 5 * WEBHOOKS_PER_BLOCK as u32;
        for delivery in 0..many {
            assert_eq!(open(&mut log, delivery), u64::from(delivery));
        }
        // Backwards: webhooks are not sent in the order of their opening.
        for delivery in (0..many).rev() {
            let body = Bytes::from(format!("body {delivery}"));
            log.sends(DeliveryId(delivery), &body, 1 + delivery as usize % 2, Hand::Own);
            log.sends(DeliveryId(delivery), &Bytes::from_static(b"another"), 1, Hand::Forger);
            for _ in 0..delivery % 4 {
                log.ends(DeliveryId(delivery), Some(attempt(Some("no"))), State::Retrying);
            }
        }
        let long = Bytes::from(vec![b'x'; WEBHOOK_BODY + 1]);
        let last = open(&mut log, many);
        log.sends(DeliveryId(many), &long, 1, Hand::Nobody);
        assert_eq!(log.sent(DeliveryId(many)), Some((long.clone(), Hand::Nobody)));
        assert_eq!(log.body(last), Some(long));
        for (number, record) in log.from(0).take(many as usize) {
            assert_eq!(record.update.at, Timestamp(number));
            assert_eq!(log.body(number), Some(Bytes::from(format!("body {number}"))));
            assert_eq!((record.hand(), record.attempts().count() as u64), (Hand::Own, number % 4));
        }
        assert_eq!(log.from(77).map(|(number, _)| number).next(), Some(77));
        assert_eq!(log.from(last + 1).count(), 0);
        assert_eq!(log.bytes, log.blocks.iter().map(Block::bytes).sum::<usize>());
        assert!(log.get(last + 1).is_none());
    }

    #[test]
    fn webhooks_are_found_across_gaps_in_their_numbers() {
        let mut log = WebhookLog::default();
        assert_eq!((open(&mut log, 0), open(&mut log, 1)), (0, 1));
        log.skip_to(5);
        log.skip_to(3);
        assert_eq!((open(&mut log, 2), open(&mut log, 0), log.next()), (5, 6, 7));
        let found: Vec<Option<u64>> = (0..8).map(|id| log.get(id).map(|record| record.update.at.0)).collect();
        assert_eq!(found, [Some(0), Some(1), None, None, None, Some(2), Some(0), None]);
        assert_eq!(log.from(2).map(|(number, _)| number).collect::<Vec<_>>(), [5, 6]);
        log.ends(DeliveryId(2), None, State::Acked);
        assert_eq!(log.get(5).map(|record| record.state), Some(State::Acked));
        assert_eq!(log.get(6).map(|record| record.state), Some(State::Due));
    }

    #[test]
    fn it_stays_within_its_bytes_and_counts_what_it_forgot() {
        let mut log = WebhookLog::default();
        for nth in 0..60_000 {
            open(&mut log, nth % 100);
            log.sends(DeliveryId(nth % 100), &Bytes::from(vec![b'x'; 700]), 1, Hand::Own);
            log.ends(DeliveryId(nth % 100), Some(attempt(None)), State::Acked);
            assert!(log.bytes() <= WEBHOOK_LOG_BYTES);
        }
        assert!(log.bytes() > WEBHOOK_LOG_BYTES / 2);
        assert_eq!(log.bytes, log.blocks.iter().map(Block::bytes).sum::<usize>());
        assert_eq!(log.from(0).count() as u64 + log.evicted(), 60_000);
        assert_eq!(log.from(0).next().map(|(number, _)| number), Some(log.evicted()));
        open(&mut log, 7);
        log.sends(DeliveryId(7), &Bytes::from(vec![b'x'; WEBHOOK_LOG_BYTES]), 1, Hand::Own);
        assert_eq!((log.from(0).count(), log.bytes(), log.evicted()), (0, 0, 60_001));
        log.clear();
        assert_eq!((open(&mut log, 0), log.evicted()), (60_001, 0));
    }
}
