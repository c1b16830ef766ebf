//! What the core is told. Every event is `Copy` and at most 32 bytes: ids only, no text.

use crate::attempt::{Fact, Phase};
use crate::id::{AckToken, CampaignId, MessageId};
use crate::message::State;
use cloud_api::catalogue::CodeIndex;
use cloud_api::time::{Span, Timestamp};

/// Which of a campaign's two sources a page comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Messages that wait for their first attempt, by id.
    Fresh,
    /// Messages whose next attempt is due, by due time.
    Due,
}

/// How a POST ended, as the HTTP client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200 with a wamid.
    Accepted,
    /// The API's error object; `retry_after` is zero where the answer had no such header.
    Refused {
        /// The error, as catalogued.
        code: CodeIndex,
        /// Whole seconds, at most 65,535.
        retry_after_seconds: u16,
    },
    /// Nothing of the request was written to a socket: WhatsApp cannot have seen it.
    NeverWritten,
    /// Something was written, and no answer that could be read came: it may have been accepted.
    Unknown,
}

/// What a status webhook says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// One tick.
    Sent,
    /// Two ticks.
    Delivered,
    /// Read (or played).
    Read,
    /// It will not arrive.
    Failed(CodeIndex),
}

/// What became of one message when a fact or a decision was merged into its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The message.
    pub message: MessageId,
    /// The number of the attempt that the fact was about, or of the attempt that an intent made; 0 for a decision.
    pub number: u8,
    /// The fact; `None` for a decision.
    pub fact: Option<Fact>,
    /// Whether the row is other than before. A second delivery changes nothing.
    pub changed: bool,
    /// The attempt's phase before.
    pub was: Phase,
    /// The attempt's phase now.
    pub phase: Phase,
    /// The message's state before.
    pub before: State,
    /// The message's state now.
    pub after: State,
    /// When the next attempt is due; [`Timestamp::NEVER`] where none waits for a time.
    pub due: Timestamp,
}

/// Something that happened. See the crate's page for who must say it when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Part of a page: `count` messages with consecutive ids from `first`, in answer to [`crate::Command::Load`].
    Loaded {
        /// The campaign asked for.
        campaign: CampaignId,
        /// Fresh or due.
        lane: Lane,
        /// The first id.
        first: MessageId,
        /// How many.
        count: u32,
    },
    /// The page is complete.
    PageEnd {
        /// The campaign asked for.
        campaign: CampaignId,
        /// Fresh or due.
        lane: Lane,
        /// Where to go on. Fresh: the first id behind the page. Due: the id of the page's last message, or what was asked for
        /// where the page is empty.
        message: MessageId,
        /// Where to go on (due lane): the due time of that message.
        due: Timestamp,
        /// When the next message behind the page is due (due lane); NEVER where none waits.
        next: Timestamp,
        /// Whether the page was full, so that more may be there now.
        more: bool,
    },
    /// A merge is durable.
    Merged(Merged),
    /// A [`crate::Command::Sweep`] is durable; each message that it changed came as [`Event::Merged`] before.
    SweepEnd {
        /// The campaign.
        campaign: CampaignId,
        /// The first id that was not swept.
        next: MessageId,
    },
    /// A POST ended.
    Answered {
        /// The message.
        message: MessageId,
        /// The attempt's number.
        number: u8,
        /// How it ended.
        answer: Answer,
    },
    /// A status webhook, already matched with its attempt.
    Status {
        /// The message.
        message: MessageId,
        /// The attempt's number.
        number: u8,
        /// The status.
        status: Status,
        /// The webhook's own `timestamp`: when it happened, not when it came.
        at: Timestamp,
    },
    /// The contact answered this message: a reply, a button tap or a reaction.
    Replied {
        /// The message.
        message: MessageId,
        /// The attempt's number.
        number: u8,
        /// The webhook's own `timestamp`.
        at: Timestamp,
    },
    /// All updates of one webhook POST were handed in.
    WebhookEnd {
        /// What the acknowledgement will name.
        token: AckToken,
    },
    /// The time that [`crate::Engine::next_deadline`] named has come.
    Tick,
}

impl Answer {
    /// The wait that the answer asked for.
    pub fn retry_after(self) -> Span {
        match self {
            Self::Refused { retry_after_seconds, .. } => Span::secs(u64::from(retry_after_seconds)),
            Self::Accepted | Self::NeverWritten | Self::Unknown => Span::ZERO,
        }
    }
}

const _: () = assert!(size_of::<Event>() <= 32);
