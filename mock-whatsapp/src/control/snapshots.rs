//! `/snapshot`, `/snapshots` and `/restore`: a tenant as it is, kept, and put back as it was.

use super::problem::Problem;
use super::tenants::quieten;
use super::{Ask, Done, page};
use crate::instant;
use crate::limits::SNAPSHOTS;
use crate::tenant::snapshot::Unkept;
use serde_json::json;

pub(super) async fn take(ask: Ask<'_>) -> Done {
    ask.end()?;
    ask.fields()?.end()?;
    let kept = ask.tenant(|tenant, real| tenant.keep(real).map_err(|why| refusal(&why)));
    let (id, evicted) = kept.await?;
    Ok((200, json!({ "id": id, "evicted": evicted })))
}

pub(super) async fn list(mut ask: Ask<'_>) -> Done {
    let (after, limit) = (ask.after()?, ask.limit()?);
    ask.end()?;
    let listed = ask.tenant(move |tenant, _| {
        let snapshots = tenant.snapshots();
        let mut all = snapshots.list().filter(|kept| kept.id > after).peekable();
        let mut items = Vec::new();
        let mut last = None;
        while items.len() < limit
            && let Some(kept) = all.next()
        {
            last = Some(kept.id);
            items.push(json!({ "id": kept.name(), "at": instant::write(kept.at()), "bytes": kept.bytes }));
        }
        let mut listed = page(items, last.filter(|_| all.peek().is_some()), snapshots.evicted());
        listed["most"] = json!(SNAPSHOTS);
        Ok(listed)
    });
    Ok((200, listed.await?))
}

pub(super) async fn drop(ask: Ask<'_>, id: Option<&str>) -> Done {
    ask.end()?;
    let id = id.map(str::to_owned);
    let dropped = ask.tenant(move |tenant, _| {
        let dropped = tenant.snapshots_mut().drop(id.as_deref());
        dropped.map_err(|why| Problem::unknown(format!("there is no such snapshot of this tenant: {why}")))
    });
    Ok((200, json!({ "dropped": dropped.await? })))
}

fn refusal(why: &Unkept) -> Problem {
    match why {
        Unkept::Room | Unkept::TooLarge(_) => Problem::new(507, "There is no room", why.to_string()),
        Unkept::Moving | Unkept::Uploading | Unkept::TooOld | Unkept::Unknown(_) => Problem::conflict(why.to_string()),
    }
}

pub(super) async fn restore(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    let id = fields.needed_text("id")?;
    fields.end()?;
    let wanted = id.clone();
    let restored = ask.tenant(move |tenant, real| match tenant.restore(real, &wanted) {
        Ok(flights) => Ok((flights, tenant.now(real))),
        Err(why @ Unkept::Unknown(_)) => {
            let detail = format!("there is no snapshot {wanted} of this tenant: {why}");
            Err(Problem { pointer: Some("/id".to_owned()), ..Problem::unknown(detail) })
        }
        Err(why) => Err(refusal(&why)),
    });
    let (flights, now) = restored.await?;
    quieten([flights]).await;
    Ok((200, json!({ "id": id, "now": instant::write(now) })))
}
