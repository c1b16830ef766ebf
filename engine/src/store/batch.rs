//! What goes into one group commit, and what comes out of it.

use super::Campaign;
use engine_core::campaign::Counts;
use engine_core::event::Status;
use engine_core::id::{AckToken, MessageId};
use engine_core::time::Timestamp;
use engine_core::{Command, Event};

/// One group commit: all of it becomes durable, or nothing.
#[derive(Debug, Default)]
pub struct Batch {
    /// The time.
    pub now: Timestamp,
    /// What the core has for the store, in its order.
    pub commands: Vec<Command>,
    /// Wamids that became known.
    pub learned: Vec<Learned>,
    /// Errors, as WhatsApp gave them.
    pub troubles: Vec<Trouble>,
    /// Webhook updates to be matched, after everything else in this batch.
    pub queries: Vec<Query>,
    /// Campaigns whose lists are in, to be counted after everything else: from then on every change is told.
    pub added: Vec<Campaign>,
}

impl Batch {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        let Self { now: _, commands, learned, troubles, queries, added } = self;
        commands.is_empty() && learned.is_empty() && troubles.is_empty() && queries.is_empty() && added.is_empty()
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
    /// What this contact wants from now on.
    Choice {
        /// Who.
        chooser: Chooser,
        /// What it chose.
        choice: Choice,
    },
}

/// A contact that chose something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chooser {
    /// Its digits.
    Phone(u64),
    /// It hides them, and answered the message with this wamid.
    Answering(String),
}

/// What a contact wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Nothing more.
    Stop {
        /// How that is known, in a word.
        why: &'static str,
    },
    /// Campaigns again, from the next one on.
    Resume,
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
    /// The campaigns of the batch.
    pub added: Vec<Added>,
}

/// A campaign, and its messages per state at the end of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The campaign.
    pub campaign: Campaign,
    /// Its messages.
    pub counts: Counts,
}
