//! What the world does. Delay is data: a reply carries the time at which it is due.

use crate::input::{DeliveryId, HandsetId, MessageIndex, NumberId};
use cloud_api::catalogue::CodeIndex;
use cloud_api::time::{Span, Timestamp};

/// The answer to a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200 and a wamid.
    Accepted(MessageIndex),
    /// The error object, and the rule that refused.
    Refused(CodeIndex, Why),
    /// Nothing, ever: the message was taken, and the caller does not hear of it.
    Silence(MessageIndex),
    /// The connection is reset after the request was written; whether the message was taken, the caller does not learn.
    Reset,
    /// The connection is refused: nothing of the request was written.
    Unreachable,
    /// Something comes that is no answer; whether the message was taken, the caller does not learn.
    Garbled(Garble),
}

/// How an answer is spoilt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Garble {
    /// 502 and a page of HTML, as gateways write.
    #[default]
    Html,
    /// 200 and JSON that breaks off.
    Truncated,
    /// 200 and something that is no JSON.
    Unreadable,
}

impl Garble {
    /// Every form, as scenario files write it.
    pub const ALL: [(&'static str, Self); 3] =
        [("html", Self::Html), ("truncated", Self::Truncated), ("unreadable", Self::Unreadable)];
}

/// How an answer is given, where that is not as usual. The shells' business: the world is not touched by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Bit by bit, for this long.
    Drip(Span),
    /// Not at all: the connection closes in order. Whether the message was taken.
    CloseBefore {
        /// Whether it was.
        accepted: bool,
    },
    /// Half of it.
    CloseMiddle,
    /// All of it, and the connection closes unannounced.
    CloseAfter,
    /// The message is not taken, and nothing comes, for this long where it is said.
    Lost(Option<Span>),
}

/// How webhooks are sent, where that is not as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dress {
    /// What is wrong with the signature.
    pub signature: Option<Forgery>,
    /// Up to how many share a POST, and how long the first waits.
    pub batch: Option<(u16, Span)>,
}

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// It is of another body or secret.
    Wrong,
    /// There is none.
    Missing,
    /// It is made with the app's next secret.
    Rotated,
}

/// Combinations of statuses that should not be, and are (documented or observed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// The chat is open on the telephone: `read`, and never `delivered`.
    ReadWithoutDelivered,
    /// Several devices: the message arrived on one and failed on another, and both is told. It did arrive.
    DeliveredAndFailed,
    /// A `failed` that does not echo the callback data.
    FailedWithoutCallback,
}

impl Oddity {
    /// Every form, as scenario files write it.
    pub const ALL: [(&'static str, Self); 3] = [
        ("read_without_delivered", Self::ReadWithoutDelivered),
        ("delivered_and_failed", Self::DeliveredAndFailed),
        ("failed_without_callback", Self::FailedWithoutCallback),
    ];
}

/// Which rule refused a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A fault, by its place in the list.
    Fault(u16),
    /// The number's throughput.
    Throughput,
    /// Too many messages from this number to this contact.
    Pair,
    /// Too many different contacts in 24 h, of the number's portfolio.
    MessagingLimit,
    /// The contact's number has a meaning.
    Magic,
}

/// What an update tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Status `sent`.
    Sent,
    /// Status `delivered`.
    Delivered,
    /// Status `read`.
    Read,
    /// Status `failed`.
    Failed(CodeIndex),
    /// The contact answers the message with words, as its persona does.
    Reply,
    /// The contact presses the STOP button of the message.
    Stop,
    /// The contact says something, by hand of the control API: the caller's handle on the text.
    Says(u32),
    /// Something about the account, its numbers or its templates, by hand of the shell: its handle on the words.
    Notice(u32),
}

impl What {
    /// Tells the updates of one message apart, in draws.
    pub(crate) fn place(self) -> u64 {
        match self {
            Self::Sent => 1,
            Self::Delivered => 2,
            Self::Read => 3,
            Self::Failed(_) => 4,
            Self::Reply => 5,
            Self::Stop => 6,
            Self::Says(text) => 7 + u64::from(text),
            Self::Notice(words) => (1 << 32) + u64::from(words),
        }
    }
}

/// One update, as a webhook carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// The message that it is about: of statuses, the message; of inbound ones, the one that is quoted.
    pub about: Option<MessageIndex>,
    /// Whose telephone.
    pub handset: HandsetId,
    /// Which business number.
    pub number: NumberId,
    /// What.
    pub what: What,
    /// When it happened.
    pub at: Timestamp,
    /// Whether the webhook carries the message's callback data, if it had any. Of statuses only.
    pub echoes: bool,
    /// Whether somebody else made it up: its signature is wrong, and so is what it tells.
    pub forged: bool,
}

const _: () = assert!(size_of::<Update>() <= 32);

/// What the world wants carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Answer a POST, at the time given.
    Reply {
        /// The caller's name for it.
        request: u32,
        /// When.
        at: Timestamp,
        /// With what.
        answer: Answer,
    },
    /// POST a webhook now, and tell how it was answered.
    Webhook {
        /// Its name in [`crate::Input::Answered`].
        delivery: DeliveryId,
        /// Its content.
        update: Update,
        /// How often this delivery went out before.
        sent_before: u8,
    },
    /// Nothing to do: the business will never be told of this. A fault took it, or the ladder came to its end.
    Dropped {
        /// What it would have been told.
        update: Update,
        /// The delivery that ends with it; none, if a fault took it beforehand.
        delivery: Option<DeliveryId>,
    },
    /// A contact told WhatsApp that it wants no more marketing. The STOP that it presses beside that tells the business
    /// alone; a shell may tell it of this too.
    OptedOut {
        /// Who.
        handset: HandsetId,
        /// Which number wrote to it.
        number: NumberId,
    },
}
