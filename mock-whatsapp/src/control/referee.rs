//! `/referee`: the judgement of whoever sends, with the evidence in words.

use super::problem::Problem;
use super::{Ask, Done};
use crate::instant;
use crate::tenant::Tenant;
use cloud_api::catalogue::CodeIndex;
use cloud_api::time::Span;
use mock_whatsapp_model::referee::{EVIDENCE, Finding, Ground, Rule, Same, Tally};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The judgement of a sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// `clean`, `guilty` or `incomplete`: only what is certain makes guilty.
    pub verdict: String,
    /// How many sends were seen.
    pub sends: u64,
    /// Every rule, in a fixed order.
    pub rules: Vec<Judged>,
}

/// What there is about one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Its name.
    pub rule: String,
    /// How often it was certainly broken.
    pub certain: u64,
    /// How often that is only suspected.
    pub suspected: u64,
    /// Whether the verdict leaves it out.
    pub ignored: bool,
    /// The first of it, what is certain first.
    pub evidence: Vec<Evidence>,
    /// What more there is than the evidence that is kept.
    pub evidence_left_out: u64,
}

/// One thing that is held against a sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The contact, digits.
    pub to: Option<String>,
    /// The requests that it is about, as `/_mock/requests` has them.
    pub requests: Vec<String>,
    /// Why, as a sentence.
    pub why: String,
    /// Whether it is certain.
    pub certain: bool,
    /// When, as RFC 3339.
    pub at: String,
}

impl Judgement {
    /// Whether nothing certain is held against the sender, and nothing was forgotten.
    pub fn is_clean(&self) -> bool {
        self.verdict == "clean"
    }

    /// What there is about a rule.
    pub fn rule(&self, name: &str) -> Option<&Judged> {
        self.rules.iter().find(|judged| judged.rule == name)
    }
}

pub(super) async fn get(ask: Ask<'_>) -> Done {
    ask.end()?;
    let judgement = ask.tenant(|tenant, _| Ok(judge(tenant))).await?;
    Ok((200, json!(judgement)))
}

pub(super) async fn put(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    let (window, wait) = (fields.span("duplicate_window")?, fields.span("evidence_wait")?);
    let expected = "a list of rules";
    let names = fields.typed::<Vec<String>>("ignore", expected)?;
    fields.end()?;
    let ignored = names.map(|names| {
        let each = names.iter().enumerate().map(|(place, name)| {
            Rule::ALL.into_iter().find(|rule| rule.name() == name).ok_or_else(|| {
                let known = Rule::ALL.map(Rule::name).join(", ");
                Problem::malformed(
                    format!("/ignore/{place}"),
                    format!("one of {known}"),
                    format!("`{name}` is no rule"),
                )
            })
        });
        each.collect::<Result<Vec<Rule>, _>>()
    });
    let ignored = ignored.transpose()?;
    let settings = ask.tenant(move |tenant, _| {
        if let Some(window) = window {
            tenant.referee_mut().set_duplicate_window(window);
        }
        if let Some(wait) = wait {
            tenant.referee_mut().set_evidence_wait(wait);
        }
        if let Some(ignored) = ignored {
            tenant.ignore(ignored);
        }
        let (window, wait) = tenant.referee().settings();
        let ignored: Vec<&str> = tenant.ignored().iter().map(|rule| rule.name()).collect();
        Ok(json!({ "duplicate_window": window.to_string(), "evidence_wait": wait.to_string(), "ignore": ignored }))
    });
    Ok((200, settings.await?))
}

/// The judgement of a tenant's sender as things stand.
pub(crate) fn judge(tenant: &Tenant) -> Judgement {
    let referee = tenant.referee();
    let rules = Rule::ALL.map(|rule| {
        let Tally { certain, suspected, evidence } = referee.tally(rule);
        let left_out = certain + suspected - evidence.len() as u64;
        Judged {
            rule: rule.name().to_owned(),
            certain,
            suspected,
            ignored: tenant.ignored().contains(&rule),
            evidence: evidence.iter().map(|finding| show(tenant, finding)).collect(),
            evidence_left_out: left_out,
        }
    });
    Judgement {
        verdict: referee.verdict(tenant.ignored()).name().to_owned(),
        sends: referee.sends(),
        rules: rules.into(),
    }
}

const _: () = assert!(EVIDENCE > 0);

fn show(tenant: &Tenant, finding: &Finding) -> Evidence {
    Evidence {
        to: finding.handset.map(|handset| tenant.handsets().wa_id(handset).to_string()),
        requests: finding.requests.iter().filter(|id| **id != 0).map(|id| format!("r{id}")).collect(),
        why: why(finding),
        certain: finding.certain,
        at: instant::write(finding.at),
    }
}

