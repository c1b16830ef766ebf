//! Faults as values: each says what it does to a POST or to a webhook, and composing them is done here.
//!
//! A fault is asked by what it is aimed at, its window, its turn and its share, in this order. Of faults that drop or fail, the first in the
//! list wins; delays add; copies multiply.

use crate::distribution::Distribution;
use crate::fate::{Share, What, digest, fate, join};
use crate::input::{HandsetId, MessageIndex, NumberId, Post, template_key};
use crate::output::{Dress, Forgery, Garble, Manner, Oddity, Update, What as Told};
use crate::spec::{FaultKind, FaultSpec, MessagingLimit};
use cloud_api::catalogue::{self, CodeIndex};
use cloud_api::time::{Span, Timestamp};
use std::collections::BTreeSet;

/// What narrows a fault down beside its window and its share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aim {
    /// Only what is about this telephone.
    pub handset: Option<HandsetId>,
    /// Of updates, only those of these messages. Of POSTs the shell says which it is about, by [`crate::World::aim`].
    pub messages: Option<BTreeSet<MessageIndex>>,
    /// Of updates, only those that tell this.
    pub telling: Option<Telling>,
    /// Of what it sees, only every so manieth.
    pub every: Option<u32>,
    /// It acts at most so often.
    pub first: Option<u64>,
}

/// Kinds of updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// Any status.
    Status,
    /// `sent`.
    Sent,
    /// `delivered`.
    Delivered,
    /// `read`.
    Read,
    /// `failed`.
    Failed,
    /// Anything that a contact wrote.
    Message,
    /// Anything about the account.
    Notice,
}

impl Telling {
    fn is_of(self, told: Told) -> bool {
        match told {
            Told::Sent => matches!(self, Self::Status | Self::Sent),
            Told::Delivered => matches!(self, Self::Status | Self::Delivered),
            Told::Read => matches!(self, Self::Status | Self::Read),
            Told::Failed(_) => matches!(self, Self::Status | Self::Failed),
            Told::Reply | Told::Stop | Told::Says(_) => self == Self::Message,
            Told::Notice(_) => self == Self::Notice,
        }
    }
}

/// How often a fault was asked, how often it acted, and whether it still can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// What was within its aim and its window.
    pub seen: u64,
    /// What it acted on.
    pub hits: u64,
    /// Whether it can act any more.
    pub armed: bool,
}

/// An armed fault.
#[derive(Clone, Debug)]
pub struct Fault {
    kind: FaultKind,
    from: Timestamp,
    until: Timestamp,
    share: Share,
    number: Option<NumberId>,
    /// Its place in the list.
    place: u16,
    /// What draws about this fault are keyed by.
    key: u64,
    code: Option<CodeIndex>,
    asynchronous: bool,
    accepted: bool,
    form: Garble,
    /// All of them, if none is named.
    oddity: Option<Oddity>,
    limit: MessagingLimit,
    template: Option<u32>,
    rate: u32,
    copies: u8,
    size: u16,
    delay: Option<Distribution>,
    manner: Close,
    forgery: Forgery,
    aim: Aim,
    /// Whether the POST that is coming is what it is aimed at.
    is_meant: bool,
    seen: u64,
    hits: u64,
}

/// When a connection closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Close {
    Before,
    Middle,
    After,
}

/// What a fault acts on. What is not armed costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Posts,
    Webhooks,
    MessagingLimit,
    /// How answers are given.
    Answers,
    /// How webhooks are sent.
    Dress,
}

/// Reordered updates come up to this much later, each by a draw of its own.
const SHUFFLE: Span = Span::mins(5);

fn form_of<T: Copy>(forms: &[(&str, T)], name: &str) -> Option<T> {
    forms.iter().find(|(known, _)| *known == name).map(|(_, form)| *form)
}

