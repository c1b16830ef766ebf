//! `/numbers`: what WhatsApp would change of a number, and the webhooks that tell of it.

use super::problem::Problem;
use super::{Ask, Done};
use crate::identity::Identity;
use crate::limits::PORTFOLIOS;
use crate::tenant::Tenant;
use crate::tenant::account::tier;
use crate::tenant::numbers::Quality;
use cloud_api::limits::UPGRADED_THROUGHPUT;
use mock_whatsapp_model::spec::MessagingLimit;
use serde_json::{Value, json};

fn show(tenant: &Tenant, id: &str, webhooks: &[u64]) -> Value {
    let number = tenant.numbers().get(id);
    let limit = number.map_or(MessagingLimit::Unlimited, |number| tenant.messaging_limit_of(number.number));
    json!({
        "id": id,
        "display_phone_number": number.map(|number| number.digits.clone()),
        "portfolio": number.map(|number| tenant.portfolio_of(number.number)),
        "messaging_limit": match limit {
            MessagingLimit::Unlimited => json!("unlimited"),
            MessagingLimit::Contacts(most) => json!(most),
        },
        "tier": tier(limit),
        "quality": number.map(|number| number.quality.name()),
        "throughput": number.map(|number| number.throughput),
        "webhooks": webhooks.iter().map(|id| format!("w{id}")).collect::<Vec<_>>(),
    })
}

fn unknown(tenant: &Tenant, id: &str) -> Problem {
    let known: Vec<&str> = tenant.numbers().all().iter().map(|number| number.id.as_str()).collect();
    Problem::unknown(format!("the tenant has no number {id}; it has {}", known.join(", ")))
}

pub(super) async fn get(ask: Ask<'_>, id: &str) -> Done {
    ask.end()?;
    let id = id.to_owned();
    let shown = ask.tenant(move |tenant, _| match tenant.numbers().get(&id) {
        Some(_) => Ok(show(tenant, &id, &[])),
        None => Err(unknown(tenant, &id)),
    });
    Ok((200, shown.await?))
}

pub(super) async fn put(ask: Ask<'_>, id: &str) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    let portfolio = fields.text("portfolio")?;
    if let Some(name) = portfolio.as_ref().filter(|name| Identity::of(name).is_none()) {
        let expected = "a name of your own, or the id of the account's portfolio";
        return Err(Problem::malformed("/portfolio", expected, format!("`{name}` cannot be a portfolio's name")));
    }
    let limit = fields.typed::<MessagingLimit>("messaging_limit", "a number of contacts, or \"unlimited\"")?;
    let quality = match fields.text("quality")? {
        None => None,
        Some(text) => {
            let known =
                Quality::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text)).map(|(_, quality)| *quality);
            let expected = "\"GREEN\", \"YELLOW\", \"RED\" or \"UNKNOWN\"";
            Some(known.ok_or_else(|| Problem::malformed("/quality", expected, format!("`{text}` is none of them")))?)
        }
    };
    let throughput = match fields.number("throughput")? {
        None => None,
        Some(rate) if rate.fract() == 0.0 && (1.0..=f64::from(UPGRADED_THROUGHPUT)).contains(&rate) => {
            Some(rate as u32)
        }
        Some(rate) => {
            let expected = format!("messages a second, from 1 to {UPGRADED_THROUGHPUT}");
            return Err(Problem::malformed("/throughput", expected, format!("{rate} is no throughput of WhatsApp's")));
        }
    };
    fields.end()?;
    let id = id.to_owned();
    let changed = ask.tenant(move |tenant, real| {
        let Some(number) = tenant.numbers().get(&id).map(|number| number.number) else {
            return Err(unknown(tenant, &id));
        };
        tenant.tick(tenant.now(real));
        let mut webhooks = Vec::new();
        if let Some(portfolio) = portfolio
            && !tenant.move_number(&id, &portfolio)
        {
            return Err(Problem::conflict(format!("there are {PORTFOLIOS} portfolios, which is all there can be")));
        }
        if let Some(limit) = limit.filter(|limit| *limit != tenant.messaging_limit_of(number)) {
            webhooks.push(tenant.change_messaging_limit(number, limit));
        }
        if let Some(quality) = quality {
            webhooks.extend(tenant.change_quality(&id, quality));
        }
        if let Some(throughput) = throughput {
            webhooks.extend(tenant.change_throughput(&id, throughput));
        }
        Ok(show(tenant, &id, &webhooks))
    });
    Ok((200, changed.await?))
}
