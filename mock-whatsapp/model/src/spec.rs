//! The parts of a scenario that are WhatsApp's: how handsets behave and which faults there are, as scenario files, the
//! mock's configuration and its control API write them.
//!
//! Only the form is here. What a fault or a handset does is in `faults` and `handset`.

use crate::distribution::Distribution;
use crate::output::{Garble, Oddity};
use cloud_api::time::Span;
use serde::{Deserialize, Deserializer, de};

/// What a contact's telephone is like. Whoever is not of a named kind has one that is on, reads by the share, and says
/// nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Kind {
    /// On, reads by `read_share`, says nothing.
    #[default]
    Plain,
    /// 131026 in a webhook.
    NotOnWhatsapp,
    /// Has blocked the business: `sent`, and nothing more.
    Blocked,
    /// Delivered and never `read`.
    ReceiptsOff,
    /// Off from the start, for a time; all that waits arrives then.
    Offline,
    /// Always reads, and always answers the message.
    Replies,
    /// Reads, presses STOP, and from then on gets no marketing message (131050).
    OptsOut,
    /// 131049 in a webhook for marketing messages.
    MarketingCapped,
    /// Reads and reports the business, which hears nothing of it.
    ReportsSpam,
    /// The canonical id differs from the number that was given.
    OtherWaId,
}

/// How long handsets take, and how many read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timing {
    /// From acceptance to `sent`.
    pub sent_after: Distribution,
    /// From `sent` to arrival.
    pub delivered_after: Distribution,
    /// From arrival to reading.
    pub read_after: Distribution,
    /// How many of those whose handset is plain read at all, in millionths.
    #[serde(deserialize_with = "share")]
    pub read_share: u32,
    /// From arrival to the answer.
    pub reply_after: Distribution,
    /// From acceptance to an asynchronous failure.
    pub failed_after: Distribution,
    /// From a POST's arrival to its answer.
    pub answer_after: Distribution,
}

impl Timing {
    /// For tests that do not want to wait: sent after 20 ms, delivered 50 ms later, read 100 ms later, always.
    pub fn quick() -> Self {
        let after = |ms| Distribution::constant(Span::millis(ms));
        Self {
            sent_after: after(20),
            delivered_after: after(50),
            read_after: after(100),
            read_share: 1_000_000,
            reply_after: after(200),
            failed_after: after(50),
            answer_after: after(0),
        }
    }
}

impl Default for Timing {
    /// What scenario files start from: the plausible times of the Cloud API's documentation and field reports.
    fn default() -> Self {
        let spread = |median: Span, p99: Span| {
            Distribution::log_normal(median, p99).unwrap_or_else(|_| Distribution::constant(median))
        };
        Self {
            sent_after: spread(Span::millis(500), Span::secs(2)),
            delivered_after: spread(Span::millis(1_500), Span::secs(30)),
            read_after: spread(Span::mins(10), Span::hours(20)),
            read_share: 700_000,
            reply_after: spread(Span::mins(2), Span::hours(1)),
            failed_after: spread(Span::secs(2), Span::secs(10)),
            answer_after: spread(Span::millis(80), Span::millis(300)),
        }
    }
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum FaultKind {
    /// Connections are refused.
    Outage,
    /// A catalogue error, at once or in a `failed` webhook.
    Error,
    /// The number's throughput falls to a rate.
    Throttle,
    /// The reply takes longer.
    Latency,
    /// The connection is reset.
    Reset,
    /// The message is taken, the answer never comes.
    LostReply,
    /// The answer cannot be read.
    GarbledReply,
    /// Webhooks come later.
    WebhookDelay,
    /// Webhooks come again.
    WebhookDuplicate,
    /// Statuses of one message come in any order.
    WebhookReorder,
    /// Webhooks never come.
    WebhookLoss,
    /// The receiver cannot be reached.
    WebhookOutage,
    /// An extra webhook with a wrong signature.
    WebhookForged,
    /// Combinations of statuses that should not be, and are.
    StatusOddity,
    /// The engine dies and starts again.
    EngineCrash,
    /// A second engine wakes up with an old lease.
    EngineZombie,
    /// The engine restarts on an old copy of its store.
    StaleStore,
    /// The engine's clock jumps.
    ClockStep,
    /// The store's writes fail.
    DiskFull,
    /// The store's writes take longer.
    DiskSlow,
    /// 190 until it ends.
    TokenRevoked,
    /// 132015 until it ends.
    TemplatePaused,
    /// The messaging limit changes.
    Tier,
    /// The answer comes bit by bit. Of the mock alone, as are the next three.
    Drip,
    /// The connection closes in order: before, in the middle of or after the answer.
    Close,
    /// Webhooks are signed with something else, or not at all.
    WebhookSignature,
    /// Webhooks wait for each other and share a POST.
    WebhookBatch,
}

impl FaultKind {
    /// As scenario files write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::Error => "error",
            Self::Throttle => "throttle",
            Self::Latency => "latency",
            Self::Reset => "reset",
            Self::LostReply => "lost_reply",
            Self::GarbledReply => "garbled_reply",
            Self::WebhookDelay => "webhook_delay",
            Self::WebhookDuplicate => "webhook_duplicate",
            Self::WebhookReorder => "webhook_reorder",
            Self::WebhookLoss => "webhook_loss",
            Self::WebhookOutage => "webhook_outage",
            Self::WebhookForged => "webhook_forged",
            Self::StatusOddity => "status_oddity",
            Self::EngineCrash => "engine_crash",
            Self::EngineZombie => "engine_zombie",
            Self::StaleStore => "stale_store",
            Self::ClockStep => "clock_step",
            Self::DiskFull => "disk_full",
            Self::DiskSlow => "disk_slow",
            Self::TokenRevoked => "token_revoked",
            Self::TemplatePaused => "template_paused",
            Self::Tier => "tier",
            Self::Drip => "drip",
            Self::Close => "close",
            Self::WebhookSignature => "webhook_signature",
            Self::WebhookBatch => "webhook_batch",
        }
    }
}

