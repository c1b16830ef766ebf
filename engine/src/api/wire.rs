//! The operator API's JSON.

use crate::clock;
use crate::config::quiet_name;
use crate::driver::Look;
use crate::server::{self, Answer};
use crate::store::{Campaign, Message, Suppression};
use cloud_api::catalogue::CodeIndex;
use engine_core::campaign::Counts;
use engine_core::ledger::Limit;
use engine_core::message::State;
use hyper::StatusCode;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::path::PathBuf;

/// A campaign that is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCampaign {
    pub(super) name: String,
    pub(super) template: String,
    pub(super) language: Option<String>,
    pub(super) from: Option<String>,
    pub(super) contacts_file: Option<PathBuf>,
    pub(super) contacts: Option<Vec<Contact>>,
    pub(super) start: Option<String>,
    #[serde(default)]
    pub(super) priority: u8,
    pub(super) quiet_hours: Option<String>,
}

/// A contact that is to get nothing more.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSuppression {
    pub(super) phone: String,
}

/// A contact of a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contact {
    pub(super) phone: String,
    #[serde(default)]
    pub(super) variables: Vec<String>,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(super) struct Created {
    id: u16,
    name: String,
    size: u32,
    rejected: u32,
    duplicates: u32,
}

impl Created {
    pub(super) fn of(campaign: &Campaign) -> Self {
        Self {
            id: campaign.id.0,
            name: campaign.name.clone(),
            size: campaign.size(),
            rejected: campaign.bad,
            duplicates: campaign.duplicates,
        }
    }
}

/// Messages per state, all ten names, in the order of the promise's table.
#[derive(Clone, Copy, Debug)]
pub struct PerState(pub Counts);

impl Serialize for PerState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(State::ALL.len()))?;
        for state in State::ALL {
            map.serialize_entry(state.name(), &self.0.of(state))?;
        }
        map.end()
    }
}

/// A campaign as it stands.
#[derive(Debug, Serialize)]
pub struct CampaignView {
    /// Its name.
    pub name: String,
    state: &'static str,
    template: String,
    language: String,
    from: String,
    size: u32,
    messages: PerState,
    rejected: u32,
    duplicates: u32,
    priority: u8,
    quiet_hours: String,
    paused: bool,
    cancelled: bool,
    /// The error because of which its template is halted, its sender, or its portfolio.
    held_by: Option<u32>,
    settled: bool,
}

impl CampaignView {
    /// All of them, in order of id.
    pub(crate) fn all(look: &Look) -> Vec<Self> {
        let pairs = look.campaigns.iter().zip(&look.status.campaigns);
        pairs
            .map(|(campaign, status)| {
                let sender = look.senders.iter().position(|id| *id == campaign.phone_number_id);
                let held = status.held_by.or(sender.and_then(|place| held_by(look, place)));
                Self {
                    name: campaign.name.clone(),
                    state: status.state.name(),
                    template: campaign.template.clone(),
                    language: campaign.language.clone(),
                    from: campaign.phone_number_id.clone(),
                    size: campaign.size(),
                    messages: PerState(status.counts),
                    rejected: campaign.bad,
                    duplicates: campaign.duplicates,
                    priority: campaign.priority,
                    quiet_hours: quiet_name(campaign.quiet),
                    paused: status.paused,
                    cancelled: status.cancelled,
                    held_by: held.map(|code| code.code()),
                    settled: status.settled,
                }
            })
            .collect()
    }
}

/// What holds a sender: a halt of its own or of its account, or else its portfolio's.
fn held_by(look: &Look, sender: usize) -> Option<CodeIndex> {
    let own = look.status.senders.get(sender)?.held_by;
    let portfolio = look.portfolios.get(sender).and_then(|id| look.status.portfolios.get(usize::from(id.0)));
    own.or(portfolio?.held_by)
}

/// Part of a long list.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    items: Vec<T>,
    /// What `after` is for the next page; null at the end.
    next: Option<u32>,
}

