//! What the core wants done. Every command is `Copy` and at most 32 bytes.

use crate::attempt::Fact;
use crate::event::Lane;
use crate::hold::Memo;
use crate::id::{AckToken, CampaignId, ContactId, MessageId, PortfolioId, SenderId};
use crate::message::Decision;
use crate::unknown::Channel;
use cloud_api::catalogue::CodeIndex;
use cloud_api::time::Timestamp;

/// Something to do. `Send` is for the HTTP client; `Acknowledge` waits for the writes before it (see [`crate::gate::Gate`]);
/// everything else is for the store, in the order given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Read a page. Fresh: messages in state Queued without a due time and with id ≥ `message`, in order of id. Due: messages
    /// with a due time (Retrying, or Queued and deferred) whose (due, id) is above (`due`, `message`) and whose time has come,
    /// in that order. Answer with [`crate::Event::Loaded`] and one [`crate::Event::PageEnd`].
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
    /// Keep a Queued message back until a time, durably, with [`crate::message::Row::defer`].
    Defer {
        /// The message.
        message: MessageId,
        /// Not before this.
        until: Timestamp,
    },
    /// Keep in mind, durably, that the contact wants no more, and apply [`Decision::OptedOut`] to each message of it that is
    /// not settled, and to those that come later. Answer each with [`crate::Event::Merged`].
    Suppress {
        /// Who.
        who: Who,
    },
    /// Keep what an operator decided of a campaign, durably.
    Flag {
        /// The campaign.
        campaign: CampaignId,
        /// Nothing of it is claimed.
        paused: bool,
        /// Nothing of it is claimed any more.
        cancelled: bool,
    },
    /// Keep a hold, durably, so that it stands after a crash: `None` where it ended.
    Remember {
        /// Whose.
        held: Held,
        /// The hold.
        hold: Option<Memo>,
    },
    /// Keep what is known of a sender's webhook channel, durably. The engine that starts next gets it as
    /// [`crate::engine::SenderSpec::channel`].
    RememberChannel {
        /// Whose.
        sender: SenderId,
        /// When it was heard, and the silence that matters.
        channel: Channel,
    },
    /// Keep an entry of a portfolio's ledger, durably. [`Timestamp::NEVER`]: the attempt is under way; 0: there is none.
    Count {
        /// Whose ledger.
        portfolio: PortfolioId,
        /// The contact that counts.
        contact: ContactId,
        /// Until then.
        until: Timestamp,
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
        /// To whom; [`crate::Event::Answered`] gives it back.
        contact: ContactId,
    },
    /// Answer this webhook POST with 200.
    Acknowledge {
        /// Which.
        token: AckToken,
    },
}

/// Which contact is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// This one.
    Contact(ContactId),
    /// The one that this message goes to.
    ContactOf(MessageId),
}

/// Whose hold it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// A number's, or its account's.
    Sender(SenderId),
    /// A portfolio's, after the messaging limit.
    Portfolio(PortfolioId),
    /// A template's, in this campaign.
    Campaign(CampaignId),
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
