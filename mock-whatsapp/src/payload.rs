//! What a webhook says: an update of the model in the words of version 24 and later, byte for byte as WhatsApp writes it.

use crate::templates::Category;
use crate::tenant::Tenant;
use crate::tenant::dispatch::WEBHOOK_VERSION;
use crate::tenant::inbound::{Forwarded, Said};
use crate::tenant::message_log::{Button as Pressed, Happened, Words as Kept};
use crate::user_id;
use cloud_api::error::WebhookError;
use cloud_api::escape::to_webhook_bytes;
use cloud_api::limits::SERVICE_WINDOW;
use cloud_api::webhook::{
    Change, Contact, Context, Conversation, Entry, Envelope, EventTime, InboundType, Message, Metadata, Origin,
    Payload, Pricing, Profile, Status, StatusKind, Updates,
};
use mock_whatsapp_model::fate::{digest, mix};
use mock_whatsapp_model::output::{Update, What};
use serde_json::json;

/// The last version whose statuses tell a conversation of every message.
const LAST_WITH_CONVERSATIONS: u16 = 23;

/// The word for "no more", where a message has no button for it.
const STOP: &str = "STOP";

/// The body of a webhook that carries these updates. Those of one number share a change.
pub fn body(tenant: &Tenant, carried: &[Update]) -> Vec<u8> {
    let identity = tenant.identity();
    let mut changes: Vec<Change> = Vec::with_capacity(1);
    let mut time = None;
    for update in carried {
        if let What::Notice(words) = update.what {
            let (change, at) = notice(tenant, update, words);
            time = time.or(at);
            changes.push(change);
            continue;
        }
        let wanted = metadata(tenant, update);
        let open = changes.iter_mut().find_map(|change| match &mut change.value {
            Payload::Updates(updates) if updates.metadata.as_ref() == Some(&wanted) => Some(updates),
            Payload::Updates(_) | Payload::TemplateStatus(_) | Payload::PhoneNumberQuality(_) | Payload::Other(_) => {
                None
            }
        });
        match open {
            Some(updates) => add(tenant, update, updates),
            None => {
                let (product, metadata) = (Some("whatsapp".to_owned()), Some(wanted));
                let mut updates = Updates { messaging_product: product, metadata, ..Updates::default() };
                add(tenant, update, &mut updates);
                changes.push(Change::messages(updates));
            }
        }
    }
    let entry = Entry { id: identity.waba_id.clone(), time, changes };
    to_webhook_bytes(&Envelope {
        object: "whatsapp_business_account".to_owned(),
        entry: vec![entry],
        unreadable: Vec::new(),
    })
}

/// The number that an update is about.
fn metadata(tenant: &Tenant, update: &Update) -> Metadata {
    let identity = tenant.identity();
    let (display_phone_number, phone_number_id) = match tenant.numbers().of_model(update.number) {
        Some(number) => (number.digits.clone(), number.id.clone()),
        None => (identity.display_phone_number.clone(), identity.phone_number_id.clone()),
    };
    Metadata { display_phone_number, phone_number_id }
}

fn add(tenant: &Tenant, update: &Update, updates: &mut Updates) {
    let wa_id = tenant.wa_id(update.handset);
    let display_phone_number = updates.metadata.as_ref().map(|it| it.display_phone_number.clone()).unwrap_or_default();
    let user_id = user_id::of(&tenant.identity().waba_id, tenant.canonical(update.handset));
    let words = Words { tenant, update, wa_id: &wa_id, user_id: &user_id, display_phone_number: &display_phone_number };
    let is_system = match update.what {
        What::Sent => {
            updates.statuses.push(words.status(StatusKind::Sent));
            false
        }
        What::Delivered => {
            updates.statuses.push(words.status(StatusKind::Delivered));
            false
        }
        What::Read => {
            updates.statuses.push(words.status(StatusKind::Read));
            false
        }
        What::Failed(code) => {
            let errors = vec![WebhookError::of(code)];
            updates.statuses.push(Status { errors, ..words.status(StatusKind::Failed) });
            return;
        }
        What::Reply | What::Stop | What::Says(_) => {
            let message = words.message();
            let is_system = message.kind == InboundType::System;
            updates.messages.push(message);
            is_system
        }
        What::Notice(_) => return,
    };
    if !is_system && updates.contacts.iter().all(|contact| contact.wa_id.as_ref() != Some(&wa_id)) {
        updates.contacts.push(Contact {
            profile: Some(Profile { name: Some(tenant.handsets().name(update.handset)) }),
            wa_id: Some(wa_id.clone()),
            user_id: Some(user_id.clone()),
        });
    }
}

/// Any other field than `messages`. Those of the account carry the time of their sending beside the account's id.
fn notice(tenant: &Tenant, update: &Update, words: u32) -> (Change, Option<EventTime>) {
    let (field, value) = match tenant.notices().get(words) {
        Some(notice) => (notice.field.to_string(), notice.value.clone()),
        None => ("account_update".to_owned(), json!({})),
    };
    let is_of_account = !matches!(field.as_str(), "messages" | "user_preferences");
    let time = is_of_account.then(|| EventTime::number(update.at));
    (Change { field, value: Payload::Other(value) }, time)
}

