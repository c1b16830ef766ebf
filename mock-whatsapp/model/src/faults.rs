//! Faults as values: each says what it does to a POST or to a webhook, and composing them is done here.
//!
//! A fault is asked by its window, its sender and its share, in this order. Of faults that drop or fail, the first in the
//! list wins; delays add; copies multiply.

use crate::distribution::Distribution;
use crate::fate::{Share, What, digest, fate, join};
use crate::input::{NumberId, Post, template_key};
use crate::output::Garble;
use crate::spec::{FaultKind, FaultSpec};
use cloud_api::catalogue::{self, CodeIndex};
use cloud_api::time::{Span, Timestamp};

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
    template: Option<u32>,
    rate: u32,
    copies: u8,
    delay: Option<Distribution>,
}

/// Reordered updates come up to this much later, each by a draw of its own.
const SHUFFLE: Span = Span::mins(5);

fn form_of(name: &str) -> Option<Garble> {
    Garble::ALL.iter().find(|(known, _)| *known == name).map(|(_, form)| *form)
}

/// Whether the receiver cannot be reached at `now`, for the try with this number.
pub(crate) fn is_cut_off(faults: &[Fault], now: Timestamp, number: NumberId, seed: u64, key: u64) -> bool {
    faults.iter().any(|fault| fault.kind == FaultKind::WebhookOutage && fault.hits(now, number, seed, key))
}

/// What the faults do to one POST.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OnPost {
    pub(crate) end: Option<End>,
    /// An error to be told in a webhook.
    pub(crate) later: Option<CodeIndex>,
    pub(crate) delay: Span,
    pub(crate) rate: Option<u32>,
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
        let text =
            format!("{:?}|{}|{:?}|{}|{:?}|{:?}", spec.kind, spec.from, spec.until, spec.share, spec.code, spec.rate);
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
            accepted: spec.accepted.unwrap_or(false),
            form: spec.form.as_deref().and_then(form_of).unwrap_or_default(),
            template: spec.template.as_deref().map(template_key),
            rate: spec.rate.unwrap_or(u32::MAX),
            copies: spec.copies.unwrap_or(1),
            delay: spec.delay.clone(),
        })
    }

    /// Whether the world carries out faults of this kind.
    pub fn is_whatsapps(kind: FaultKind) -> bool {
        use FaultKind::*;
        match kind {
            Outage | Error | Throttle | Latency | Reset | LostReply | GarbledReply | TokenRevoked | TemplatePaused
            | WebhookDelay | WebhookDuplicate | WebhookReorder | WebhookLoss | WebhookOutage => true,
            WebhookForged | StatusOddity | EngineCrash | EngineZombie | StaleStore | ClockStep | DiskFull
            | DiskSlow | Tier => false,
        }
    }

    /// The same fault, at this place of the list.
    pub(crate) fn at(self, place: usize) -> Self {
        Self { place: u16::try_from(place).unwrap_or(u16::MAX), ..self }
    }

    /// Whether it acts on webhooks, and not on POSTs.
    pub(crate) fn acts_on_webhooks(&self) -> bool {
        matches!(
            self.kind,
            FaultKind::WebhookDelay
                | FaultKind::WebhookDuplicate
                | FaultKind::WebhookReorder
                | FaultKind::WebhookLoss
                | FaultKind::WebhookOutage
        )
    }

    fn hits(&self, now: Timestamp, number: NumberId, seed: u64, key: u64) -> bool {
        now >= self.from
            && now < self.until
            && self.number.is_none_or(|only| only == number)
            && (self.share == Share::ALL || self.share.holds(fate(seed, join(self.key, key), What::Fault)))
    }

    fn delay(&self, seed: u64, key: u64) -> Span {
        self.delay.as_ref().map_or(Span::ZERO, |delay| delay.draw(fate(seed, join(self.key, key), What::FaultDelay)))
    }
}

/// What all faults together do to the `nth` POST of a message.
pub(crate) fn on_post(faults: &[Fault], now: Timestamp, seed: u64, post: &Post, nth: u8) -> OnPost {
    let mut all = OnPost::default();
    let key = join(post.key, u64::from(nth));
    for fault in faults {
        let is_about = fault.template.is_none_or(|template| template == post.template);
        if !is_about || !fault.hits(now, post.number, seed, key) {
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
            FaultKind::LostReply => Some(End::Silence),
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

/// What all faults together do to an update; `status` tells the updates of one message apart.
pub(crate) fn on_webhook(
    faults: &[Fault],
    now: Timestamp,
    number: NumberId,
    seed: u64,
    key: u64,
    status: u64,
) -> OnWebhook {
    let mut all = OnWebhook::default();
    let mut copies = 1u32;
    let key = join(key, status);
    for fault in faults {
        if !fault.hits(now, number, seed, key) {
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
            _ => {}
        }
    }
    all.copies = u8::try_from(copies - 1).unwrap_or(u8::MAX);
    all
}