/// One `[[fault]]` as it is written. Keys that a kind does not know are refused by [`FaultSpec::misfit`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// Which kind.
    pub kind: FaultKind,
    /// From the start of the run; from now on, through the control API.
    #[serde(default, deserialize_with = "span")]
    pub from: Span,
    /// The end of the window, not included.
    #[serde(default, deserialize_with = "some_span")]
    pub until: Option<Span>,
    /// Of the requests or webhooks in the window, in millionths.
    #[serde(default = "all", deserialize_with = "share")]
    pub share: u32,
    /// Only this sender's.
    #[serde(default)]
    pub sender: Option<String>,
    /// `error`: the code.
    #[serde(default)]
    pub code: Option<u32>,
    /// `error`: accept, and say it in a webhook.
    #[serde(default)]
    pub asynchronous: Option<bool>,
    /// `throttle`: messages a second.
    #[serde(default)]
    pub rate: Option<u32>,
    /// `latency`, `lost_reply`, `webhook_delay`, `disk_slow`, `drip`, `webhook_batch`: how much.
    #[serde(default)]
    pub delay: Option<Distribution>,
    /// `reset`, `garbled_reply`, `close`: after the message was taken; `lost_reply`: it was, unless this says no.
    #[serde(default)]
    pub accepted: Option<bool>,
    /// `garbled_reply`, `status_oddity`, `close`, `webhook_signature`: which form.
    #[serde(default)]
    pub form: Option<String>,
    /// `webhook_duplicate`: how many more.
    #[serde(default)]
    pub copies: Option<u8>,
    /// `engine_crash`: how often.
    #[serde(default)]
    pub times: Option<u32>,
    /// `engine_crash`: for how long.
    #[serde(default, deserialize_with = "some_span")]
    pub down_for: Option<Span>,
    /// `stale_store`: how old the copy is.
    #[serde(default, deserialize_with = "some_span")]
    pub age: Option<Span>,
    /// `clock_step`: by how much, with a sign.
    #[serde(default)]
    pub by: Option<String>,
    /// `template_paused`: which.
    #[serde(default)]
    pub template: Option<String>,
    /// `tier`: distinct contacts in 24 h, or "unlimited".
    #[serde(default)]
    pub messaging_limit: Option<MessagingLimit>,
    /// `webhook_batch`: how many updates at most.
    #[serde(default)]
    pub size: Option<u16>,
}

/// Distinct contacts outside the service window in a rolling 24 h.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessagingLimit {
    /// No limit.
    #[default]
    Unlimited,
    /// This many.
    Contacts(u32),
}

/// How a sender is told that a message goes beyond the messaging limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitTold {
    /// The answer refuses it.
    #[default]
    Answer,
    /// It is taken, and a webhook tells that it failed.
    Webhook,
}

impl LimitTold {
    /// As files write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Webhook => "webhook",
        }
    }
}