/// Whether the receiver cannot be reached at `now`, for the try with this number.
pub(crate) fn is_cut_off(faults: &mut [Fault], now: Timestamp, update: &Update, seed: u64, key: u64) -> bool {
    faults.iter_mut().any(|fault| {
        fault.kind == FaultKind::WebhookOutage && fault.is_at(update) && fault.hits(now, update.number, seed, key)
    })
}

/// What the faults do to one POST.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OnPost {
    pub(crate) end: Option<End>,
    /// An error to be told in a webhook.
    pub(crate) later: Option<CodeIndex>,
    pub(crate) delay: Span,
    /// How long after the POST the message is taken.
    pub(crate) taken_after: Span,
    pub(crate) rate: Option<u32>,
    /// How long it is silent, where that is said.
    pub(crate) silence: Option<Span>,
}

/// How a POST ends, if a fault ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Error(CodeIndex, u16),
    Unreachable,
    Reset { accepted: bool },
    Silence,
    Garbled { accepted: bool, form: Garble },
}

/// What the faults do to one update of a webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OnWebhook {
    pub(crate) lost: bool,
    pub(crate) delay: Span,
    pub(crate) copies: u8,
    pub(crate) odd: Odd,
    /// What somebody else tells beside it.
    pub(crate) forgery: Option<Told>,
}

/// What is odd about an update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Odd {
    #[default]
    Nothing,
    /// It is not told; if what it implies will be.
    Unsaid,
    /// A `failed` comes too: before it, or after.
    FailsToo { before: bool },
    /// It does not echo the callback data.
    Mute,
}

impl Fault {
    /// Arms a fault. Its window counts from `start`; `number` is the sender that its spec names.
    ///
    /// # Errors
    /// If the kind is not one that WhatsApp or the way to it can have (an engine's crash, say): the kind.
    pub fn arm(spec: &FaultSpec, start: Timestamp, number: Option<NumberId>) -> Result<Self, FaultKind> {
        if !Self::is_whatsapps(spec.kind) {
            return Err(spec.kind);
        }
        let mut text =
            format!("{:?}|{}|{:?}|{}|{:?}|{:?}", spec.kind, spec.from, spec.until, spec.share, spec.code, spec.rate);
        let oddity = spec.form.as_deref().filter(|_| spec.kind == FaultKind::StatusOddity);
        if let Some(form) = oddity {
            text.push_str(form);
        }
        Ok(Self {
            kind: spec.kind,
            from: start + spec.from,
            until: spec.until.map_or(Timestamp::NEVER, |until| start + until),
            share: Share::millionths(spec.share),
            number,
            place: 0,
            key: digest(text.as_bytes()),
            code: spec.code.map(|code| catalogue::find(code, None)),
            asynchronous: spec.asynchronous.unwrap_or(false),
            accepted: spec.accepted.unwrap_or(spec.kind == FaultKind::LostReply),
            form: spec.form.as_deref().and_then(|form| form_of(&Garble::ALL, form)).unwrap_or_default(),
            oddity: oddity.and_then(|form| form_of(&Oddity::ALL, form)),
            limit: spec.messaging_limit.unwrap_or_default(),
            template: spec.template.as_deref().map(template_key),
            rate: spec.rate.unwrap_or(u32::MAX),
            copies: spec.copies.unwrap_or(1),
            size: spec.size.unwrap_or(1_000),
            delay: spec.delay.clone(),
            manner: match spec.form.as_deref() {
                Some("before") => Close::Before,
                Some("after") => Close::After,
                Some(_) | None => Close::Middle,
            },
            forgery: match spec.form.as_deref() {
                Some("missing") => Forgery::Missing,
                Some("rotated") => Forgery::Rotated,
                Some(_) | None => Forgery::Wrong,
            },
            aim: Aim::default(),
            is_meant: true,
            seen: 0,
            hits: 0,
        })
    }

