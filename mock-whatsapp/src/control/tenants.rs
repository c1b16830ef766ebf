//! `/health`, `/tenants` and `/reset`: the server as a whole, and who lives on it.

use super::problem::Problem;
use super::webhook::Wish;
use super::{Ask, Done, full, no_tenant, page};
use crate::clock::Pace;
use crate::config::{Config, MarketingCap, UnknownTemplates};
use crate::identity::{DEFAULT, Identity};
use crate::tenant::Tenant;
use mock_whatsapp_model::spec::{LimitTold, MessagingLimit};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;

pub(super) async fn health(ask: Ask<'_>) -> Done {
    ask.end()?;
    ask.known().await?;
    let tenants = ask.server.worlds.with(|worlds| worlds.count()).await?;
    Ok((200, json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION"), "tenants": tenants })))
}

/// The rules that can be switched.
pub(super) const RULES: [&str; 6] = ["throughput", "pair", "management", "tier_upgrade", "window", "unexpected_keys"];

/// Takes the settings of a tenant out of a body, each in place of what the server's configuration says.
fn settings(fields: &mut super::body::Fields, config: &mut Config) -> Result<(), Problem> {
    config.seed = fields.integer("seed")?.unwrap_or(config.seed);
    let clock = match fields.value("clock") {
        None => None,
        Some(Value::String(text)) => Some(text),
        Some(Value::Number(factor)) => Some(factor.to_string()),
        Some(other) => Some(other.to_string()),
    };
    if let Some(clock) = clock {
        config.pace = clock.parse::<Pace>().map_err(|problem| {
            Problem::malformed("/clock", "\"real\", \"frozen\" or a factor from 0.001 to 1000000", problem)
        })?;
    }
    if let Some(throughput) = fields.integer("throughput")? {
        let most = u64::from(u32::MAX);
        config.throughput = u32::try_from(throughput).ok().filter(|rate| *rate > 0).ok_or_else(|| {
            let expected = format!("messages a second, from 1 to {most}");
            Problem::malformed("/throughput", expected, format!("{throughput} is no rate"))
        })?;
    }
    let limit = fields.typed::<MessagingLimit>("messaging_limit", "a number of contacts, or \"unlimited\"")?;
    config.messaging_limit = limit.unwrap_or(config.messaging_limit);
    let told = fields.typed::<LimitTold>("messaging_limit_told", "\"webhook\" or \"answer\"")?;
    config.messaging_limit_told = told.unwrap_or(config.messaging_limit_told);
    let cap = fields.typed::<MarketingCap>("marketing_cap", "a number of messages, or \"off\"")?;
    config.marketing_cap = cap.unwrap_or(config.marketing_cap);
    if let Some(mut said) = fields.nested("rules")? {
        let rules = &mut config.rules;
        rules.throughput = said.flag("throughput")?.unwrap_or(rules.throughput);
        rules.pair = said.flag("pair")?.unwrap_or(rules.pair);
        rules.management = said.flag("management")?.unwrap_or(rules.management);
        rules.tier_upgrade = said.flag("tier_upgrade")?.unwrap_or(rules.tier_upgrade);
        rules.window = said.flag("window")?.unwrap_or(rules.window);
        rules.unexpected_keys = said.flag("unexpected_keys")?.unwrap_or(rules.unexpected_keys);
        said.end()?;
    }
    let unknown = fields.typed::<UnknownTemplates>("unknown_templates", "\"refuse\" or \"accept\"")?;
    config.unknown_templates = unknown.unwrap_or(config.unknown_templates);
    Ok(())
}

pub(super) async fn make(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    let name = fields.needed_text("name")?;
    let identity = Identity::of(&name).ok_or_else(|| {
        let expected = "1 to 64 letters, digits, `-`, `_` or `.`";
        Problem::malformed("/name", expected, format!("`{name}` cannot be a tenant's name"))
    })?;
    let config = ask.server.worlds.with(|worlds| worlds.config().clone()).await?;
    let mut config = (*config).clone();
    settings(&mut fields, &mut config)?;
    let wish = fields.nested("webhook")?.map(Wish::read).transpose()?;
    fields.end()?;
    let webhook = match &wish {
        Some(wish) => Some(wish.prepare(ask.server, &identity.verify_token).await?.0),
        None => None,
    };
    let (base, host) = (ask.origin(), identity.clone());
    let made = ask.server.worlds.with(move |worlds| {
        if let Some(tenant) = worlds.find(&identity.name) {
            let same = same_settings(tenant.made_with(), &config)
                && webhook.as_ref().is_none_or(|webhook| webhook.as_ref() == tenant.webhook());
            return Ok(same.then(|| (200, show(tenant, &base))));
        }
        let Some(tenant) = worlds.make(&identity, Arc::new(config)) else {
            return Err(full());
        };
        if let Some(webhook) = webhook {
            tenant.set_webhook(webhook);
        }
        Ok(Some((201, show(tenant, &base))))
    });
    made.await??.ok_or_else(|| {
        let detail = format!(
            "there is a tenant {0} with other settings; GET /_mock/tenants/{0} shows them, DELETE removes it",
            host.name
        );
        Problem::conflict(detail)
    })
}

/// Whether a tenant that was made with one configuration is the same as one made with the other.
fn same_settings(one: &Config, other: &Config) -> bool {
    one.seed == other.seed
        && one.pace == other.pace
        && one.throughput == other.throughput
        && one.messaging_limit == other.messaging_limit
        && one.messaging_limit_told == other.messaging_limit_told
        && one.marketing_cap == other.marketing_cap
        && one.rules == other.rules
        && one.unknown_templates == other.unknown_templates
}

fn show(tenant: &Tenant, base_url: &str) -> Value {
    let config = tenant.config();
    let base_url = config.public_url.as_deref().unwrap_or(base_url);
    let env: Map<String, Value> =
        tenant.identity().env(base_url).into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    json!({
        "name": tenant.identity().name,
        "env": env,
        "seed": config.seed,
        "clock": match config.pace {
            Pace::Real => json!("real"),
            Pace::Frozen => json!("frozen"),
            Pace::Factor(factor) => json!(factor.to_string()),
        },
        "throughput": config.throughput,
        "messaging_limit": match config.messaging_limit {
            MessagingLimit::Unlimited => json!("unlimited"),
            MessagingLimit::Contacts(most) => json!(most),
        },
        "messaging_limit_told": config.messaging_limit_told.name(),
        "marketing_cap": match config.marketing_cap {
            MarketingCap::Off => json!("off"),
            MarketingCap::Messages(most) => json!(most),
        },
        "rules": config.rules,
        "unknown_templates": match config.unknown_templates {
            UnknownTemplates::Refuse => "refuse",
            UnknownTemplates::Accept => "accept",
        },
        "webhook": tenant.webhook().map(|webhook| webhook.target.url()),
    })
}

pub(super) async fn list(mut ask: Ask<'_>) -> Done {
    let (after, limit) = (ask.after()?, ask.limit()?);
    ask.end()?;
    ask.known().await?;
    let base = ask.origin();
    let shown = ask.server.worlds.with(move |worlds| {
        let mut all = worlds.all().skip(usize::try_from(after).unwrap_or(usize::MAX));
        let items: Vec<Value> = all.by_ref().take(limit).map(|tenant| show(tenant, &base)).collect();
        let next = all.next().map(|_| after + items.len() as u64);
        page(items, next, 0)
    });
    Ok((200, shown.await?))
}

pub(super) async fn get(ask: Ask<'_>, name: &str) -> Done {
    ask.end()?;
    ask.known().await?;
    let (base, name) = (ask.origin(), name.to_owned());
    let shown = ask
        .server
        .worlds
        .with(move |worlds| worlds.find(&name).map(|tenant| show(tenant, &base)).ok_or_else(|| no_tenant(&name)));
    Ok((200, shown.await??))
}

pub(super) async fn delete(ask: Ask<'_>, name: &str) -> Done {
    ask.end()?;
    ask.known().await?;
    if name == DEFAULT {
        return Err(Problem::conflict("the default tenant is always there; POST /_mock/reset clears it"));
    }
    let name = name.to_owned();
    let removed = ask.server.worlds.with(move |worlds| worlds.remove(&name).ok_or_else(|| no_tenant(&name)));
    quieten([removed.await??]).await;
    Ok((200, json!({ "deleted": true })))
}

pub(super) async fn reset(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    let name = fields.text("tenant")?.unwrap_or_else(|| ask.tenant.clone());
    fields.end()?;
    let reset = ask.server.worlds.with(move |worlds| {
        let real = worlds.real();
        if name == "*" {
            return Ok(worlds.all().map(|tenant| tenant.reset(real)).collect::<Vec<_>>());
        }
        worlds.find(&name).map(|tenant| vec![tenant.reset(real)]).ok_or_else(|| no_tenant(&name))
    });
    let flights = reset.await??;
    let tenants = flights.len();
    quieten(flights).await;
    Ok((200, json!({ "tenants": tenants })))
}

/// Waits until nothing of these is under way any more: what is answered after this is true of every receiver.
pub(super) async fn quieten(flights: impl IntoIterator<Item = JoinSet<()>>) {
    for mut flights in flights {
        flights.shutdown().await;
    }
}