fn error(code: CodeIndex) -> String {
    let entry = code.entry();
    if code == CodeIndex::UNLISTED {
        "an error".to_owned()
    } else {
        format!("{} ({})", entry.code, entry.title.trim_end_matches('.'))
    }
}

fn same(same: Same) -> &'static str {
    match same {
        Same::Callback => "the same callback data and the same words",
        Same::Attempt => "the same words, and callback data that differ in the number of the attempt only",
        Same::Content => "the same words, both without callback data",
        Same::Unclear => "the same words, but callback data that have nothing to do with each other",
    }
}

/// A length of time as people say it, not longer than it was.
fn span(span: Span) -> String {
    let rounded = match span.as_millis() {
        0..1_000 => Span::millis(span.as_millis()),
        _ => Span::secs(span.as_secs()),
    };
    rounded.to_string()
}

/// Why something is held against a sender, as a sentence.
fn why(finding: &Finding) -> String {
    let later = |since: Span| format!("{} later", span(since));
    match finding.ground {
        Ground::AcceptedBefore(how, since) => format!(
            "the second was sent {}, although the first had been accepted and the reply had said so; they have {}",
            later(since),
            same(how)
        ),
        Ground::ProvenBefore(how, since) => format!(
            "the reply to the first was lost, but the sender had acknowledged a webhook with its callback data that told of its \
             acceptance; it sent again all the same, {}; they have {}",
            later(since),
            same(how)
        ),
        Ground::NobodyTold(since) => format!(
            "the reply to the first was lost and so was the evidence; the sender had waited {} before it sent again, and the \
             contact got it twice",
            span(since)
        ),
        Ground::SameTemplate(since) => {
            format!("the same template to the same contact, {}, with other parameters", later(since))
        }
        Ground::SameCallback(since) => {
            format!("the same callback data to the same contact, {}, with other words", later(since))
        }
        Ground::Unknown { same: how, waited, wait, taken } => format!(
            "the outcome of the first was unknown to the sender (the message had {}been accepted), and it sent again after {} \
             without evidence; a webhook may take {} to come; they have {}",
            if taken { "" } else { "not " },
            span(waited),
            span(wait),
            same(how)
        ),
        Ground::EvidenceRefused(waited) => format!(
            "the outcome of the first was unknown to the sender, and the webhook that told of it had come to its own receiver, \
             which did not acknowledge it; it sent again after {}",
            span(waited)
        ),
        Ground::Early { code, waited, wait } => {
            format!(
                "after {} the same message was sent again after {}, not after {}",
                error(code),
                span(waited),
                span(wait)
            )
        }
        Ground::Throughput(times, rate) => format!(
            "refused with 130429, {times} within a second: the number may send {rate} messages a second, and no fault lowered that"
        ),
        Ground::Pair(wait) => format!(
            "refused with 131056: after 45 messages to a contact one in 6 s is allowed, and the next would have been in {wait}"
        ),
        Ground::MessagingLimit { lowered: false } => {
            "131048: one more contact than the portfolio may write to in 24 h".to_owned()
        }
        Ground::MessagingLimit { lowered: true } => {
            "131048: beyond a messaging limit that a fault had lowered, of which nobody tells a sender".to_owned()
        }
        Ground::OptedOut(since) => {
            format!("the sender had acknowledged the contact's opt-out {} before", span(since))
        }
        Ground::UnderWay(since) => format!(
            "the sender had acknowledged the contact's opt-out {} before, but at its pace this may have been under way",
            span(since)
        ),
        Ground::Confirmation(since) => {
            format!("the first words after the contact's opt-out, {}, which may confirm it", later(since))
        }
        Ground::BlockTold(since) => {
            format!("the sender had acknowledged a webhook that told of the block {} before", span(since))
        }
        Ground::Blocked => "the contact had blocked the business, of which nobody tells it".to_owned(),
        Ground::Malformed(code) => format!("the real API would have refused it, too: {}", error(code)),
        Ground::Final(code, waited) => {
            format!("the same message was sent again {} after {}, which is final", span(waited), error(code))
        }
        Ground::FinalContact(code, waited) => {
            format!(
                "another message to a contact about which the sender had learned {} {} before",
                error(code),
                span(waited)
            )
        }
        Ground::GoesOn(code, times) => {
            format!(
                "the sender went on after {}, which concerns all that it sends: {times} refusals within a minute",
                error(code)
            )
        }
        Ground::Timeout(ms) => format!("a webhook was not answered within {ms} ms, and will be sent again"),
        Ground::Slow(ms) => format!("a webhook was answered after {ms} ms; WhatsApp expects it within a second"),
        Ground::Status(status) => {
            format!("a webhook that was in order was answered with {status}; only 200 acknowledges it")
        }
        Ground::NoAnswer => "a webhook got no answer: the connection was refused, or it broke".to_owned(),
    }
}
