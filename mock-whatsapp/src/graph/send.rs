//! A send, checked as the real API checks it: first what can be seen in the request alone, then whether it fits what the
//! tenant has. Each refusal is the documented one. What the types ask for is in the files below.

mod free;
mod interactive;
pub(super) mod lenience;
mod media;

use super::enumeration::one_of;
use super::parameters::is_ours;
use super::refusal::Refusal;
use crate::identity::Identity;
use crate::templates::filling;
use crate::templates::{Category, ParameterFormat, Place, Status, Template, Templates};
use crate::tenant::message_log::{Button, Record, Tap};
use crate::user_id;
use bytes::Bytes;
use cloud_api::limits::CALLBACK_DATA_MAX;
use cloud_api::message::{MessageType, ReadReceipt, RecipientType, SendRequest};
use cloud_api::template::Template as Named;
use free::Said;
use lenience::{Read, Unexpected};
use mock_whatsapp_model::content;
use mock_whatsapp_model::input::Form;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

/// The types that the real API names when it knows one not.
const TYPES: [&str; 14] = [
    "AUDIO",
    "CONTACTS",
    "DOCUMENT",
    "GIF",
    "IMAGE",
    "INTERACTIVE",
    "LINK_PREVIEW",
    "LOCATION",
    "PIN",
    "REACTION",
    "STICKER",
    "TEMPLATE",
    "TEXT",
    "VIDEO",
];

/// Which of the two edges was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// `/messages`.
    Messages,
    /// `/marketing_messages`: marketing templates and nothing else.
    Marketing,
}

/// How a call was made, beside its body.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// What the query says of `messaging_product`.
    pub product: Option<&'a str>,
    /// The version of the API.
    pub version: u32,
    /// Which edge was called.
    pub edge: Edge,
    /// The account whose ids of contacts are understood.
    pub waba_id: &'a str,
}

/// What a call of `/messages` wants.
#[derive(Debug)]
pub enum Wish {
    /// To send.
    Send(Sending),
    /// To mark a message as read.
    Read(ReadReceipt),
}

/// A call as it came.
#[derive(Clone, Debug, Default)]
pub struct Raw {
    /// Its path and query, without secrets.
    pub path: Arc<str>,
    /// Its body.
    pub body: Bytes,
}

/// A send that is well formed.
#[derive(Debug)]
pub struct Sending {
    /// `to`, or else `recipient`, letter by letter.
    pub input: String,
    /// The digits of whom it goes to.
    pub wa_id: u64,
    /// Whether it named the contact by its business-scoped id.
    pub by_user_id: bool,
    /// The key of what it says.
    pub content: u64,
    /// The number that it is sent from; the tenant's first, unless said.
    pub number_id: Option<Box<str>>,
    /// Whether its medium was to be fetched from a link and could not be.
    pub link_is_broken: bool,
    /// The call that it came with, for the journal.
    pub raw: Raw,
    /// The first key of a type's object that there is not.
    pub(super) unexpected: Option<Box<Unexpected>>,
    /// The version of the API that was called.
    version: u32,
    edge: Edge,
    said: Said,
    /// Boxed: it is large, and passed on.
    request: Box<SendRequest>,
}

/// What a send is compared with.
pub struct Shelf<'a> {
    /// Whose it is.
    pub identity: &'a Identity,
    /// What it has of templates.
    pub templates: &'a Templates,
    /// Whether templates that are not known are taken.
    pub accept_unknown: bool,
    /// Whether keys that are not known are refused.
    pub refuse_unexpected: bool,
    /// Whom alone it may write to, if not to all.
    pub allowed: Option<&'a [u64]>,
    /// Whether there is a medium with an id.
    pub has_media: &'a dyn Fn(&str) -> bool,
}

/// A send that fits.
#[derive(Debug)]
pub struct Fitting {
    /// Its words.
    pub record: Record,
    /// What it is to the rules about what may be sent when.
    pub form: Form,
    /// Its template, if it is known.
    pub template: Option<Place>,
}

fn required(name: &str) -> Refusal {
    Refusal::parameter(format!("The parameter {name} is required."), format!("the request has no usable {name}"))
}

fn invalid(details: String, why: &str) -> Refusal {
    Refusal::parameter("Invalid parameter", why).details(details)
}

