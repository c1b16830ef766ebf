//! What a webhook says: an update of the model in the words of version 24 and later, byte for byte as WhatsApp writes it.

use crate::tenant::Tenant;
use crate::tenant::inbound::Said;
use crate::tenant::message_log::Button as Pressed;
use cloud_api::error::WebhookError;
use cloud_api::escape::to_webhook_bytes;
use cloud_api::signature;
use cloud_api::webhook::{
    Button, Change, Contact, Context, Envelope, EventTime, InboundType, Message, Metadata, Payload, Pricing, Profile,
    Status, StatusKind, Text, Updates,
};
use mock_whatsapp_model::output::{Update, What};
use serde_json::json;

/// The word for "no more", where a message has no button for it.
const STOP: &str = "STOP";

/// What forged webhooks are signed with: no tenant's secret is a guess at one.
const FORGERS_SECRET: &str = "a guess";

/// The body of an update's webhook.
pub fn body(tenant: &Tenant, update: &Update) -> Vec<u8> {
    let identity = tenant.identity();
    if let What::Notice(words) = update.what {
        return notice(tenant, update, words);
    }
    let metadata = Metadata {
        display_phone_number: identity.display_phone_number.clone(),
        phone_number_id: identity.phone_number_id.clone(),
    };
    let mut updates =
        Updates { messaging_product: Some("whatsapp".to_owned()), metadata: Some(metadata), ..Updates::default() };
    let wa_id = tenant.wa_id(update.handset);
    let words = Words { tenant, update, wa_id: &wa_id };
    match update.what {
        What::Sent => updates.statuses.push(words.status(StatusKind::Sent)),
        What::Delivered => updates.statuses.push(words.status(StatusKind::Delivered)),
        What::Read => updates.statuses.push(words.status(StatusKind::Read)),
        What::Failed(code) => {
            let errors = vec![WebhookError::of(code)];
            updates.statuses.push(Status { errors, ..words.status(StatusKind::Failed) });
        }
        What::Reply | What::Stop | What::Says(_) => updates.messages.push(words.message()),
        What::Notice(_) => {}
    }
    if !matches!(update.what, What::Failed(_)) {
        let name = format!("Contact {}", &wa_id[wa_id.len().saturating_sub(4)..]);
        updates.contacts.push(Contact {
            profile: Some(Profile { name: Some(name) }),
            wa_id: Some(wa_id.clone()),
            user_id: None,
        });
    }
    to_webhook_bytes(&Envelope::of(identity.waba_id.as_str(), None, Change::messages(updates)))
}

/// Any other field than `messages`. Those of the account carry the time of their sending beside the account's id.
fn notice(tenant: &Tenant, update: &Update, words: u32) -> Vec<u8> {
    let (field, value) = match tenant.notices().get(words) {
        Some(notice) => (notice.field.to_string(), notice.value.clone()),
        None => ("account_update".to_owned(), json!({})),
    };
    let is_of_account = !matches!(field.as_str(), "messages" | "user_preferences");
    let time = is_of_account.then(|| EventTime::number(update.at));
    let change = Change { field, value: Payload::Other(value) };
    to_webhook_bytes(&Envelope::of(tenant.identity().waba_id.as_str(), time, change))
}

/// The header of a body's signature. Who forges an update does not know the secret.
pub fn sign(app_secret: &str, update: &Update, body: &[u8]) -> String {
    if update.forged { signature::sign(FORGERS_SECRET, body) } else { signature::sign(app_secret, body) }
}

struct Words<'a> {
    tenant: &'a Tenant,
    update: &'a Update,
    wa_id: &'a str,
}

impl Words<'_> {
    fn id(&self) -> String {
        self.tenant.wamid_of(self.update).unwrap_or_default()
    }

    fn status(&self, kind: StatusKind) -> Status {
        let record = self.update.about.and_then(|about| self.tenant.messages().get(about));
        let category = record.and_then(|record| record.category);
        // Billing is by delivery; `sent` says it beforehand, and `read` not again.
        let data = record.and_then(|record| record.callback_data.as_deref()).filter(|_| self.update.echoes);
        let pricing = matches!(kind, StatusKind::Sent | StatusKind::Delivered).then(|| Pricing {
            billable: Some(category.is_some()),
            pricing_model: Some("PMP".to_owned()),
            category: Some(category.map_or("service", |category| category.name()).to_owned()),
            kind: Some(if category.is_some() { "regular" } else { "free_customer_service" }.to_owned()),
        });
        Status {
            biz_opaque_callback_data: data.map(str::to_owned),
            pricing,
            ..Status::new(self.id(), kind, EventTime::text(self.update.at), self.wa_id)
        }
    }

    fn message(&self) -> Message {
        let about = self.update.about;
        let quoted = about.and_then(|about| self.tenant.wamid(about)).map(|id| Context {
            from: Some(self.tenant.identity().display_phone_number.clone()),
            id: Some(id),
            ..Context::default()
        });
        let message = match self.said() {
            Said::Text(body) => {
                let text = Some(Text { body: body.into() });
                Message { text, ..self.bare(InboundType::Text) }
            }
            Said::Button(pressed) => {
                let button = Some(Button { payload: Some(pressed.payload.into()), text: Some(pressed.text.into()) });
                Message { button, ..self.bare(InboundType::Button) }
            }
        };
        Message { context: quoted, ..message }
    }

    fn bare(&self, kind: InboundType) -> Message {
        Message::new(self.id(), self.wa_id, EventTime::text(self.update.at), kind)
    }

    fn said(&self) -> Said {
        match self.update.what {
            What::Stop => {
                let record = self.update.about.and_then(|about| self.tenant.messages().get(about));
                let buttons = record.map_or(&[][..], |record| &record.buttons);
                let stops = |button: &&Pressed| button.text.to_ascii_uppercase().contains(STOP);
                let pressed = buttons.iter().find(stops).or(buttons.last());
                pressed.map_or(Said::Text(STOP.into()), |button| Said::Button(button.clone()))
            }
            What::Says(handle) => self.tenant.inbound().get(handle).cloned().unwrap_or(Said::Text("".into())),
            What::Reply | What::Sent | What::Delivered | What::Read | What::Failed(_) | What::Notice(_) => {
                let persona = self.tenant.world().persona(self.update.handset);
                Said::Text(persona.reply_text.as_deref().unwrap_or("ok").into())
            }
        }
    }
}
