//! What goes into one group commit, and what comes out of it.

use engine_core::event::Status;
use engine_core::id::{AckToken, MessageId};
use engine_core::time::Timestamp;
use engine_core::{Command, Event};

/// One group commit: all of it becomes durable, or nothing.
#[derive(Debug, Default)]
pub struct Batch {
    /// The time.
    pub now: Timestamp,
    /// `Load`, `Merge` and `Sweep`, in the core's order.
    pub commands: Vec<Command>,
    /// Wamids that became known.
    pub learned: Vec<Learned>,
    /// Errors, as WhatsApp gave them.
    pub troubles: Vec<Trouble>,
    /// Webhook updates to be matched, after everything else in this batch.
    pub queries: Vec<Query>,
}

impl Batch {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.learned.is_empty() && self.troubles.is_empty() && self.queries.is_empty()
    }
}

/// A wamid and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// WhatsApp's id.
    pub wamid: String,
    /// Our message.
    pub message: MessageId,
    /// Our attempt.
    pub number: u8,
    /// When WhatsApp had taken it, at the latest.
    pub at: Timestamp,
    /// WhatsApp's digits for the contact, if it said them.
    pub wa_id: Option<u64>,
}

/// An error about one message, in WhatsApp's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Our message.
    pub message: MessageId,
    /// WhatsApp's code.
    pub code: u32,
    /// WhatsApp's text.
    pub text: String,
}

/// An update that does not say which attempt it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The webhook that it came in.
    pub token: AckToken,
    /// What it is about.
    pub about: About,
    /// The update's own time.
    pub at: Timestamp,
}

/// How an update can be matched, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A status of the message with this wamid. Parked if nobody knows it.
    Status {
        /// WhatsApp's id.
        wamid: String,
        /// What it says.
        status: Status,
        /// The code and text of a failure.
        error: Option<(u32, String)>,
    },
    /// A reply to the message with this wamid. Parked if nobody knows it.
    Reply {
        /// WhatsApp's id of our message.
        wamid: String,
    },
    /// Something from this contact to this number, about no message in particular.
    Inbound {
        /// The contact's digits.
        phone: u64,
        /// The number that got it.
        phone_number_id: String,
    },
}

/// An update that was matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What the core is to be told.
    pub event: Event,
    /// The failure, in WhatsApp's words.
    pub trouble: Option<Trouble>,
}

/// What an attempt needs to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The message.
    pub message: MessageId,
    /// The contact's digits.
    pub phone: u64,
    /// The template's variables.
    pub variables: Vec<String>,
}

/// What a commit found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The results of the commands, in order.
    pub events: Vec<Event>,
    /// One for every intent that the batch made.
    pub letters: Vec<Letter>,
    /// Updates that were matched, and such as were parked before and are known now.
    pub found: Vec<Found>,
    /// The webhook of every query, matched or not.
    pub asked: Vec<AckToken>,
}
