//! What the core is told. Every event is `Copy` and at most 32 bytes: ids only, no text.

use crate::attempt::{Fact, Phase};
use crate::command::Who;
use crate::id::{AckToken, CampaignId, ContactId, GroupId, MessageId, PortfolioId, SenderId};
use crate::ledger::Limit;
use crate::message::State;
use crate::quiet::Zone;
use cloud_api::catalogue::CodeIndex;
use cloud_api::time::{Span, Timestamp};

/// Which of a campaign's two sources a page comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Messages that wait for their first attempt, by id.
    Fresh,
    /// Messages that wait for a time, by that time.
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
    /// To whom it goes.
    pub contact: ContactId,
    /// Where that is, if the campaign has quiet hours; else any zone.
    pub zone: Zone,
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
    /// Part of a page: `count` messages with consecutive ids from `first`, whose contacts have consecutive ids from `contact`
    /// and live in the same zone, in answer to [`crate::Command::Load`].
    Loaded {
        /// The campaign asked for.
        campaign: CampaignId,
        /// Fresh or due.
        lane: Lane,
        /// The first id.
        first: MessageId,
        /// How many.
        count: u32,
        /// The first contact.
        contact: ContactId,
        /// The zone of all of them, if the campaign has quiet hours; else any zone.
        zone: Zone,
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
        /// To whom it went: as [`crate::Command::Send`] said.
        contact: ContactId,
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
        /// The webhook's own `timestamp`: when it happened, not when it came. 0 where it was parked until now: it came earlier,
        /// and as [`Event::Heard`].
        at: Timestamp,
    },
    /// The contact answered this message: a reply, a button tap or a reaction.
    Replied {
        /// The message.
        message: MessageId,
        /// The attempt's number.
        number: u8,
        /// The webhook's own `timestamp`; 0 where it was parked until now.
        at: Timestamp,
    },
    /// A valid webhook of this sender came of which nothing else is handed in now: about an id that is not known yet, say. It
    /// proves that the channel lives.
    Heard {
        /// The sender.
        sender: SenderId,
        /// The webhook's own `timestamp`.
        at: Timestamp,
    },
    /// A contact wants no more: the STOP button or word, `user_preferences`, the suppression list.
    OptedOut {
        /// Who.
        who: Who,
    },
    /// By hand: nothing of the campaign is claimed until it is resumed.
    Pause {
        /// The campaign.
        group: GroupId,
    },
    /// By hand: it goes on.
    Resume {
        /// The campaign.
        group: GroupId,
    },
    /// By hand: what waits ends, what is in flight is followed.
    Cancel {
        /// The campaign.
        group: GroupId,
    },
    /// By hand: whatever halts this sender, its portfolio and its campaigns' templates is lifted.
    ResumeSender {
        /// The sender.
        sender: SenderId,
    },
    /// A webhook says that the template of this campaign may be used again.
    TemplateBack {
        /// The campaign.
        campaign: CampaignId,
    },
    /// The API says what it allows a portfolio now.
    LimitIs {
        /// The portfolio.
        portfolio: PortfolioId,
        /// Distinct contacts in 24 hours.
        limit: Limit,
    },
    /// The API says what it allows a number now.
    ThroughputIs {
        /// The sender.
        sender: SenderId,
        /// Messages a second.
        throughput: u32,
    },
    /// All updates of one webhook POST were handed in, or an operator's act was: it is to be answered once it is durable.
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
