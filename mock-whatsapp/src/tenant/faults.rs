//! The faults that are armed in a tenant's world, and why a send was refused.

use super::Tenant;
use super::matcher::Matcher;
use super::message_log::Record;
use crate::config::check_fault;
use crate::graph::send::Sending;
use crate::limits::FAULTS;
use cloud_api::limits::{PAIR_BURST, PAIR_REFILL};
use cloud_api::time::Timestamp;
use mock_whatsapp_model::faults::{Aim, Count, Fault};
use mock_whatsapp_model::input::{HandsetId, MessageIndex, NumberId};
use mock_whatsapp_model::output::Why;
use mock_whatsapp_model::spec::{FaultKind, FaultSpec, MessagingLimit};
use serde_json::{Value, json};
use std::fmt;

/// A fault that is armed.
#[derive(Clone, Debug)]
pub struct Armed {
    /// Its number, never used twice.
    pub id: u64,
    /// As it was written.
    pub written: Value,
    /// When it was armed: its window counts from here.
    pub since: Timestamp,
    /// What it is aimed at, as far as words tell.
    aim: Option<Matcher>,
}

/// What narrows a fault down, as it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Narrowing {
    /// Only what fits this.
    pub matcher: Option<Matcher>,
    /// Only every so manieth of what it sees.
    pub every: Option<u32>,
    /// At most so often.
    pub first: Option<u64>,
}

/// Why a fault cannot be armed: the key, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// Which key.
    pub key: &'static str,
    /// What would be right.
    pub message: String,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

impl Tenant {
    /// Arms a fault; its window counts from `since`. `written` is the form in which it came, for whoever asks.
    ///
    /// # Errors
    /// If there can be no such fault here.
    pub fn arm(&mut self, spec: FaultSpec, written: Option<Value>, since: Timestamp) -> Result<u64, Unfit> {
        self.arm_narrowed(spec, Narrowing::default(), written, since)
    }

    /// Arms a fault that is about some of what it could be about.
    ///
    /// # Errors
    /// If there can be no such fault here.
    pub fn arm_narrowed(
        &mut self,
        spec: FaultSpec,
        narrowing: Narrowing,
        written: Option<Value>,
        since: Timestamp,
    ) -> Result<u64, Unfit> {
        check_fault(&spec).map_err(|(key, message)| Unfit { key, message })?;
        if self.faults.len() == FAULTS {
            return Err(Unfit { key: "", message: format!("{FAULTS} faults are armed, which is all there can be") });
        }
        let number = spec.sender.as_deref().map(|id| self.sender(id)).transpose()?;
        let Narrowing { matcher, every, first } = narrowing;
        if spec.kind == FaultKind::Tier && (matcher.is_some() || every.is_some() || first.is_some()) {
            let message = "a messaging limit is about no message, so nothing narrows it down but time".to_owned();
            return Err(Unfit { key: if matcher.is_some() { "match" } else { "kind" }, message });
        }
        let unfit = |kind: FaultKind| Unfit {
            key: "kind",
            message: format!("faults of this kind ({}) are not WhatsApp's", kind.name()),
        };
        let fault = Fault::arm(&spec, since, number).map_err(unfit)?;
        let handset = matcher.as_ref().and_then(|matcher| matcher.to).map(|to| self.telephone(to));
        let messages = matcher.as_ref().filter(|matcher| matcher.is_about_words()).map(|matcher| {
            let accepted = self.messages.first().0..self.messages.end().0;
            let fits = |index: &MessageIndex| {
                self.messages
                    .get(*index)
                    .is_some_and(|words| matcher.fits_words(words.template(), words.callback_data()))
            };
            accepted.map(MessageIndex).filter(fits).collect()
        });
        let telling = matcher.as_ref().and_then(|matcher| matcher.telling);
        self.faults_made += 1;
        let written = written.unwrap_or_else(|| describe(&spec));
        self.faults.push(Armed { id: self.faults_made, written, since, aim: matcher });
        let mut all = self.world.take_faults();
        all.push(fault.aimed(Aim { handset, messages, telling, every, first }));
        self.world.set_faults(all);
        Ok(self.faults_made)
    }