    /// Whether the world carries out faults of this kind.
    pub fn is_whatsapps(kind: FaultKind) -> bool {
        use FaultKind::*;
        match kind {
            Outage | Error | Throttle | Latency | Reset | LostReply | GarbledReply | TokenRevoked | TemplatePaused
            | WebhookDelay | WebhookDuplicate | WebhookReorder | WebhookLoss | WebhookOutage | WebhookForged
            | StatusOddity | Tier | Drip | Close | WebhookSignature | WebhookBatch => true,
            EngineCrash | EngineZombie | StaleStore | ClockStep | DiskFull | DiskSlow => false,
        }
    }

    /// The same fault, at this place of the list.
    pub(crate) fn at(self, place: usize) -> Self {
        Self { place: u16::try_from(place).unwrap_or(u16::MAX), ..self }
    }

    /// Whether it is one that lowers the throughput of a number at `now`, of whichever share of the requests.
    pub(crate) fn throttles(&self, now: Timestamp, number: NumberId) -> bool {
        let of = self.number.is_none_or(|only| only == number);
        self.kind == FaultKind::Throttle && of && now >= self.from && now < self.until
    }

    /// What it acts on.
    pub(crate) fn target(&self) -> Target {
        use FaultKind::*;
        match self.kind {
            WebhookDelay | WebhookDuplicate | WebhookReorder | WebhookLoss | WebhookOutage | WebhookForged
            | StatusOddity => Target::Webhooks,
            Tier => Target::MessagingLimit,
            Drip | Close => Target::Answers,
            LostReply if !self.accepted => Target::Answers,
            WebhookSignature | WebhookBatch => Target::Dress,
            Outage | Error | Throttle | Latency | Reset | LostReply | GarbledReply | TokenRevoked | TemplatePaused
            | EngineCrash | EngineZombie | StaleStore | ClockStep | DiskFull | DiskSlow => Target::Posts,
        }
    }

    /// The messaging limit that it sets at `now`, if it is about the portfolio of one of the numbers for which `is_about`
    /// holds. Its share is of slices of a second, since it is about no message.
    pub(crate) fn messaging_limit(
        &self,
        now: Timestamp,
        seed: u64,
        is_about: impl Fn(NumberId) -> bool,
    ) -> Option<MessagingLimit> {
        let holds = self.number.is_none_or(is_about) && self.is_due(now, seed, now.unix_seconds());
        holds.then_some(self.limit)
    }

    /// Narrows it down.
    pub fn aimed(self, aim: Aim) -> Self {
        Self { aim, ..self }
    }

    /// How often it was asked and acted, as of `now`.
    pub fn count(&self, now: Timestamp) -> Count {
        Count { seen: self.seen, hits: self.hits, armed: now < self.until && !self.is_spent() }
    }

    pub(crate) fn place(&self) -> u16 {
        self.place
    }

    pub(crate) fn mean(&mut self, is_meant: bool) {
        self.is_meant = is_meant;
    }

    /// Takes a message among those that it is aimed at.
    pub(crate) fn take_in(&mut self, message: MessageIndex) {
        if let Some(messages) = &mut self.aim.messages {
            messages.insert(message);
        }
    }

    fn is_at_post(&self, post: &Post) -> bool {
        self.is_meant
            && self.template.is_none_or(|template| template == post.template)
            && self.aim.handset.is_none_or(|handset| handset == post.handset)
    }

    fn is_at(&self, update: &Update) -> bool {
        self.aim.handset.is_none_or(|handset| handset == update.handset)
            && self.aim.telling.is_none_or(|telling| telling.is_of(update.what))
            && self.aim.messages.as_ref().is_none_or(|all| update.about.is_some_and(|about| all.contains(&about)))
    }

    fn is_spent(&self) -> bool {
        self.aim.first.is_some_and(|first| self.hits >= first)
    }

