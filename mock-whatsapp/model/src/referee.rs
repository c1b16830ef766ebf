//! The referee: what a sender did that a good one does not, judged by what it could know at the time.
//!
//! It is told of every send and how it was answered, of every webhook and how it was taken in, and keeps what it needs to
//! judge what comes. *Certain* is what no sender with these facts before it may do; it decides the verdict. *Suspected* is
//! what may have a good reason that is not visible here; it informs. Nobody is judged by what only WhatsApp knows. Words are
//! the shells'; here a finding is a [`Ground`] with its numbers.

mod callback;
mod index;
mod memory;
mod numbers;
mod resending;
mod telling;

pub use callback::Callback;
pub use telling::{Answered, Tidings};

use crate::input::{HandsetId, MessageIndex};
use cloud_api::catalogue::CodeIndex;
use cloud_api::time::{Span, Timestamp};
use index::Index;
use memory::Memory;
use numbers::Numbers;
use telling::{Receiver, Told};

/// How long the evidence about an unknown outcome may take: the wait that good senders keep before they send again
/// (ten minutes are enough for every rung of the ladder that a healthy receiver needs).
pub const EVIDENCE_WAIT: Span = Span::mins(10);

/// Evidence that is kept of each rule, of what is certain and of what is suspected. What comes later is counted.
pub const EVIDENCE: usize = 50;

/// Accepted messages that are known again: of each four bytes for its request and about eight for finding it.
pub const MESSAGES: usize = 4_000_000;

/// A rule that a sender can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rule {
    /// The contact got the same message twice.
    Duplicate,
    /// Sent again after an unknown outcome, without waiting for the evidence.
    BlindResend,
    /// Sent again before the error's own wait was over.
    RetryTooEarly,
    /// More messages a second than the number may send.
    OverThroughput,
    /// More messages to one contact than the pair may exchange.
    OverPair,
    /// More contacts in 24 h than the portfolio may write to.
    OverMessagingLimit,
    /// A message to a contact that had opted out.
    SentAfterOptOut,
    /// A message to a contact that had blocked the business.
    SentToBlocked,
    /// A request that nobody could have taken.
    Malformed,
    /// Requests that could only be refused, again.
    Wasteful,
    /// The receiver of webhooks takes too long.
    WebhookSlow,
    /// The receiver refuses webhooks that are in order.
    WebhookRefused,
}

impl Rule {
    /// Every rule, in the order of reports.
    pub const ALL: [Self; 12] = {
        use Rule::*;
        [
            Duplicate,
            BlindResend,
            RetryTooEarly,
            OverThroughput,
            OverPair,
            OverMessagingLimit,
            SentAfterOptOut,
            SentToBlocked,
            Malformed,
            Wasteful,
            WebhookSlow,
            WebhookRefused,
        ]
    };

    /// The stable name, in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::BlindResend => "blind_resend",
            Self::RetryTooEarly => "retry_too_early",
            Self::OverThroughput => "over_throughput",
            Self::OverPair => "over_pair",
            Self::OverMessagingLimit => "over_messaging_limit",
            Self::SentAfterOptOut => "sent_after_opt_out",
            Self::SentToBlocked => "sent_to_blocked",
            Self::Malformed => "malformed",
            Self::Wasteful => "wasteful",
            Self::WebhookSlow => "webhook_slow",
            Self::WebhookRefused => "webhook_refused",
        }
    }
}

/// How two sends are known to be the same message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Same {
    /// The sender calls them by the same callback data.
    Callback,
    /// Their callback data differ in the number of the attempt only.
    Attempt,
    /// They say the same to the same contact, and have no callback data.
    Content,
    /// They say the same to the same contact; their callback data have nothing to do with each other.
    Unclear,
}

