//! What the world is told. Every input is `Copy` and at most 40 bytes; text is the shells'.

use crate::output::Update;
use cloud_api::catalogue::CodeIndex;

/// A business phone number, in order of registration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumberId(pub u16);

/// A business portfolio, in order of registration; 0 is that of every number of which nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortfolioId(pub u16);

/// A contact's telephone, in order of first mention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandsetId(pub u32);

impl HandsetId {
    /// Nobody's: of updates that are about no contact.
    pub const NOBODY: Self = Self(u32::MAX);
}

/// An accepted message, in order of acceptance; its wamid is made of this. Never used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageIndex(pub u32);

/// A webhook delivery that is not yet acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub u32);

/// A template's name as a number, for faults that are about one template.
pub fn template_key(name: &str) -> u32 {
    (crate::fate::digest(name.as_bytes()) >> 32) as u32
}

/// What a message is to the rules about what may be sent when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// A template: it may be sent at any time.
    #[default]
    Template,
    /// Anything else: inside the contact's service window only.
    Free,
    /// An emoji on a message of the contact's: likewise, and nothing is told of it but that it was sent.
    Reaction,
}

/// A message to WhatsApp that passed validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post {
    /// The caller's name for the request; the reply carries it.
    pub request: u32,
    /// From.
    pub number: NumberId,
    /// To.
    pub handset: HandsetId,
    /// [`crate::fate::message_key`] of what is sent: the same for all attempts of a message.
    pub key: u64,
    /// The caller's handle on `biz_opaque_callback_data`.
    pub callback: u64,
    /// [`template_key`] of the template's name; 0 for other messages.
    pub template: u32,
    /// Whether it is a template of the marketing category.
    pub marketing: bool,
    /// What it is to the rules about what may be sent when.
    pub form: Form,
    /// Whether it is held, until [`Input::Decide`].
    pub held: bool,
    /// The error that it ends with although it is accepted, if the caller knows of one: of a link that cannot be fetched, say.
    pub fails: Option<CodeIndex>,
}

/// What a person does with the telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Writes, by hand of the control API. `reply_to` quotes a message.
    Says {
        /// The caller's handle on the text.
        text: u32,
        /// The quoted message.
        reply_to: Option<MessageIndex>,
    },
    /// Opens the chat: this message is read, if it arrived.
    Reads(MessageIndex),
    /// Blocks the business: nothing arrives any more, and what was sent meanwhile never will.
    Blocks,
    /// Lets the business write again.
    Unblocks,
    /// Turns the telephone off: what comes now waits.
    TurnsOff,
    /// Turns it on: what waits arrives.
    TurnsOn,
    /// This message has waited long enough, for the telephone is on earlier than it was to be.
    Receives(MessageIndex),
    /// Wants no more marketing, by WhatsApp's own switch.
    OptsOut,
    /// Wants it again.
    OptsIn,
}

/// What can be made of a message by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It leaves.
    Sent,
    /// It arrives, wherever the telephone is.
    Delivered,
    /// It is read.
    Read,
    /// It fails, and that is its end.
    Failed(CodeIndex),
}

/// Something that happens to the world. Time comes beside it; when [`crate::World::next_deadline`] is reached,
/// [`Input::Tick`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A POST arrived.
    Post(Post),
    /// The receiver answered a webhook, or did not: `status` is 0.
    Answered {
        /// Which delivery.
        delivery: DeliveryId,
        /// The HTTP status.
        status: u16,
    },
    /// A person acts.
    Handset {
        /// Whose telephone.
        handset: HandsetId,
        /// To whom.
        number: NumberId,
        /// What.
        act: Act,
    },
    /// The account, one of its numbers or a template changed, and the business is told.
    Notify {
        /// Which number's business.
        number: NumberId,
        /// The caller's handle on the words.
        words: u32,
    },
    /// A message becomes this, now and whatever else was to become of it; where it is further already, the business is told
    /// all the same.
    Force {
        /// Which.
        message: MessageIndex,
        /// What.
        turn: Turn,
    },
    /// The business is told of an update once more.
    Repeat(Update),
    /// It is decided what becomes of a message that is held. Of one that is not, nothing.
    Decide {
        /// Which.
        message: MessageIndex,
        /// The error that it ends with; it goes out, if none.
        fails: Option<CodeIndex>,
    },
    /// Something is due.
    Tick,
}

const _: () = assert!(size_of::<Input>() <= 40);