    /// Whether it acts on this, which it is aimed at. Asking counts.
    fn hits(&mut self, now: Timestamp, number: NumberId, seed: u64, key: u64) -> bool {
        if self.number.is_some_and(|only| only != number) || !self.is_open(now) {
            return false;
        }
        self.seen += 1;
        if self.aim.every.is_some_and(|every| !self.seen.is_multiple_of(u64::from(every))) || !self.is_drawn(seed, key)
        {
            return false;
        }
        self.hits += 1;
        true
    }

    fn is_due(&self, now: Timestamp, seed: u64, key: u64) -> bool {
        self.is_open(now) && self.is_drawn(seed, key)
    }

    fn is_open(&self, now: Timestamp) -> bool {
        now >= self.from && now < self.until && !self.is_spent()
    }

    fn is_drawn(&self, seed: u64, key: u64) -> bool {
        self.share == Share::ALL || self.share.holds(fate(seed, join(self.key, key), What::Fault))
    }

    /// What is odd about an update, by its form or, if none is named, by a draw among those that fit.
    fn odd(&self, seed: u64, key: u64, told: Told) -> Odd {
        let draw = fate(seed, join(self.key, key), What::Oddity);
        let form = self.oddity.unwrap_or(match told {
            Told::Failed(_) => Oddity::FailedWithoutCallback,
            _ if draw & 1 == 0 => Oddity::ReadWithoutDelivered,
            _ => Oddity::DeliveredAndFailed,
        });
        match (form, told) {
            (Oddity::ReadWithoutDelivered, Told::Delivered) => Odd::Unsaid,
            (Oddity::DeliveredAndFailed, Told::Delivered) => Odd::FailsToo { before: draw & 2 == 0 },
            (Oddity::FailedWithoutCallback, Told::Failed(_)) => Odd::Mute,
            _ => Odd::Nothing,
        }
    }

    /// Something false about a message of which `told` is true: that it was read, where it was not, or that it failed,
    /// where it arrives or at least left.
    fn forgery(&self, seed: u64, key: u64, told: Told) -> Told {
        let failed = Told::Failed(catalogue::find(131_026, None));
        match told {
            Told::Failed(_) => Told::Read,
            Told::Sent | Told::Delivered if fate(seed, join(self.key, key), What::Forgery) & 1 == 0 => Told::Read,
            Told::Sent | Told::Delivered | Told::Read | Told::Reply | Told::Stop | Told::Says(_) | Told::Notice(_) => {
                failed
            }
        }
    }

    fn delay(&self, seed: u64, key: u64) -> Span {
        self.delay.as_ref().map_or(Span::ZERO, |delay| delay.draw(fate(seed, join(self.key, key), What::FaultDelay)))
    }
}

/// What all faults together do to the `nth` POST of a message.
pub(crate) fn on_post(faults: &mut [Fault], now: Timestamp, seed: u64, post: &Post, nth: u8) -> OnPost {
    let mut all = OnPost::default();
    let key = join(post.key, u64::from(nth));
    for fault in faults {
        if !fault.is_at_post(post) || !fault.hits(now, post.number, seed, key) {
            continue;
        }
        let end = match fault.kind {
            FaultKind::Outage => Some(End::Unreachable),
            FaultKind::Error if fault.asynchronous => {
                all.later = all.later.or(fault.code);
                None
            }
            FaultKind::Error => fault.code.map(|code| End::Error(code, fault.place)),
            FaultKind::Reset => Some(End::Reset { accepted: fault.accepted }),
            FaultKind::LostReply => {
                if all.end.is_none() {
                    all.taken_after = fault.delay(seed, key);
                    all.silence = fault.delay.as_ref().map(|_| all.taken_after);
                }
                Some(End::Silence)
            }
            FaultKind::GarbledReply => Some(End::Garbled { accepted: fault.accepted, form: fault.form }),
            FaultKind::TokenRevoked => Some(End::Error(catalogue::find(190, None), fault.place)),
            FaultKind::TemplatePaused => Some(End::Error(catalogue::find(132_015, None), fault.place)),
            FaultKind::Latency => {
                all.delay = all.delay + fault.delay(seed, key);
                None
            }
            FaultKind::Throttle => {
                all.rate = Some(all.rate.map_or(fault.rate, |rate| rate.min(fault.rate)));
                None
            }
            _ => None,
        };
        all.end = all.end.or(end);
    }
    all
}

