//! What the core wants done. Every command is `Copy` and at most 32 bytes.

use crate::attempt::Fact;
use crate::event::Lane;
use crate::id::{AckToken, CampaignId, MessageId, SenderId};
use crate::message::Decision;
use cloud_api::catalogue::CodeIndex;
use cloud_api::time::Timestamp;

/// Something to do. `Load`, `Merge` and `Sweep` are for the store, in the order given; `Send` is for the HTTP client;
/// `Acknowledge` waits for the merges before it (see [`crate::gate::Gate`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Read a page. Fresh: messages in state Queued with id ≥ `message`, in order of id. Due: messages in state Retrying
    /// whose (due, id) is above (`due`, `message`) and whose due time has come, in that order. Answer with
    /// [`crate::Event::Loaded`] and one [`crate::Event::PageEnd`].
    Load {
        /// Whose messages.
        campaign: CampaignId,
        /// Fresh or due.
        lane: Lane,
        /// At most this many.
        limit: u16,
        /// Where to go on.
        message: MessageId,
        /// Where to go on (due lane).
        due: Timestamp,
    },
    /// Merge one fact into a message's row, durably, with [`crate::message::Row::learn`].
    Merge(Merge),
    /// Apply a decision to the rows of the messages `from` to `from + limit` of a campaign, durably, with
    /// [`crate::message::Row::decide`].
    Sweep {
        /// The campaign.
        campaign: CampaignId,
        /// The first id.
        from: MessageId,
        /// How many ids.
        limit: u16,
        /// What was decided.
        decision: Decision,
        /// What held the messages back, where the decision is the deadline.
        held: Option<CodeIndex>,
    },
    /// POST this attempt. Its intent is durable.
    Send {
        /// The message.
        message: MessageId,
        /// The attempt's number, for the callback data.
        number: u8,
        /// From which number.
        sender: SenderId,
        /// Of which campaign (and so: which template).
        campaign: CampaignId,
    },
    /// Answer this webhook POST with 200.
    Acknowledge {
        /// Which.
        token: AckToken,
    },
}

/// One fact about one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The message.
    pub message: MessageId,
    /// The attempt's number; 0 with [`Fact::Intended`], which makes the next one.
    pub number: u8,
    /// What was learned.
    pub fact: Fact,
    /// The error that came with it.
    pub code: Option<CodeIndex>,
    /// The server's Retry-After, in seconds.
    pub retry_after_seconds: u16,
}

const _: () = assert!(size_of::<Command>() <= 32);
