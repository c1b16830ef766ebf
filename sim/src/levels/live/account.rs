//! What the mock and the engine each say in the end, put side by side and judged.

use super::Broken;
use super::client::Client;
use crate::checkers::truth::Truth;
use crate::checkers::{Findings, duplicates, spacing};
use crate::contacts::Contacts;
use crate::model::run::latency_histogram;
use crate::outcome::{Check, Latencies, MeasuredCampaign, Messages, Quantiles};
use crate::scenario::Scenario;
use cloud_api::catalogue::{self, CodeIndex};
use cloud_api::time::{Span, Timestamp};
use engine_core::State;
use engine_core::campaign::State as CampaignState;
use mock_whatsapp_model::spec::{FaultKind, Kind};
use mock_whatsapp_model::world::Stage;
use serde_json::Value;
use std::collections::BTreeMap;

/// One message as both sides have it.
#[derive(Clone, Debug)]
struct Message {
    phone: u64,
    state: State,
    truth: Truth,
    /// The last error that WhatsApp told of.
    told: Option<CodeIndex>,
    /// When it was accepted, and when a failure of it was told, in order.
    accepted: Vec<Timestamp>,
    arrived: Option<Timestamp>,
    failed: Vec<(Timestamp, CodeIndex)>,
}

/// Both accounts.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) campaigns: Vec<MeasuredCampaign>,
    pub(super) duplicates: u64,
    pub(super) attempts: u64,
    pub(super) events: u64,
    pub(super) latency: Latencies,
    messages: Vec<Vec<Message>>,
    counts: Vec<Messages>,
    foreign: u64,
}

impl Account {
    /// Asks both. `given` is when the engine had each campaign, `finished` when the campaign came to its end.
    pub(super) async fn take(
        scenario: &Scenario,
        contacts: &Contacts,
        mock: &Client,
        engine: &Client,
        given: &[Timestamp],
        finished: &[Option<Span>],
    ) -> Result<Self, Broken> {
        let (mut messages, mut counts, mut states, mut attempts) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let mut places: BTreeMap<u64, (usize, usize)> = BTreeMap::new();
        for (place, campaign) in scenario.campaigns.iter().enumerate() {
            let status = engine.get(&format!("/v1/campaigns/{}", campaign.name)).await?;
            states.push(campaign_state(&status)?);
            counts.push(Messages(State::ALL.map(|state| status["messages"][state.name()].as_u64().unwrap_or(0))));
            let mut own = Vec::new();
            for item in engine.all(&format!("/v1/campaigns/{}/messages", campaign.name)).await? {
                let id = item["id"].as_u64().ok_or_else(|| Broken(format!("a message without id: {item}")))?;
                places.insert(id, (place, own.len()));
                attempts += item["attempts"].as_u64().unwrap_or(0);
                own.push(Message::of(&item)?);
            }
            messages.push(own);
        }
        let mut all = Self {
            campaigns: Vec::new(),
            duplicates: 0,
            attempts,
            events: 0,
            latency: Latencies::default(),
            messages,
            counts,
            foreign: 0,
        };
        for item in mock.all("/_mock/messages").await? {
            all.events += item["timeline"].as_array().map_or(0, Vec::len) as u64;
            let id =
                item["callback_data"].as_str().and_then(|data| data.split('|').nth(3)).and_then(|id| id.parse().ok());
            match id.and_then(|id: u64| places.get(&id)) {
                Some((campaign, place)) => all.messages[*campaign][*place].take_in(&item)?,
                None => all.foreign += 1,
            }
        }
        all.measure(scenario, contacts, given, &states, finished)?;
        Ok(all)
    }