/// What all faults together do to an update of the message with this key.
pub(crate) fn on_webhook(faults: &mut [Fault], now: Timestamp, seed: u64, key: u64, update: &Update) -> OnWebhook {
    let told = update.what;
    let mut all = OnWebhook::default();
    let mut copies = 1u32;
    let key = join(key, told.place());
    for fault in faults {
        // Whether the receiver can be reached is asked of every try.
        if fault.kind == FaultKind::WebhookOutage || !fault.is_at(update) || !fault.hits(now, update.number, seed, key)
        {
            continue;
        }
        match fault.kind {
            FaultKind::WebhookLoss => all.lost = true,
            FaultKind::WebhookReorder => {
                let place = u128::from(fate(seed, join(fault.key, key), What::FaultDelay));
                all.delay = all.delay + Span(((place * u128::from(SHUFFLE.0)) >> 64) as u64);
            }
            FaultKind::WebhookDelay => all.delay = all.delay + fault.delay(seed, key),
            FaultKind::WebhookDuplicate => copies = copies.saturating_mul(u32::from(fault.copies) + 1),
            FaultKind::StatusOddity if all.odd == Odd::Nothing => all.odd = fault.odd(seed, key, told),
            FaultKind::WebhookForged => all.forgery = all.forgery.or_else(|| Some(fault.forgery(seed, key, told))),
            _ => {}
        }
    }
    all.copies = u8::try_from(copies - 1).unwrap_or(u8::MAX);
    all
}

/// How the answer to a POST is to be given: by the first that says something.
pub(crate) fn on_answer(faults: &mut [Fault], now: Timestamp, seed: u64, post: &Post) -> Option<Manner> {
    faults.iter_mut().find_map(|fault| {
        let key = join(post.key, fault.seen);
        if !fault.is_at_post(post) || !fault.hits(now, post.number, seed, key) {
            return None;
        }
        let delay = fault.delay.as_ref().map(|_| fault.delay(seed, key));
        match (fault.kind, fault.manner) {
            (FaultKind::Drip, _) => Some(Manner::Drip(delay.unwrap_or(DRIP))),
            (FaultKind::Close, Close::Before) => Some(Manner::CloseBefore { accepted: fault.accepted }),
            (FaultKind::Close, Close::Middle) => Some(Manner::CloseMiddle),
            (FaultKind::Close, Close::After) => Some(Manner::CloseAfter),
            (FaultKind::LostReply, _) => Some(Manner::Lost(delay)),
            _ => None,
        }
    })
}

/// How a webhook is to be sent.
pub(crate) fn on_dress(faults: &mut [Fault], now: Timestamp, seed: u64, update: &Update) -> Dress {
    let mut dress = Dress::default();
    for fault in faults {
        let key = join(update.what.place(), fault.seen);
        if !fault.is_at(update) || !fault.hits(now, update.number, seed, key) {
            continue;
        }
        match fault.kind {
            FaultKind::WebhookSignature => dress.signature = dress.signature.or(Some(fault.forgery)),
            FaultKind::WebhookBatch => {
                let wait = fault.delay.as_ref().map_or(BATCH_WAIT, |_| fault.delay(seed, key));
                dress.batch = dress.batch.or(Some((fault.size, wait)));
            }
            _ => {}
        }
    }
    dress
}

/// How long an answer drips, where nothing is said.
const DRIP: Span = Span::secs(5);

/// How long the first of a batch waits for others, where nothing is said.
const BATCH_WAIT: Span = Span::secs(1);
