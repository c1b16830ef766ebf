//! `/tokens`: tokens of the tenant that are good for less than its own.

use super::problem::Problem;
use super::{Ask, Done};
use crate::identity::Standing;
use serde_json::json;

pub(super) async fn make(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    let kind = fields.needed_text("kind")?;
    fields.end()?;
    if !Standing::KINDS.iter().any(|(name, _)| *name == kind) {
        let names = Standing::KINDS.map(|(name, _)| format!("\"{name}\"")).join(", ");
        return Err(Problem::malformed("/kind", format!("one of {names}"), format!("`{kind}` is no kind of token")));
    }
    let token = ask.tenant(move |tenant, _| Ok(format!("{}~{kind}", tenant.identity().token))).await?;
    Ok((200, json!({ "token": token })))
}
