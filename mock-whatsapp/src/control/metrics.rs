//! `/metrics`: what a server does, as Prometheus reads it. Nothing is counted for this that is not counted anyway, but for the
//! outcomes of requests.

use super::{Ask, Done};
use crate::server::outcomes::{Api, Outcome};
use crate::tenant::Tenant;
use crate::tenant::webhook_log::State;
use mock_whatsapp_model::world::Stage;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// One line, with its labels.
fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: u64) {
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    writeln!(text, "{name}{labels} {value}").unwrap_or_else(|_| unreachable!("writing to a string does not fail"));
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")
        .unwrap_or_else(|_| unreachable!("writing to a string does not fail"));
}

pub(super) async fn get(ask: Ask<'_>) -> Done {
    ask.end()?;
    ask.known().await?;
    // Whoever asks about one tenant is told nothing of the server as a whole.
    let only = ask.is_named.then(|| ask.tenant.clone());
    let mut text = String::new();
    if only.is_none() {
        let requests = "mock_whatsapp_requests_total";
        head(&mut text, requests, "counter", "Requests that were answered, by API and outcome.");
        for api in Api::ALL {
            for outcome in Outcome::ALL {
                let count = ask.server.outcomes.count(api, outcome);
                line(&mut text, requests, &[("api", api.name()), ("outcome", outcome.name())], count);
            }
        }
    }
    let worlds = ask.server.worlds.with(move |worlds| {
        let mut text = String::new();
        if only.is_none() {
            let tenants = "mock_whatsapp_tenants";
            head(&mut text, tenants, "gauge", "Tenants that there are.");
            line(&mut text, tenants, &[], worlds.count() as u64);
        }
        for (metric, help, of) in METRICS {
            head(&mut text, metric, "gauge", help);
            let is_asked_for = |tenant: &&mut Tenant| only.as_ref().is_none_or(|name| *name == tenant.identity().name);
            for tenant in worlds.all().filter(is_asked_for) {
                let name = tenant.identity().name.clone();
                for (label, count) in of(tenant) {
                    let labels = [("tenant", name.as_str()), label];
                    let shown = if label.0.is_empty() { &labels[..1] } else { &labels[..] };
                    line(&mut text, metric, shown, count);
                }
            }
        }
        text
    });
    text.push_str(&worlds.await?);
    Ok((200, Value::String(text)))
}

type Label = (&'static str, &'static str);
type Values = Vec<(Label, u64)>;

/// What is told of each tenant: name, help, and the values by a label.
type Metric = (&'static str, &'static str, fn(&Tenant) -> Values);

const METRICS: [Metric; 7] = [
    ("mock_whatsapp_messages", "Accepted messages since the last reset, by how far they came.", messages),
    ("mock_whatsapp_webhooks", "Webhooks that are remembered, by state.", webhooks),
    ("mock_whatsapp_webhook_attempts", "Attempts to deliver those, by result.", attempts),
    ("mock_whatsapp_webhook_log_bytes", "What the log of webhooks takes in memory.", log_bytes),
    ("mock_whatsapp_journal_bytes", "What the journal of calls takes in memory.", journal_bytes),
    ("mock_whatsapp_snapshot_bytes", "What snapshots take in memory, about.", snapshot_bytes),
    ("mock_whatsapp_due", "Events, answers and webhooks that are still to come.", due),
];

fn messages(tenant: &Tenant) -> Values {
    let mut counts: BTreeMap<&str, u64> =
        ["accepted", "sent", "delivered", "read", "failed"].into_iter().map(|status| (status, 0)).collect();
    for message in tenant.world().messages(Default::default()) {
        let status = match message.stage {
            Stage::Accepted => "accepted",
            Stage::Sent => "sent",
            Stage::Failed => "failed",
            Stage::Delivered => "delivered",
            Stage::Read | Stage::Replied => "read",
        };
        *counts.entry(status).or_default() += 1;
    }
    counts.into_iter().map(|(status, count)| (("status", status), count)).collect()
}

fn webhooks(tenant: &Tenant) -> Values {
    let count = |state: State| tenant.webhooks().from(0).filter(|(_, record)| record.state == state).count() as u64;
    State::ALL.into_iter().map(|state| (("state", state.name()), count(state))).collect()
}

fn attempts(tenant: &Tenant) -> Values {
    let (mut acked, mut refused, mut unreachable) = (0, 0, 0);
    for attempt in tenant.webhooks().from(0).flat_map(|(_, record)| record.attempts()) {
        match attempt.status {
            200 => acked += 1,
            0 => unreachable += 1,
            _ => refused += 1,
        }
    }
    vec![(("result", "acked"), acked), (("result", "refused"), refused), (("result", "unreachable"), unreachable)]
}

fn journal_bytes(tenant: &Tenant) -> Values {
    vec![(("", ""), tenant.journal().bytes() as u64)]
}

fn snapshot_bytes(tenant: &Tenant) -> Values {
    vec![(("", ""), tenant.snapshots().bytes() as u64)]
}

fn log_bytes(tenant: &Tenant) -> Values {
    vec![(("", ""), tenant.webhooks().bytes() as u64)]
}

fn due(tenant: &Tenant) -> Values {
    vec![(("", ""), tenant.due() as u64)]
}