impl<'de> Deserialize<'de> for MessagingLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = MessagingLimit;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "a number from 0 to {}, or \"unlimited\"", u32::MAX)
            }

            fn visit_u64<E: de::Error>(self, contacts: u64) -> Result<MessagingLimit, E> {
                let limit = u32::try_from(contacts).map(MessagingLimit::Contacts);
                limit.map_err(|_| E::invalid_value(de::Unexpected::Unsigned(contacts), &self))
            }

            fn visit_i64<E: de::Error>(self, contacts: i64) -> Result<MessagingLimit, E> {
                // Readers of TOML call every whole number so.
                let contacts =
                    u64::try_from(contacts).map_err(|_| E::invalid_value(de::Unexpected::Signed(contacts), &self));
                self.visit_u64(contacts?)
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<MessagingLimit, E> {
                let unlimited = (word == "unlimited").then_some(MessagingLimit::Unlimited);
                unlimited.ok_or_else(|| {
                    E::custom(format!("`{word}` is no messaging limit: write a number or \"unlimited\""))
                })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl FaultSpec {
    /// What is wrong between the kind and its keys: the key, and what would be right.
    pub fn misfit(&self) -> Option<(&'static str, String)> {
        let kind = self.kind;
        let name = kind.name();
        let needs = |key: &'static str| Some((key, format!("a fault of this kind ({name}) needs `{key}`")));
        let knows = |kinds: &[FaultKind]| kinds.contains(&kind);
        use FaultKind::*;
        let given: [(&'static str, bool, &[FaultKind]); 14] = [
            ("code", self.code.is_some(), &[Error]),
            ("asynchronous", self.asynchronous.is_some(), &[Error]),
            ("rate", self.rate.is_some(), &[Throttle]),
            ("delay", self.delay.is_some(), &[Latency, LostReply, WebhookDelay, DiskSlow, Drip, WebhookBatch]),
            ("accepted", self.accepted.is_some(), &[Reset, GarbledReply, LostReply, Close]),
            ("form", self.form.is_some(), &[GarbledReply, StatusOddity, Close, WebhookSignature]),
            ("copies", self.copies.is_some(), &[WebhookDuplicate]),
            ("times", self.times.is_some(), &[EngineCrash]),
            ("down_for", self.down_for.is_some(), &[EngineCrash, EngineZombie]),
            ("age", self.age.is_some(), &[StaleStore]),
            ("by", self.by.is_some(), &[ClockStep]),
            ("messaging_limit", self.messaging_limit.is_some(), &[Tier]),
            ("template", self.template.is_some(), &[TemplatePaused]),
            ("size", self.size.is_some(), &[WebhookBatch]),
        ];
        for (key, is_given, kinds) in given {
            if is_given && !knows(kinds) {
                return Some((key, format!("a fault of this kind ({name}) has no `{key}`")));
            }
        }
        match kind {
            Error if self.code.is_none() => needs("code"),
            Throttle if self.rate.is_none() => needs("rate"),
            Latency | WebhookDelay | DiskSlow if self.delay.is_none() => needs("delay"),
            StaleStore if self.age.is_none() => needs("age"),
            ClockStep if self.by.is_none() => needs("by"),
            Tier if self.messaging_limit.is_none() => needs("messaging_limit"),
            GarbledReply if self.is_of_another_form(&Garble::ALL.map(|(form, _)| form)) => {
                Some(("form", "the forms of a garbled_reply are \"html\", \"truncated\" and \"unreadable\"".to_owned()))
            }
            StatusOddity if self.is_of_another_form(&Oddity::ALL.map(|(form, _)| form)) => {
                let forms = "\"read_without_delivered\", \"delivered_and_failed\" and \"failed_without_callback\"";
                Some(("form", format!("the forms of a status_oddity are {forms}; all of them, if none is named")))
            }
            Close if self.is_of_another_form(&CLOSES) => {
                Some(("form", "a close comes \"before\", \"middle\" or \"after\", of the answer".to_owned()))
            }
            Close if self.accepted.is_some() && self.form.as_deref() != Some("before") => {
                Some(("accepted", "only a close \"before\" the answer leaves it open whether it was taken".to_owned()))
            }
            WebhookSignature if self.is_of_another_form(&SIGNATURES) => {
                Some(("form", "a signature is \"wrong\", \"missing\" or \"rotated\"".to_owned()))
            }
            WebhookBatch if self.size.is_some_and(|size| !(2..=1_000).contains(&size)) => {
                Some(("size", "a POST carries 2 to 1000 updates".to_owned()))
            }
            _ if self.until.is_some_and(|until| until <= self.from) => {
                Some(("until", "a fault ends after it begins: `until` must be later than `from`".to_owned()))
            }
            _ => None,
        }
    }

    fn is_of_another_form(&self, forms: &[&str]) -> bool {
        self.form.as_ref().is_some_and(|form| !forms.contains(&form.as_str()))
    }
}

/// The forms of a `close`.
const CLOSES: [&str; 3] = ["before", "middle", "after"];

/// The forms of a `webhook_signature`.
const SIGNATURES: [&str; 3] = ["wrong", "missing", "rotated"];

fn all() -> u32 {
    1_000_000
}

/// Reads a share from 0 to 1 as millionths.
///
/// # Errors
/// Where it is no number from 0 to 1.
pub fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let share = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&share) {
        // Rounding one product is the same on every machine.
        Ok((share * 1_000_000.0).round() as u32)
    } else {
        Err(de::Error::custom(format!("a share lies between 0 and 1, and {share} does not")))
    }
}

/// Reads a length of time like "12h".
///
/// # Errors
/// Where it is none.
pub fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

/// Reads a length of time that may be absent.
///
/// # Errors
/// Where it is none.
pub fn some_span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Span>, D::Error> {
    span(deserializer).map(Some)
}