fn longer(name: &str, most: usize) -> Refusal {
    let message = format!("Param {name} must be at most {most} characters long.");
    Refusal::parameter(message, format!("{name} is longer than the documented {most} characters"))
}

fn no_object(kind: &str) -> Refusal {
    invalid(format!("Parameter '{kind}' is mandatory for type '{kind}'"), "the object of the message's type is missing")
}

fn mistyped(name: &str, why: &str) -> Refusal {
    invalid(format!("Param {name} is not of the expected type"), &format!("{name}: {why}"))
}

impl Wish {
    /// Reads a request.
    ///
    /// # Errors
    /// The documented refusal of what is wrong with it.
    pub(super) fn read(read: Read, terms: &Terms<'_>) -> Result<Self, Refusal> {
        let Read { body, unexpected, misplaced, is_plain, request } = read;
        if let Some(place) = misplaced.filter(|place| !place.is_whole()) {
            return Err(place.refusal());
        }
        let mut request = request.map_err(|error| unreadable::<SendRequest>(&body, &error))?;
        match request.messaging_product.as_deref().or(terms.product) {
            Some(product) => is_ours(product)?,
            None => return Err(required("messaging_product")),
        }
        if !is_plain && has_status(&body) {
            match serde_json::from_slice::<ReadReceipt>(&body) {
                Ok(receipt) if !receipt.status.is_empty() => return check_receipt(receipt).map(Self::Read),
                // It is to nobody, so it was meant to be one.
                Err(error) if request.to.is_none() && request.recipient.is_none() => {
                    return Err(unreadable::<ReadReceipt>(&body, &error));
                }
                Ok(_) | Err(_) => {}
            }
        }
        infer_type(&mut request, &body);
        let sending = Sending::check(request, terms)?;
        // Who asserts what was sent finds it where it is documented to be.
        Ok(Self::Send(Sending { raw: Raw { body, ..Raw::default() }, unexpected, ..sending }))
    }
}

/// Whether the key of a read receipt may be in a body.
fn has_status(body: &[u8]) -> bool {
    // Text is searched many bytes at a time.
    std::str::from_utf8(body).is_ok_and(|text| text.contains("\"status\""))
}

fn check_receipt(receipt: ReadReceipt) -> Result<ReadReceipt, Refusal> {
    one_of("status", &receipt.status, &["READ"], "status marks a message as read, and does nothing else")?;
    if receipt.message_id.is_empty() {
        return Err(required("message_id"));
    }
    if let Some(typing) = &receipt.typing_indicator {
        one_of("typing_indicator['type']", &typing.kind, &["TEXT"], "a typing indicator is of type text")?;
    }
    Ok(receipt)
}

/// A request without a type is a text; where it has no text and one other object, clients mean that.
fn infer_type(request: &mut SendRequest, body: &[u8]) {
    if request.kind != MessageType::Text || request.text.is_some() {
        return;
    }
    let objects = [
        (request.template.is_some(), MessageType::Template),
        (request.image.is_some(), MessageType::Image),
        (request.video.is_some(), MessageType::Video),
        (request.audio.is_some(), MessageType::Audio),
        (request.document.is_some(), MessageType::Document),
        (request.sticker.is_some(), MessageType::Sticker),
        (request.interactive.is_some(), MessageType::Interactive),
        (request.reaction.is_some(), MessageType::Reaction),
        (request.location.is_some(), MessageType::Location),
        (request.contacts.is_some(), MessageType::Contacts),
    ];
    let mut there = objects.into_iter().filter(|(is_there, _)| *is_there).map(|(_, kind)| kind);
    let (Some(kind), None) = (there.next(), there.next()) else { return };
    let said: Option<Value> = serde_json::from_slice(body).ok().and_then(|fields: Value| fields.get("type").cloned());
    if said.is_none_or(|said| said.is_null()) {
        request.kind = kind;
    }
}

/// What is said of a body that cannot be read: the one parameter that is at fault, if it is JSON at all.
fn unreadable<T: DeserializeOwned>(body: &[u8], error: &serde_json::Error) -> Refusal {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        let why = format!("the body is no JSON object ({error}); Graph then sees no parameters");
        return Refusal::parameter("The parameter messaging_product is required.", why);
    };
    for (name, value) in fields {
        let alone = Value::Object([(name.clone(), value)].into_iter().collect());
        if let Err(error) = serde_json::from_value::<T>(alone) {
            return mistyped(&name, &error.to_string());
        }
    }
    invalid("The request could not be read".to_owned(), &error.to_string())
}