    fn measure(
        &mut self,
        scenario: &Scenario,
        contacts: &Contacts,
        given: &[Timestamp],
        states: &[CampaignState],
        finished: &[Option<Span>],
    ) -> Result<(), Broken> {
        let (mut accepted, mut delivered) =
            (latency_histogram().map_err(Broken)?, latency_histogram().map_err(Broken)?);
        for (place, campaign) in scenario.campaigns.iter().enumerate() {
            let own = &self.messages[place];
            let truths: Vec<Truth> = own.iter().map(|message| message.truth).collect();
            let copies = duplicates::judge(&truths, |_| false).copies;
            self.duplicates += copies;
            let throughput = u64::from(scenario.senders[campaign.senders[0]].throughput);
            for (rank, message) in (0u64..).zip(own) {
                let due = given[place] + Span::micros(rank * 1_000_000 / throughput);
                if let Some(first) = message.accepted.first() {
                    accepted.saturating_record(first.since(due).0);
                }
                if let Some(arrived) = message.arrived {
                    delivered.saturating_record(arrived.since(due).0);
                }
            }
            self.campaigns.push(MeasuredCampaign {
                state: states[place],
                messages: self.counts[place],
                finished_after: finished[place].map(|span| span - campaign.start),
                duplicates: Some(copies),
            });
            debug_assert!(contacts.audience(place).len() as usize >= own.len());
        }
        self.latency = Latencies { accepted: Quantiles::of(&accepted), delivered: Quantiles::of(&delivered) };
        Ok(())
    }

    /// Every promise that can be seen from outside.
    pub(super) fn judge(&self, scenario: &Scenario, contacts: &Contacts) -> Vec<Check> {
        let mut twice = Findings::default();
        let mut conserved = Findings::default();
        let mut attempts = Findings::default();
        let mut spaced = Findings::default();
        let mut receipts = Findings::default();
        let mut by_definition = Findings::default();
        let mut believed = Findings::default();
        for (place, (campaign, own)) in scenario.campaigns.iter().zip(&self.messages).enumerate() {
            let truths: Vec<Truth> = own.iter().map(|message| message.truth).collect();
            twice.extend(duplicates::judge(&truths, |_| false).findings);
            conserved.extend(self.conserved(&campaign.name, place, contacts));
            by_definition.extend(self.by_definition(&campaign.name, place));
            let audience = contacts.audience(place);
            let kinds: BTreeMap<u64, Kind> = (0..audience.len())
                .map(|message| audience.contact(message))
                .map(|contact| (contacts.phone(contact), contacts.kind(contact)))
                .collect();
            for message in own {
                let phone = message.phone;
                if message.accepted.len() > 4 {
                    attempts.add(None, || format!("+{phone} was accepted {} times", message.accepted.len()));
                }
                message.spaced(&mut spaced);
                if message.state == State::Read && kinds.get(&phone) == Some(&Kind::ReceiptsOff) {
                    receipts.add(None, || format!("+{phone} is Read, and has read receipts off"));
                }
                let truth = message.truth.state(message.told);
                if message.state != truth && !message.state.is_in_progress() {
                    believed.add(None, || {
                        format!("+{phone} is {} to the engine and {} in truth", message.state.name(), truth.name())
                    });
                }
                if message.state.is_in_progress() {
                    believed.add(None, || format!("+{phone} is still {}", message.state.name()));
                }
            }
        }
        if self.foreign > 0 {
            conserved
                .add(None, || format!("WhatsApp accepted {} messages that are none of the engine's", self.foreign));
        }
        let lost = scenario.faults.iter().any(|fault| fault.kind == FaultKind::WebhookLoss);
        let mut checks = vec![
            twice.check("no-duplicates"),
            conserved.check("conservation"),
            Check::skipped("legal-transitions", "steps in between are seen at level model"),
            attempts.check("attempts"),
            spaced.check("retry-spacing"),
            receipts.check("receipts-off"),
            by_definition.check("campaign-state"),
        ];
        checks.push(if lost {
            Check::skipped("states-equal-truth", "webhooks are lost in this scenario, so the truth cannot be known")
        } else {
            believed.check("states-equal-truth")
        });
        checks
    }

