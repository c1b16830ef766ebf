//! The network between the engine and WhatsApp at the model level: what is under way, and when it arrives.
//!
//! Legs of constant length are queues, first in first out; only answers, which WhatsApp times one by one, need a heap.
//! What faults do to the way is WhatsApp's (`mock_whatsapp_model::faults`).

use cloud_api::time::{Span, Timestamp};
use engine_core::id::MessageId;
use mock_whatsapp_model::input::DeliveryId;
use mock_whatsapp_model::output::{Answer, Update};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// One way between the two, each direction.
const TRANSIT: Span = Span::millis(20);

/// A POST on its way, as the engine sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// The message.
    pub message: MessageId,
    /// The attempt.
    pub number: u8,
    /// Of which part of a campaign.
    pub part: u16,
    /// Which life of the engine waits for the answer.
    pub life: u16,
    /// The place of the contact's handset.
    pub contact: u32,
}

/// What arrives.
#[derive(Clone, Copy, Debug)]
pub enum Arrival {
    /// A POST, at WhatsApp.
    Post(Request),
    /// An answer (or the end of waiting for one), at the engine.
    Answer(Request, Answer),
    /// A webhook, at the engine.
    Webhook(DeliveryId, Update),
    /// A webhook's answer, at WhatsApp.
    Acknowledged(DeliveryId),
}

/// First in, first out. When its first is due stands beside it: that is asked for at every event.
#[derive(Debug)]
struct Queue<T> {
    next: Timestamp,
    all: VecDeque<(Timestamp, T)>,
}

impl<T: Copy> Queue<T> {
    fn new() -> Self {
        Self { next: Timestamp::NEVER, all: VecDeque::new() }
    }

    #[inline]
    fn push(&mut self, at: Timestamp, what: T) {
        self.next = self.next.min(at);
        self.all.push_back((at, what));
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        let (_, what) = self.all.pop_front()?;
        self.next = self.all.front().map_or(Timestamp::NEVER, |(at, _)| *at);
        Some(what)
    }
}

/// Everything under way.
#[derive(Debug)]
pub struct Network {
    posts: Queue<Request>,
    webhooks: Queue<(DeliveryId, Update)>,
    acknowledged: Queue<DeliveryId>,
    /// By time, then by order of sending. The answers themselves lie beside, since a heap moves what it holds.
    answers: BinaryHeap<Reverse<(Timestamp, u64, u32)>>,
    next_answer: Timestamp,
    held: Vec<(Request, Answer)>,
    free: Vec<u32>,
    serial: u64,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            posts: Queue::new(),
            webhooks: Queue::new(),
            acknowledged: Queue::new(),
            answers: BinaryHeap::new(),
            next_answer: Timestamp::NEVER,
            held: Vec::new(),
            free: Vec::new(),
            serial: 0,
        }
    }
}

impl Network {
    /// The engine POSTs.
    #[inline]
    pub fn post(&mut self, now: Timestamp, request: Request) {
        self.posts.push(now + TRANSIT, request);
    }

    /// WhatsApp answers at `at`; where it never does, the engine's client gives up at `at`.
    pub fn answer(&mut self, at: Timestamp, request: Request, answer: Answer) {
        let place = if let Some(place) = self.free.pop() {
            self.held[place as usize] = (request, answer);
            place
        } else {
            self.held.push((request, answer));
            (self.held.len() - 1) as u32
        };
        self.serial += 1;
        self.next_answer = self.next_answer.min(at + TRANSIT);
        self.answers.push(Reverse((at + TRANSIT, self.serial, place)));
    }

    /// WhatsApp POSTs a webhook.
    #[inline]
    pub fn webhook(&mut self, now: Timestamp, delivery: DeliveryId, update: Update) {
        self.webhooks.push(now + TRANSIT, (delivery, update));
    }

    /// The engine answers a webhook with 200.
    #[inline]
    pub fn acknowledge(&mut self, now: Timestamp, delivery: DeliveryId) {
        self.acknowledged.push(now + TRANSIT, delivery);
    }

    /// When the next thing arrives.
    #[inline]
    pub fn next(&self) -> Timestamp {
        self.posts.next.min(self.webhooks.next).min(self.acknowledged.next).min(self.next_answer)
    }

    /// Takes what arrives at `now`. At one instant: POSTs, answers, webhooks, acknowledgements.
    #[inline]
    pub fn pop(&mut self, now: Timestamp) -> Option<Arrival> {
        if self.posts.next == now {
            return self.posts.pop().map(Arrival::Post);
        }
        if self.next_answer == now {
            let Reverse((_, _, place)) = self.answers.pop()?;
            self.next_answer = self.answers.peek().map_or(Timestamp::NEVER, |Reverse((at, ..))| *at);
            self.free.push(place);
            let (request, answer) = self.held[place as usize];
            return Some(Arrival::Answer(request, answer));
        }
        if self.webhooks.next == now {
            return self.webhooks.pop().map(|(delivery, update)| Arrival::Webhook(delivery, update));
        }
        if self.acknowledged.next == now {
            return self.acknowledged.pop().map(Arrival::Acknowledged);
        }
        None
    }
}