impl Sending {
    fn check(request: Box<SendRequest>, terms: &Terms<'_>) -> Result<Self, Refusal> {
        if matches!(request.recipient_type, Some(RecipientType::Group | RecipientType::Other(_))) {
            let message = "Param recipient_type must be one of {INDIVIDUAL}";
            return Err(Refusal::parameter(message, "this server has no groups, only contacts"));
        }
        let filled = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let (phone, user) = (filled(&request.to), filled(&request.recipient));
        // Where both are given, the phone number wins.
        let (input, is_phone) = match (phone, user) {
            (Some(to), _) => (to, true),
            (None, Some(user)) => (user, false),
            (None, None) => return Err(required("to")),
        };
        let is_template = request.kind == MessageType::Template;
        if let MessageType::Other(kind) = &request.kind {
            one_of("type", kind, &TYPES, "type names no kind of message")?;
            return Err(Refusal::new(131_051, format!("messages of type {kind} are not for contacts")));
        }
        if terms.edge == Edge::Marketing && !is_template {
            return Err(Refusal::new(
                131_055,
                "/marketing_messages takes marketing templates; other messages go to /messages",
            ));
        }
        if is_template {
            check_template(&request)?;
        }
        let said = free::check(&request)?;
        let wa_id = if is_phone { wa_id_of_phone(&input)? } else { wa_id_of_user(&input, terms.waba_id)? };
        let callback = request.biz_opaque_callback_data.as_deref().unwrap_or_default();
        if callback.chars().count() > CALLBACK_DATA_MAX {
            return Err(longer("biz_opaque_callback_data", CALLBACK_DATA_MAX));
        }
        Ok(Self {
            input,
            wa_id,
            by_user_id: !is_phone,
            content: content::digest(&request),
            number_id: None,
            link_is_broken: false,
            raw: Raw::default(),
            unexpected: None,
            version: terms.version,
            edge: terms.edge,
            said,
            request,
        })
    }

    /// What the sender calls it.
    pub fn callback_data(&self) -> Option<&str> {
        self.request.biz_opaque_callback_data.as_deref()
    }

    /// The name of its template, if it is one.
    pub fn template(&self) -> Option<&str> {
        self.request.template.as_ref().filter(|_| self.is_template()).map(|template| template.name.as_str())
    }

    /// Whether it is a template.
    pub fn is_template(&self) -> bool {
        self.request.kind == MessageType::Template
    }

    /// The link of its medium, if it is a message of such a type and has one.
    pub fn link(&self) -> Option<&str> {
        let request = &self.request;
        let media = [&request.image, &request.video, &request.audio, &request.document, &request.sticker];
        media.into_iter().flatten().find_map(|media| media.link.as_deref())
    }

    /// The ids of the media that it names, but for a template's.
    pub fn media(&self) -> &[String] {
        &self.said.media
    }

    /// Whether its type can have a medium of this MIME type (section 2.4).
    pub fn takes(&self, mime_type: &str) -> bool {
        let bare = mime_type.split(';').next().unwrap_or_default().trim();
        match self.request.kind {
            MessageType::Image => matches!(bare, "image/jpeg" | "image/png"),
            MessageType::Video => matches!(bare, "video/mp4" | "video/3gpp" | "video/3gp"),
            MessageType::Audio => {
                matches!(bare, "audio/aac" | "audio/amr" | "audio/mpeg" | "audio/mp4" | "audio/ogg" | "audio/opus")
            }
            MessageType::Sticker => bare == "image/webp",
            MessageType::Document
            | MessageType::Text
            | MessageType::Template
            | MessageType::Interactive
            | MessageType::Reaction
            | MessageType::Location
            | MessageType::Contacts
            | MessageType::Other(_) => true,
        }
    }

    /// The message that it is a reaction to.
    pub fn reacts_to(&self) -> Option<&str> {
        self.said.reacts_to.as_deref()
    }