    fn conserved(&self, name: &str, place: usize, contacts: &Contacts) -> Findings {
        let mut findings = Findings::default();
        let audience = contacts.audience(place);
        let mut wanted: BTreeMap<u64, u32> = BTreeMap::new();
        for message in 0..audience.len() {
            *wanted.entry(contacts.phone(audience.contact(message))).or_default() += 1;
        }
        for message in &self.messages[place] {
            match wanted.get_mut(&message.phone) {
                Some(left) if *left > 0 => *left -= 1,
                _ => findings.add(None, || format!("campaign {name} has one message too many for +{}", message.phone)),
            }
        }
        for (phone, _) in wanted.iter().filter(|(_, left)| **left > 0) {
            findings.add(None, || format!("campaign {name} has no message for +{phone}"));
        }
        let mut recount = Messages::default();
        self.messages[place].iter().for_each(|message| recount.0[message.state as usize] += 1);
        if recount != self.counts[place] {
            findings.add(None, || {
                format!("campaign {name} says {:?} per state, its messages {:?}", self.counts[place].0, recount.0)
            });
        }
        findings
    }

    fn by_definition(&self, name: &str, place: usize) -> Findings {
        use crate::checkers::campaign::{When, judge};
        let mut counts = engine_core::campaign::Counts::default();
        self.messages[place].iter().for_each(|message| counts.0[message.state as usize] += 1);
        judge(name, &counts, When::Within, self.campaigns[place].state)
    }
}

impl Message {
    fn of(item: &Value) -> Result<Self, Broken> {
        let phone = item["phone"].as_str().and_then(|phone| phone.trim_start_matches('+').parse().ok());
        let state = item["state"].as_str().and_then(|name| State::ALL.into_iter().find(|state| state.name() == name));
        let (Some(phone), Some(state)) = (phone, state) else { return Err(Broken(format!("not a message: {item}"))) };
        let (truth, told) = (Truth::default(), None);
        Ok(Self { phone, state, truth, told, accepted: Vec::new(), arrived: None, failed: Vec::new() })
    }

    /// One attempt that WhatsApp took, as the mock lists it.
    fn take_in(&mut self, item: &Value) -> Result<(), Broken> {
        let stage = match item["status"].as_str() {
            Some("accepted") => Stage::Accepted,
            Some("sent") => Stage::Sent,
            Some("failed") => Stage::Failed,
            Some("delivered") => Stage::Delivered,
            Some("read") => Stage::Read,
            other => return Err(Broken(format!("a message with status {other:?}"))),
        };
        let code = item["error"]["code"].as_u64().and_then(|code| u32::try_from(code).ok());
        let code = code.map(|code| catalogue::find(code, None));
        let mut replied = false;
        for event in item["timeline"].as_array().into_iter().flatten() {
            let at = instant(&event["at"])?;
            match event["event"].as_str() {
                Some("accepted") => self.accepted.push(at),
                Some("failed") => self.failed.extend(code.map(|code| (at, code))),
                Some("delivered") => self.arrived = self.arrived.or(Some(at)),
                Some("replied" | "stopped") => replied = true,
                _ => {}
            }
        }
        self.told = code.or(self.told);
        self.truth.add_attempt(if replied { Stage::Replied } else { stage });
        Ok(())
    }

    /// Retries after a failure that came by webhook; those after a refusal are seen at level model.
    fn spaced(&self, findings: &mut Findings) {
        for (nth, (failed, code)) in (1u8..).zip(&self.failed) {
            let Some(next) = self.accepted.iter().find(|accepted| *accepted > failed) else { continue };
            let waited = next.since(*failed);
            match spacing::least(code.class(), nth) {
                None => findings
                    .add(None, || format!("+{} was POSTed again after {}, which is final", self.phone, code.code())),
                Some(least) if waited < least => {
                    findings.add(None, || format!("+{} was POSTed again {waited} after {}", self.phone, code.code()));
                }
                Some(_) => {}
            }
        }
    }
}

fn campaign_state(status: &Value) -> Result<CampaignState, Broken> {
    let states = [CampaignState::Queued, CampaignState::Sending, CampaignState::Completed, CampaignState::Failed];
    let found = status["state"].as_str().and_then(|name| states.into_iter().find(|state| state.name() == name));
    found.ok_or_else(|| Broken(format!("not a campaign: {status}")))
}

fn instant(value: &Value) -> Result<Timestamp, Broken> {
    let text = value.as_str().unwrap_or_default();
    let at = humantime::parse_rfc3339(text)?.duration_since(std::time::UNIX_EPOCH)?;
    Ok(Timestamp(at.as_micros() as u64))
}