/// Why a send or a webhook is held against the sender, with what it takes to say so in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The sender knew that the first had been accepted, by the reply.
    AcceptedBefore(Same, Span),
    /// The reply was lost, but a webhook that the sender acknowledged had told of the acceptance.
    ProvenBefore(Same, Span),
    /// Nothing told the sender that the first was accepted; it had waited, and the contact got it twice all the same.
    NobodyTold(Span),
    /// The same template to the same contact, with other words or other variables.
    SameTemplate(Span),
    /// The same callback data to the same contact, with other words.
    SameCallback(Span),
    /// The outcome of the first was unknown, and the sender waited this long of what it should.
    Unknown {
        /// How it is known to be the same message.
        same: Same,
        /// How long it waited.
        waited: Span,
        /// How long it should have.
        wait: Span,
        /// Whether the first had been accepted.
        taken: bool,
    },
    /// The evidence came to the sender's own receiver, which did not take it in.
    EvidenceRefused(Span),
    /// After an error with a wait of its own.
    Early {
        /// The error.
        code: CodeIndex,
        /// How long it waited.
        waited: Span,
        /// How long it should have.
        wait: Span,
    },
    /// Refused since the number had sent too much, so often within a second, at so many messages a second.
    Throughput(u32, u32),
    /// Refused since the pair was full; it would have been free again after this long.
    Pair(Span),
    /// Refused, or failed, beyond the portfolio's limit; whether it had been lowered meanwhile, which nobody tells.
    MessagingLimit {
        /// By a fault, without the sender being told.
        lowered: bool,
    },
    /// The sender had acknowledged the opt-out this long ago.
    OptedOut(Span),
    /// The same, but a sender that was this busy may have had it under way already.
    UnderWay(Span),
    /// One message in words may confirm an opt-out.
    Confirmation(Span),
    /// The sender had acknowledged a webhook that told of the block.
    BlockTold(Span),
    /// Nobody tells a business of a block.
    Blocked,
    /// Refused before anything was looked at but the request and its template.
    Malformed(CodeIndex),
    /// The same message again, after an error that is final.
    Final(CodeIndex, Span),
    /// Another message to a contact about which the sender knew that it cannot get any.
    FinalContact(CodeIndex, Span),
    /// So many requests within a minute, refused for a reason that concerns all of them and was told.
    GoesOn(CodeIndex, u32),
    /// No answer in time.
    Timeout(u64),
    /// An answer that took so many milliseconds.
    Slow(u64),
    /// The HTTP status of the answer.
    Status(u16),
    /// The connection was refused, or it broke.
    NoAnswer,
}

/// One thing that is held against the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// Whether it is certain.
    pub certain: bool,
    /// About whom.
    pub handset: Option<HandsetId>,
    /// The requests that it is about, earlier first; 0 stands for none.
    pub requests: [u64; 2],
    /// When.
    pub at: Timestamp,
    /// Why.
    pub ground: Ground,
}

/// What there is about one rule.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How often it was certainly broken.
    pub certain: u64,
    /// How often that is only suspected.
    pub suspected: u64,
    /// The first of what is certain, and the first of what is suspected, in order of time.
    pub evidence: Vec<Finding>,
}

/// The judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is certain against the sender.
    Clean,
    /// Something is.
    Guilty,
    /// Nothing is certain, but not all that was needed could be remembered.
    Incomplete,
}

impl Verdict {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Guilty => "guilty",
            Self::Incomplete => "incomplete",
        }
    }
}

/// A moment, by the tenant's clock and by the real one: a sender's own timers run by either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// The tenant's time.
    pub at: Timestamp,
    /// The real time.
    pub real: Timestamp,
}

impl Moment {
    /// How long ago an earlier moment is, by whichever clock it is longer: in doubt, the sender has waited.
    pub fn since(self, earlier: Self) -> Span {
        self.at.since(earlier.at).max(self.real.since(earlier.real))
    }
}

/// A send that was understood.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The request's number, from 1.
    pub request: u64,
    /// When.
    pub now: Moment,
    /// To whom.
    pub handset: HandsetId,
    /// [`crate::fate::message_key`].
    pub key: u64,
    /// What the sender calls it.
    pub callback: Callback,
    /// [`crate::input::template_key`]; 0 for other messages.
    pub template: u32,
    /// Whether it is a template of the marketing category.
    pub marketing: bool,
    /// The messages a second that the number may send, and says so.
    pub rate: u32,
    /// Whether the contact has blocked the business, in truth.
    pub blocked: bool,
    /// The message to that contact that was accepted before this one, and its template.
    pub previous: Option<(MessageIndex, u32)>,
}