    /// What it says, if it fits what the tenant has.
    ///
    /// # Errors
    /// The documented refusal.
    pub fn fit(&self, shelf: &Shelf<'_>) -> Result<Fitting, Refusal> {
        if let Some(unexpected) = self.unexpected.as_ref().filter(|_| shelf.refuse_unexpected) {
            return Err(unexpected.refusal());
        }
        let wa_id = self.wa_id;
        if shelf.identity.display_phone_number.parse() == Ok(wa_id) {
            return Err(Refusal::new(131_021, "`to` is the business number itself"));
        }
        if shelf.allowed.is_some_and(|allowed| !allowed.contains(&wa_id)) {
            let why = format!(
                "this tenant may write to the numbers of its allow list only; PUT /_mock/recipients {{\"allowed\":[\"{wa_id}\"]}} \
                 puts this one on it, and {{\"allowed\":null}} lets it write to all"
            );
            return Err(Refusal::new(131_030, why));
        }
        if let Some(id) = self.said.media.iter().find(|id| !(shelf.has_media)(id)) {
            let why =
                format!("there is no medium {id}; POST /{{phone-number-id}}/media uploads one, and it lasts 30 days");
            return Err(Refusal::new(131_009, why).details(format!("Media id {id} is not known for this phone number")));
        }
        let record = Record {
            kind: kind(&self.request.kind),
            template: None,
            place: None,
            category: None,
            is_lite: self.edge == Edge::Marketing,
            callback_data: self.request.biz_opaque_callback_data.as_deref().map(Into::into),
            rendered: self.said.rendered.as_str().into(),
            buttons: self.said.buttons.clone().into(),
        };
        let Some(named) = self.request.template.as_ref().filter(|_| self.is_template()) else {
            let form = if self.said.reacts_to.is_some() { Form::Reaction } else { Form::Free };
            return Ok(Fitting { record, form, template: None });
        };
        self.fit_template(shelf, named, record)
    }

    fn fit_template(&self, shelf: &Shelf<'_>, named: &Named, plain: Record) -> Result<Fitting, Refusal> {
        let terms = |named: bool| filling::Terms { version: self.version, named, has_media: shelf.has_media };
        let button = |(text, payload)| Button { text, payload, tap: Tap::Template };
        let form = Form::Template;
        let (record, template) = match shelf.templates.find(&named.name, &named.language.code) {
            Some((place, template)) => {
                sendable(template)?;
                if self.edge == Edge::Marketing && template.category != Category::Marketing {
                    let why = format!(
                        "/marketing_messages takes marketing templates, and {} is {}",
                        template.name,
                        template.category.name()
                    );
                    return Err(Refusal::new(134_100, why));
                }
                let is_code = template.category == Category::Authentication;
                if is_code && self.by_user_id {
                    return Err(Refusal::new(131_062, "one-time passwords go to phone numbers"));
                }
                let filled =
                    filling::fill(named, &template.definition, terms(template.format == ParameterFormat::Named))?;
                let (rendered, buttons) = (filled.rendered.into(), filled.replies.into_iter().map(button).collect());
                let (name, category) = (Some(template.name.clone()), Some(template.category));
                (Record { template: name, place: Some(place), category, rendered, buttons, ..plain }, Some(place))
            }
            None if shelf.accept_unknown => {
                let filled = filling::unknown(named, terms(false))?;
                let (rendered, buttons) = (filled.rendered.into(), filled.replies.into_iter().map(button).collect());
                let (name, category) = (Some(named.name.as_str().into()), Some(Category::Marketing));
                (Record { template: name, category, rendered, buttons, ..plain }, None)
            }
            None => return Err(not_there(shelf, named)),
        };
        Ok(Fitting { record, form, template })
    }
}

fn kind(kind: &MessageType) -> &'static str {
    match kind {
        MessageType::Text => "text",
        MessageType::Template => "template",
        MessageType::Image => "image",
        MessageType::Video => "video",
        MessageType::Audio => "audio",
        MessageType::Document => "document",
        MessageType::Sticker => "sticker",
        MessageType::Interactive => "interactive",
        MessageType::Reaction => "reaction",
        MessageType::Location => "location",
        MessageType::Contacts => "contacts",
        MessageType::Other(_) => "unsupported",
    }
}

fn check_template(request: &SendRequest) -> Result<(), Refusal> {
    let Some(template) = &request.template else { return Err(no_object("template")) };
    if template.name.is_empty() {
        return Err(required("template['name']"));
    }
    if template.language.code.is_empty() {
        return Err(required("template['language']['code']"));
    }
    Ok(())
}