struct Words<'a> {
    tenant: &'a Tenant,
    update: &'a Update,
    wa_id: &'a str,
    user_id: &'a str,
    display_phone_number: &'a str,
}

impl Words<'_> {
    fn id(&self) -> String {
        self.tenant.wamid_of(self.update).unwrap_or_default()
    }

    fn record(&self) -> Option<Kept<'_>> {
        self.update.about.and_then(|about| self.tenant.messages().get(about))
    }

    fn status(&self, kind: StatusKind) -> Status {
        let data = self.record().and_then(|record| record.callback_data()).filter(|_| self.update.echoes);
        // Billing is by delivery; `sent` says it beforehand, and `read` only where nobody said `delivered`.
        let delivered =
            || self.record().is_some_and(|record| record.timeline().any(|event| event.what == Happened::Delivered));
        let (says_price, opens) = match kind {
            StatusKind::Sent => (true, true),
            StatusKind::Delivered => (true, false),
            StatusKind::Read => (!delivered(), false),
            _ => (false, false),
        };
        let failed = kind == StatusKind::Failed;
        let version = self.tenant.webhook().map_or(WEBHOOK_VERSION, |webhook| webhook.version);
        Status {
            biz_opaque_callback_data: data.map(str::to_owned),
            pricing: says_price.then(|| self.pricing()),
            conversation: (says_price && version <= LAST_WITH_CONVERSATIONS).then(|| self.conversation(opens)),
            recipient_user_id: (!failed).then(|| self.user_id.to_owned()),
            ..Status::new(self.id(), kind, EventTime::text(self.update.at), self.wa_id)
        }
    }

    /// What the message's price is called.
    fn price(&self) -> &'static str {
        self.record().map_or("service", |record| record.price())
    }

    /// A template is paid for, but for one of category utility inside an open window; what is no template is free.
    fn pricing(&self) -> Pricing {
        let category = self.record().and_then(|record| record.category());
        let is_free = match category {
            None => true,
            Some(Category::Utility) => self.was_window_open(),
            Some(Category::Marketing | Category::Authentication) => false,
        };
        Pricing {
            billable: Some(!is_free),
            pricing_model: Some("PMP".to_owned()),
            category: Some(self.price().to_owned()),
            kind: Some(if is_free { "free_customer_service" } else { "regular" }.to_owned()),
        }
    }

    /// Whether the contact's service window was open when the message was accepted, as far as it is still known.
    fn was_window_open(&self) -> bool {
        let world = self.tenant.world();
        let Some(message) = self.update.about.and_then(|about| world.message(about)) else { return false };
        let heard = world.last_heard(message.handset, message.number);
        heard.is_some_and(|heard| heard <= message.at && message.at < heard + SERVICE_WINDOW)
    }

    /// Up to version 23 each message has a conversation of its own; its end is said once.
    fn conversation(&self, opens: bool) -> Conversation {
        let id = self.id();
        let key = digest(id.as_bytes());
        let until = self.update.at + SERVICE_WINDOW;
        Conversation {
            id: Some(format!("{:016x}{:016x}", key, mix(key))),
            expiration_timestamp: opens.then(|| EventTime::text(until)),
            origin: Some(Origin { kind: Some(self.price().to_owned()) }),
        }
    }

    fn message(&self) -> Message {
        let said = self.said();
        let about = self.update.about;
        let quoted = about.and_then(|about| self.tenant.wamid(about)).map(|id| Context {
            from: Some(self.display_phone_number.to_owned()),
            id: Some(id),
            ..Context::default()
        });
        let context = match said.forwarded {
            Forwarded::No => quoted,
            Forwarded::Once => Some(Context { forwarded: Some(true), ..quoted.unwrap_or_default() }),
            Forwarded::Often => Some(Context { frequently_forwarded: Some(true), ..quoted.unwrap_or_default() }),
        };
        let kind = InboundType::from(said.kind);
        let is_system = kind == InboundType::System;
        Message {
            // A reaction names its message in its object.
            context: context.filter(|_| kind != InboundType::Reaction),
            from_user_id: (!is_system).then(|| self.user_id.to_owned()),
            rest: said.objects,
            ..Message::new(self.id(), self.wa_id, EventTime::text(self.update.at), kind)
        }
    }

    fn said(&self) -> Said {
        match self.update.what {
            What::Stop => {
                let record = self.update.about.and_then(|about| self.tenant.messages().get(about));
                let buttons = record.map_or(&[][..], |record| record.buttons());
                let stops = |button: &&Pressed| button.text.to_ascii_uppercase().contains(STOP);
                let pressed = buttons.iter().find(stops).or(buttons.last());
                pressed.map_or_else(|| Said::text(STOP), Said::button)
            }
            What::Says(handle) => self.tenant.inbound().get(handle).cloned().unwrap_or_else(|| Said::text("")),
            What::Reply | What::Sent | What::Delivered | What::Read | What::Failed(_) | What::Notice(_) => {
                let persona = self.tenant.world().persona(self.update.handset);
                Said::text(persona.reply_text.as_deref().unwrap_or("ok"))
            }
        }
    }
}
