//! `/messages`: what was accepted, and what really became of it.

use super::problem::Problem;
use super::{Ask, Done, page, phone};
use crate::instant;
use crate::tenant::Tenant;
use crate::wamids::Meaning;
use cloud_api::catalogue::{self, CodeIndex};
use mock_whatsapp_model::input::{MessageIndex, Turn};
use mock_whatsapp_model::world::{MessageView, Stage};
use serde::Serialize;
use serde_json::json;

/// An accepted message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Its id.
    pub wamid: String,
    /// To whom.
    pub to: String,
    /// `text`, `template`, `image` and so on.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The template's name.
    pub template: Option<String>,
    /// `biz_opaque_callback_data`.
    pub callback_data: Option<String>,
    /// What the contact sees.
    pub rendered: String,
    /// How far it really came: `accepted`, `sent`, `delivered`, `read` or `failed`.
    pub status: &'static str,
    /// Why it failed.
    pub error: Option<Failure>,
    /// How many messages that say this the contact got, this one among them.
    pub copies_on_handset: usize,
    /// What happened to it, in order.
    pub timeline: Vec<Event>,
}

/// Why a message failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The code.
    pub code: u32,
    /// What it means.
    pub title: &'static str,
}

/// One thing that happened to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When, as RFC 3339.
    pub at: String,
    /// What.
    pub event: &'static str,
    /// The webhook that told of it.
    pub webhook: Option<String>,
}

/// Which messages are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) to: Option<u64>,
    pub(crate) status: Option<String>,
    pub(crate) after: u64,
    pub(crate) limit: usize,
}

pub(super) async fn list(mut ask: Ask<'_>) -> Done {
    let to = ask.parameter("to").map(|to| phone(&to)).transpose()?;
    let status = ask.parameter("status");
    let (after, limit) = (ask.after()?, ask.limit()?);
    ask.end()?;
    const STATUSES: [&str; 5] = ["accepted", "sent", "delivered", "read", "failed"];
    if let Some(status) = status.as_deref().filter(|status| !STATUSES.contains(status)) {
        let expected = format!("one of {}", STATUSES.join(", "));
        return Err(Problem::malformed("?status", expected, format!("`{status}` is no status of a message")));
    }
    let wanted = Wanted { to, status, after, limit };
    let found = ask.tenant(move |tenant, _| Ok((find(tenant, &wanted), tenant.messages().evicted())));
    let ((items, next), evicted) = found.await?;
    Ok((200, page(items.iter().map(|item| json!(item)).collect(), next, evicted)))
}

/// Makes a message be something now, by hand.
pub(super) async fn force(ask: Ask<'_>, wamid: &str) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    let status = fields.needed_text("status")?;
    let code = fields.integer("code")?;
    let pointer = fields.pointer("code");
    fields.end()?;
    let turn = match (status.as_str(), code) {
        ("sent", None) => Turn::Sent,
        ("delivered", None) => Turn::Delivered,
        ("read", None) => Turn::Read,
        ("failed", code) => {
            let code = code.unwrap_or(131_000);
            let listed = u32::try_from(code).map(|code| catalogue::find(code, None));
            match listed {
                Ok(listed) if listed != CodeIndex::UNLISTED => Turn::Failed(listed),
                Ok(_) | Err(_) => {
                    let detail = format!("{code} is no code of the Cloud API's catalogue");
                    return Err(Problem { pointer: Some(pointer), ..Problem::impossible(detail) });
                }
            }
        }
        ("sent" | "delivered" | "read", Some(_)) => {
            return Err(Problem { pointer: Some(pointer), ..Problem::impossible("only `failed` has a `code`") });
        }
        (other, _) => {
            let expected = "\"sent\", \"delivered\", \"read\" or \"failed\"";
            return Err(Problem::malformed("/status", expected, format!("`{other}` is no status")));
        }
    };
    let wamid = wamid.to_owned();
    let forced = ask.tenant(move |tenant, real| match tenant.wamids().read(&wamid) {
        Some(Meaning::Outbound(index)) if tenant.world().message(index).is_some() => {
            Ok(tenant.force(real, index, turn))
        }
        _ => Err(Problem::unknown(format!("`{wamid}` is no message that this tenant sent"))),
    });
    let webhook = forced.await?;
    Ok((202, json!({ "webhook": webhook.map(|webhook| format!("w{webhook}")) })))
}

/// The messages that are wanted, oldest first, and the cursor of what comes behind them.
pub(crate) fn find(tenant: &Tenant, wanted: &Wanted) -> (Vec<Message>, Option<u64>) {
    let first = u64::from(tenant.messages().first().0).max(wanted.after);
    let (mut items, mut next) = (Vec::new(), None);
    let mut look = |index: MessageIndex| {
        if u64::from(index.0) < first {
            return true;
        }
        if items.len() == wanted.limit {
            next = Some(u64::from(index.0));
            return false;
        }
        let view = tenant.world().message(index);
        let fits = |view: &MessageView| wanted.status.as_deref().is_none_or(|status| status == status_of(view));
        items.extend(view.filter(fits).and_then(|view| show(tenant, &view)));
        true
    };
    match wanted.to {
        Some(to) => {
            let handset = tenant.handsets().find(to);
            let sent = handset.map_or(&[][..], |handset| tenant.handsets().messages(handset));
            sent.iter().copied().take_while(|index| look(*index)).for_each(drop);
        }
        None => {
            let end = tenant.messages().end().0;
            let from = u32::try_from(first).unwrap_or(end);
            (from..end).map(MessageIndex).take_while(|index| look(*index)).for_each(drop);
        }
    }
    (items, next)
}

/// One message.
pub(super) fn one(tenant: &Tenant, index: MessageIndex) -> Option<Message> {
    show(tenant, &tenant.world().message(index)?)
}

fn status_of(view: &MessageView) -> &'static str {
    match view.stage {
        Stage::Accepted => "accepted",
        Stage::Sent => "sent",
        Stage::Failed => "failed",
        Stage::Delivered => "delivered",
        Stage::Read | Stage::Replied => "read",
    }
}

fn show(tenant: &Tenant, view: &MessageView) -> Option<Message> {
    let record = tenant.messages().get(view.index)?;
    let arrived = |view: &MessageView| matches!(view.stage, Stage::Delivered | Stage::Read | Stage::Replied);
    let same = tenant.handsets().messages(view.handset).iter().filter_map(|index| tenant.world().message(*index));
    let failed = view.code.filter(|_| view.stage == Stage::Failed);
    Some(Message {
        wamid: tenant.wamid(view.index)?,
        to: tenant.handsets().wa_id(view.handset).to_string(),
        kind: record.kind(),
        template: record.template().map(str::to_owned),
        callback_data: record.callback_data().map(str::to_owned),
        rendered: record.rendered().to_owned(),
        status: status_of(view),
        error: failed.map(CodeIndex::entry).map(|entry| Failure { code: entry.code, title: entry.title }),
        copies_on_handset: same.filter(|other| other.key == view.key && arrived(other)).count(),
        timeline: record
            .timeline()
            .map(|event| Event {
                at: instant::write(event.at),
                event: event.what.name(),
                webhook: event.webhook.map(|id| format!("w{id}")),
            })
            .collect(),
    })
}