/// Whether a template's status lets it be sent.
fn sendable(template: &Template) -> Result<(), Refusal> {
    let (name, status) = (&template.name, template.status.name());
    let change = || format!("PUT /_mock/templates/{name}/status {{\"status\":\"APPROVED\"}} changes that");
    match template.status {
        Status::Approved | Status::Flagged | Status::Reinstated => Ok(()),
        Status::Paused => Err(Refusal::new(132_015, format!("{name} is {status}; {}", change()))),
        Status::Disabled => Err(Refusal::new(132_016, format!("{name} is {status}; {}", change()))),
        Status::Pending
        | Status::Rejected
        | Status::InAppeal
        | Status::PendingDeletion
        | Status::Deleted
        | Status::LimitExceeded
        | Status::Archived => Err(Refusal::new(132_001, format!("{name} is {status}, and not approved; {}", change()))
            .details(format!("template name ({name}) does not exist in {}", template.language))),
    }
}

fn not_there(shelf: &Shelf<'_>, named: &Named) -> Refusal {
    let (name, language) = (&named.name, &named.language.code);
    let known: Vec<String> = shelf
        .templates
        .all()
        .take(20)
        .map(|(_, template)| format!("{} in {}", template.name, template.language))
        .collect();
    let why = format!(
        "the tenant has {}; POST /{}/message_templates makes more, and `unknown_templates = \"accept\"` in the configuration takes \
         every other",
        known.join(", "),
        shelf.identity.waba_id
    );
    Refusal::new(132_001, why).details(format!("template name ({name}) does not exist in {language}"))
}

fn wa_id_of_phone(to: &str) -> Result<u64, Refusal> {
    digits(to).ok_or_else(|| {
        let details = "The phone number is malformed: Please use the format: +1234567890.";
        Refusal::new(131_009, "`to` is 7 to 15 digits, of which the first is not 0").details(details)
    })
}

fn wa_id_of_user(recipient: &str, waba_id: &str) -> Result<u64, Refusal> {
    user_id::read(waba_id, recipient).ok_or_else(|| {
        let why =
            "`recipient` is the user_id of a contact, as this tenant's webhooks have it; phone numbers stand in `to`";
        Refusal::new(131_009, why).details("recipient is not a valid business-scoped user id")
    })
}

/// The digits of a phone number, whatever stands between them.
pub(super) fn digits(to: &str) -> Option<u64> {
    let (mut number, mut count) = (0, 0);
    for digit in to.trim().trim_start_matches('+').chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')) {
        number = number * 10 + u64::from(digit.to_digit(10)?);
        count += 1;
        // Longer numbers might not fit, and none begins with a nought.
        if count > 15 || number == 0 {
            return None;
        }
    }
    (count >= 7).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_its_digits() {
        assert_eq!(digits("+1 (415) 555-0123"), Some(14_155_550_123));
        assert_eq!(digits("14155550123"), Some(14_155_550_123));
        for to in ["", "+", "123456", "1234567890123456", "0415550123", "1415555o123", "١٢٣٤٥٦٧٨"] {
            assert_eq!(digits(to), None, "{to}");
        }
    }

    fn kind_of(body: &str) -> Option<MessageType> {
        let terms = Terms { product: Some("whatsapp"), version: 25, edge: Edge::Messages, waba_id: "2" };
        match Wish::read(lenience::read(Bytes::copy_from_slice(body.as_bytes())), &terms) {
            Ok(Wish::Send(sending)) => Some(sending.request.kind),
            Ok(Wish::Read(_)) | Err(_) => None,
        }
    }

    #[test]
    fn a_missing_type_is_text_or_what_there_is_an_object_of() {
        assert_eq!(kind_of(r#"{"to":"14155550123","text":{"body":"x"}}"#), Some(MessageType::Text));
        assert_eq!(
            kind_of(r#"{"to":"14155550123","image":{"id":"1"},"text":null,"type":null}"#),
            Some(MessageType::Image)
        );
        assert_eq!(kind_of(r#"{"to":"14155550123","type":"text","image":{"id":"1"}}"#), None);
        assert_eq!(kind_of(r#"{"to":"14155550123","image":{"id":"1"},"video":{"id":"1"}}"#), None);
        assert_eq!(kind_of(r#"{"status":"read","message_id":"x","to":"14155550123","text":{"body":"x"}}"#), None);
        assert_eq!(kind_of(r#"{"to":"14155550123","text":{"body":"\"status\""}}"#), Some(MessageType::Text));
    }
}
