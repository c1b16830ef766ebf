//! `/health` and `/reset`: the server as a whole.

use super::problem::Problem;
use super::{Ask, Done, no_tenant};
use serde_json::json;

pub(super) async fn health(ask: Ask<'_>) -> Done {
    ask.end()?;
    let tenants = ask.server.worlds.with(|worlds| worlds.all().len()).await?;
    Ok((200, json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION"), "tenants": tenants })))
}

pub(super) async fn reset(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    let name = fields.text("tenant")?.unwrap_or_else(|| ask.tenant.clone());
    fields.end()?;
    let reset = ask.server.worlds.with(move |worlds| {
        let real = worlds.real();
        if name == "*" {
            worlds.all().iter_mut().for_each(|tenant| tenant.reset(real));
            return Ok(worlds.all().len());
        }
        worlds.find(&name).map(|tenant| tenant.reset(real)).map(|()| 1).ok_or_else(|| no_tenant(&name))
    });
    let tenants: Result<usize, Problem> = reset.await?;
    Ok((200, json!({ "tenants": tenants? })))
}