/// Whose decision a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Somebody armed it, or the contact's number means it: no fault of the sender's.
    Arranged,
    /// The state of the account, a template or a service window.
    State,
    /// The number's throughput, at its own rate of messages a second.
    Throughput(u32),
    /// A throughput that a fault has lowered.
    Lowered,
    /// The pair limit; how long it takes until there is room again.
    Pair(Span),
    /// The messaging limit; whether a fault has lowered it.
    MessagingLimit {
        /// Whether it did.
        lowered: bool,
    },
}

/// How a send was ruled, and what the sender learned of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Taken, and said so.
    Accepted(MessageIndex),
    /// Refused, with an error that the sender can read.
    Refused(CodeIndex, By),
    /// The sender cannot know. `taken` is the truth. `fair` is false where a real connection would have told it more.
    Unknown {
        /// The message, if it was taken.
        taken: Option<MessageIndex>,
        /// Whether the sender may be held to it.
        fair: bool,
    },
}

/// The referee of one tenant.
#[derive(Clone, Debug)]
pub struct Referee {
    window: Span,
    evidence_wait: Span,
    sends: u64,
    tallies: [Tally; 12],
    /// Something that might have decided was forgotten.
    forgot: bool,
    index: Index,
    memory: Memory,
    told: Told,
    numbers: Numbers,
    receiver: Receiver,
}

impl Referee {
    /// A referee that has seen nothing. `first` is the place of the next message that will be accepted.
    pub fn new(first: MessageIndex) -> Self {
        Self {
            window: Span::mins(10),
            evidence_wait: EVIDENCE_WAIT,
            sends: 0,
            tallies: Default::default(),
            forgot: false,
            index: Index::new(first),
            memory: Memory::default(),
            told: Told::default(),
            numbers: Numbers::default(),
            receiver: Receiver::default(),
        }
    }

    /// Within which time the same template to the same contact is suspicious, from now on.
    pub fn set_duplicate_window(&mut self, window: Span) {
        self.window = window;
    }

    /// How long a sender must wait for the evidence about an unknown outcome, from now on.
    pub fn set_evidence_wait(&mut self, wait: Span) {
        self.evidence_wait = wait;
    }

    /// The two settings: the window of duplicates and the wait for evidence.
    pub fn settings(&self) -> (Span, Span) {
        (self.window, self.evidence_wait)
    }

    /// How many sends it has seen, malformed ones among them.
    pub fn sends(&self) -> u64 {
        self.sends
    }

    /// Forgets everything but the settings.
    pub fn reset(&mut self, first: MessageIndex) {
        let (window, evidence_wait) = self.settings();
        *self = Self { window, evidence_wait, ..Self::new(first) };
    }

    /// What there is about a rule.
    pub fn tally(&self, rule: Rule) -> Tally {
        let mut tally = self.tallies[rule as usize].clone();
        if rule == Rule::WebhookSlow {
            self.receiver.weigh(&mut tally);
        }
        tally.evidence.sort_by_key(|finding| (!finding.certain, finding.at));
        tally
    }

    /// The judgement, without the rules that are to be ignored.
    pub fn verdict(&self, ignored: &[Rule]) -> Verdict {
        let broken = |rule: &&Rule| !ignored.contains(rule) && self.tally(**rule).certain > 0;
        match Rule::ALL.iter().find(broken) {
            Some(_) => Verdict::Guilty,
            None if self.forgot => Verdict::Incomplete,
            None => Verdict::Clean,
        }
    }

    fn find(&mut self, finding: Finding) {
        let tally = &mut self.tallies[finding.rule as usize];
        let counted = if finding.certain { &mut tally.certain } else { &mut tally.suspected };
        *counted += 1;
        if *counted <= EVIDENCE as u64 {
            tally.evidence.push(finding);
        }
    }

    fn find_of(&mut self, sent: &Sent, rule: Rule, certain: bool, earlier: u64, ground: Ground) {
        let (handset, at) = (Some(sent.handset), sent.now.at);
        let requests = if earlier == 0 { [sent.request, 0] } else { [earlier, sent.request] };
        self.find(Finding { rule, certain, handset, requests, at, ground });
    }

    /// A request to send was refused by itself: for its form, or for what its template says.
    pub fn malformed(&mut self, request: u64, now: Moment, handset: Option<HandsetId>, code: CodeIndex) {
        self.sends += 1;
        let ground = Ground::Malformed(code);
        let requests = [request, 0];
        self.find(Finding { rule: Rule::Malformed, certain: true, handset, requests, at: now.at, ground });
    }
}