impl<T> Page<T> {
    /// `last` is the number of the last item.
    pub(super) fn of(items: Vec<T>, last: Option<u32>, limit: u32) -> Self {
        let next = last.filter(|_| items.len() as u32 == limit);
        Self { items, next }
    }
}

/// A contact that gets nothing more.
#[derive(Debug, Serialize)]
pub(super) struct SuppressionView {
    phone: String,
    since: String,
    why: String,
}

impl SuppressionView {
    pub(super) fn of(suppression: &Suppression) -> Self {
        let Suppression { phone, at, why, .. } = suppression;
        Self { phone: format!("+{phone}"), since: clock::time_name(*at), why: why.clone() }
    }
}

/// A message as it stands.
#[derive(Debug, Serialize)]
pub struct MessageView {
    id: u32,
    phone: String,
    state: &'static str,
    reason: &'static str,
    code: Option<u32>,
    error: Option<String>,
    attempts: u8,
    line: u32,
    wamid: Option<String>,
}

impl MessageView {
    /// The names of the fields, in order.
    pub const COLUMNS: [&str; 9] = ["id", "phone", "state", "reason", "code", "error", "attempts", "line", "wamid"];

    /// From the store's.
    pub fn of(message: &Message) -> Self {
        let reason = message.row.reason();
        // The code as WhatsApp gave it says more than the catalogue's row, which may stand for many.
        let code = reason.code.map(|code| match message.error_code {
            Some(own) if code == CodeIndex::UNLISTED => own,
            Some(own) if (code.entry().code..=code.entry().last).contains(&own) => own,
            Some(_) | None => code.code(),
        });
        Self {
            id: message.id.0,
            phone: format!("+{}", message.phone),
            state: message.row.state().name(),
            reason: reason.name,
            code,
            error: message.error_text.clone().filter(|_| code.is_some()),
            attempts: message.row.posts(),
            line: message.line,
            wamid: message.wamid.clone(),
        }
    }
}

/// A sender as it stands.
#[derive(Debug, Serialize)]
pub(super) struct SenderView {
    phone_number_id: String,
    messages_per_second: f64,
    in_flight: u32,
    outcome_unknown: usize,
    held_by: Option<u32>,
    /// Distinct contacts in 24 hours that its portfolio may write to; null for any number.
    messaging_limit: Option<u32>,
    /// How many count now.
    messaging_limit_used: u32,
    breaker_open: bool,
}

impl SenderView {
    pub(super) fn all(look: &Look) -> Vec<Self> {
        let pairs = look.senders.iter().zip(&look.status.senders).enumerate();
        pairs
            .map(|(place, (id, status))| {
                let portfolio = look.portfolios.get(place).and_then(|id| look.status.portfolios.get(usize::from(id.0)));
                Self {
                    phone_number_id: id.clone(),
                    messages_per_second: status.rate_milli as f64 / 1_000.0,
                    in_flight: status.in_flight,
                    outcome_unknown: status.unknown,
                    held_by: held_by(look, place).map(|code| code.code()),
                    messaging_limit: portfolio.and_then(|portfolio| match portfolio.limit {
                        Limit::Unlimited => None,
                        Limit::Contacts(most) => Some(most),
                    }),
                    messaging_limit_used: portfolio.map_or(0, |portfolio| portfolio.used),
                    breaker_open: status.breaker_open,
                }
            })
            .collect()
    }
}

/// What is wrong with a request (RFC 9457).
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    status: u16,
    title: &'static str,
    detail: String,
    /// Where in the body it is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'static str>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("wrong");
        Self { status: status.as_u16(), title, detail: detail.into(), pointer: None }
    }

    pub(super) fn at(mut self, pointer: &'static str) -> Self {
        self.pointer = Some(pointer);
        self
    }

    pub(super) fn answer(&self) -> Answer {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match serde_json::to_vec(self) {
            Ok(body) => server::typed(status, "application/problem+json", body.into()),
            Err(wrong) => server::text(status, wrong.to_string()),
        }
    }
}
