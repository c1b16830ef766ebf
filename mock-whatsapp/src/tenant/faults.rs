//! The faults that are armed in a tenant's world, and why a send was refused.

use super::Tenant;
use crate::config::check_fault;
use crate::limits::FAULTS;
use cloud_api::limits::{PAIR_BURST, PAIR_REFILL};
use cloud_api::time::Timestamp;
use mock_whatsapp_model::faults::Fault;
use mock_whatsapp_model::input::HandsetId;
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
    fault: Fault,
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
        check_fault(&spec).map_err(|(key, message)| Unfit { key, message })?;
        if self.faults.len() == FAULTS {
            return Err(Unfit { key: "", message: format!("{FAULTS} faults are armed, which is all there can be") });
        }
        if spec.sender.as_ref().is_some_and(|sender| *sender != self.identity.phone_number_id) {
            let message = format!("this tenant's only sender is {}", self.identity.phone_number_id);
            return Err(Unfit { key: "sender", message });
        }
        let number = spec.sender.is_some().then_some(self.number);
        let unfit = |kind: FaultKind| Unfit {
            key: "kind",
            message: format!("faults of this kind ({}) are not WhatsApp's", kind.name()),
        };
        let fault = Fault::arm(&spec, since, number).map_err(unfit)?;
        self.faults_made += 1;
        let written = written.unwrap_or_else(|| describe(&spec));
        self.faults.push(Armed { id: self.faults_made, written, since, fault });
        self.rearm();
        Ok(self.faults_made)
    }

    /// Disarms a fault, or all; how many there were.
    pub fn disarm(&mut self, id: Option<u64>) -> usize {
        let before = self.faults.len();
        self.faults.retain(|armed| id.is_some_and(|id| id != armed.id));
        self.rearm();
        before - self.faults.len()
    }

    fn rearm(&mut self) {
        self.world.set_faults(self.faults.iter().map(|armed| armed.fault.clone()).collect());
    }

    /// The faults that are armed, oldest first.
    pub fn faults(&self) -> &[Armed] {
        &self.faults
    }

    /// The rule that refused, and what would change it.
    pub(super) fn explain(&self, why: Why, handset: HandsetId) -> String {
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
                let portfolio = self.world.portfolio_of(self.number);
                let limit = match self.world.limit_of(portfolio, now) {
                    MessagingLimit::Unlimited => "any number of".to_owned(),
                    MessagingLimit::Contacts(most) => most.to_string(),
                };
                format!(
                    "the portfolio may write to {limit} contacts outside their service windows in 24 h, and has written to {}; \
                     change it with `messaging_limit` in the configuration or with POST /_mock/faults \
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