    /// The model's name for the number that a fault calls its sender.
    fn sender(&self, id: &str) -> Result<NumberId, Unfit> {
        self.numbers.get(id).map(|known| known.number).ok_or_else(|| {
            let ids: Vec<&str> = self.numbers.all().iter().map(|known| known.id.as_str()).collect();
            Unfit { key: "sender", message: format!("the ids of this tenant's numbers are {}", ids.join(", ")) }
        })
    }

    /// Disarms a fault, or all; how many there were.
    pub fn disarm(&mut self, id: Option<u64>) -> usize {
        let before = self.faults.len();
        let goes = |armed: &Armed| id.is_none_or(|id| id == armed.id);
        let all = self.world.take_faults();
        let left = all.into_iter().zip(&self.faults).filter(|(_, armed)| !goes(armed)).map(|(fault, _)| fault);
        self.world.set_faults(left.collect());
        self.faults.retain(|armed| !goes(armed));
        before - self.faults.len()
    }

    /// How often a fault was asked and acted, by its place in the list.
    pub fn count_of(&self, place: usize, now: Timestamp) -> Count {
        self.world.count_of(place, now)
    }

    /// Tells the faults whether they are about a POST that is about to be handed in.
    pub(super) fn aim_at(&mut self, sending: &Sending, record: &Record) {
        for (place, armed) in self.faults.iter().enumerate() {
            if let Some(matcher) = armed.aim.as_ref().filter(|matcher| matcher.is_about_words()) {
                let fits = matcher.fits(sending, record.template.as_deref(), record.callback_data.as_deref());
                self.world.aim(place, fits);
            }
        }
    }

    /// Tells the faults of a message that was accepted: those that are about it are about its webhooks too.
    pub(super) fn aim_later(&mut self, message: MessageIndex, sending: &Sending) {
        for (place, armed) in self.faults.iter().enumerate() {
            if let (Some(matcher), Some(words)) = (&armed.aim, self.messages.get(message))
                && matcher.is_about_words()
                && matcher.fits(sending, words.template(), words.callback_data())
            {
                self.world.include(place, message);
            }
        }
    }

    /// The faults that are armed, oldest first.
    pub fn faults(&self) -> &[Armed] {
        &self.faults
    }

    /// The rule that refused, and what would change it.
    pub(super) fn explain(&self, why: Why, handset: HandsetId, number: NumberId) -> String {
        match why {
            Why::Fault(place) => {
                let id = self.faults.get(usize::from(place)).map_or(0, |armed| armed.id);
                format!("fault f{id} is armed; DELETE /_mock/faults/f{id} disarms it")
            }
            Why::Throughput => format!(
                "the number takes {} messages a second, and fewer while a throttle fault is armed; change it with \
                 `throughput` in the configuration, or POST /_mock/clock/freeze: frozen time refuses nothing",
                self.config.throughput
            ),
            Why::Pair => format!(
                "more than {PAIR_BURST} messages to {} at once, or since then more than one in {PAIR_REFILL}; POST \
                 /_mock/clock/advance lets time go by, and `pair = false` under [rules] in the configuration takes the limit \
                 away",
                self.handsets.wa_id(handset)
            ),
            Why::MessagingLimit => {
                let now = self.time;
                let portfolio = self.world.portfolio_of(number);
                let limit = match self.world.limit_of(portfolio, now) {
                    MessagingLimit::Unlimited => "any number of".to_owned(),
                    MessagingLimit::Contacts(most) => most.to_string(),
                };
                format!(
                    "the portfolio may write to {limit} contacts outside their service windows in 24 h, and has written to {}; \
                     change it with PUT /_mock/numbers/{{id}}, `messaging_limit` in the configuration or POST /_mock/faults \
                     {{\"kind\":\"tier\",\"messaging_limit\":\"unlimited\"}}",
                    self.world.ledger_used(portfolio, now)
                )
            }
            Why::Magic => format!(
                "the contact's number {} has a meaning; `magic_numbers = false` in the configuration takes it away, and so \
                 does PUT /_mock/handsets/{0} {{\"kind\":\"plain\"}}",
                self.handsets.wa_id(handset)
            ),
        }
    }
}

/// A fault in words, where it did not come as JSON.
fn describe(spec: &FaultSpec) -> Value {
    json!({
        "kind": spec.kind.name(),
        "from": spec.from.to_string(),
        "until": spec.until.map(|until| until.to_string()),
        "share": f64::from(spec.share) / 1_000_000.0,
        "code": spec.code,
        "rate": spec.rate,
    })
}
