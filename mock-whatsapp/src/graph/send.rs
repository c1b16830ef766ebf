//! A send, checked as the real API checks it: first what can be seen in the request alone, then whether it fits its
//! template. Each refusal is the documented one.

use super::refusal::Refusal;
use crate::identity::Identity;
use crate::templates::{Category, Misfit, Template, Templates, check_texts};
use crate::tenant::message_log::{Button, Record};
use cloud_api::limits::{CALLBACK_DATA_MAX, QUICK_REPLY_PAYLOAD_MAX, TEXT_BODY_MAX};
use cloud_api::message::{MessageType, ReadReceipt, RecipientType, SendRequest};
use cloud_api::reply::{MessageStatus, SendReply};
use cloud_api::template::{ButtonType, Component, ComponentType, Parameter, Template as Named};
use mock_whatsapp_model::content;
use serde_json::Value;

/// The types that the real API names when it knows one not.
const TYPES: &str = "AUDIO, CONTACTS, DOCUMENT, GIF, IMAGE, INTERACTIVE, LINK_PREVIEW, LOCATION, PIN, REACTION, STICKER, \
                     TEMPLATE, TEXT, VIDEO";

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
    pub path: String,
    /// Its body.
    pub body: bytes::Bytes,
}

/// A send that is well formed.
#[derive(Debug)]
pub struct Sending {
    /// `to`, letter by letter.
    pub input: String,
    /// Its digits.
    pub wa_id: u64,
    /// The key of what it says.
    pub content: u64,
    /// The call that it came with, for the journal.
    pub raw: Raw,
    /// Boxed: it is large, and passed on.
    request: Box<SendRequest>,
}

/// The reply to a send that was taken.
pub fn reply(input: String, wa_id: String, wamid: String, is_template: bool) -> SendReply {
    SendReply::accepted(input, wa_id, wamid, is_template.then_some(MessageStatus::Accepted))
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

impl Wish {
    /// Reads a request.
    ///
    /// # Errors
    /// The documented refusal of what is wrong with it.
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        let request: Box<SendRequest> = serde_json::from_slice(body).map_err(|error| unreadable(body, &error))?;
        match request.messaging_product.as_deref() {
            Some("whatsapp") => {}
            Some(other) => {
                let message = format!("Param messaging_product must be one of {{WHATSAPP}} - got \"{other}\".");
                return Err(Refusal::parameter(message, "messaging_product must be \"whatsapp\""));
            }
            None => return Err(required("messaging_product")),
        }
        if request.to.is_none()
            && let Ok(receipt) = serde_json::from_slice::<ReadReceipt>(body)
            && !receipt.status.is_empty()
        {
            return Ok(Self::Read(receipt));
        }
        Sending::check(request).map(Self::Send)
    }
}

/// What is said of a body that cannot be read: the one parameter that is at fault, if it is JSON at all.
fn unreadable(body: &[u8], error: &serde_json::Error) -> Refusal {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        let why = format!("the body is no JSON object ({error}); Graph then sees no parameters");
        return Refusal::parameter("The parameter messaging_product is required.", why);
    };
    for (name, value) in fields {
        let alone = Value::Object([(name.clone(), value)].into_iter().collect());
        if let Err(error) = serde_json::from_value::<SendRequest>(alone) {
            return invalid(format!("Param {name} is not of the expected type"), &format!("{name}: {error}"));
        }
    }
    invalid("The request could not be read".to_owned(), &error.to_string())
}

impl Sending {
    fn check(request: Box<SendRequest>) -> Result<Self, Refusal> {
        if matches!(request.recipient_type, Some(RecipientType::Group | RecipientType::Other(_))) {
            let message = "Param recipient_type must be one of {INDIVIDUAL}";
            return Err(Refusal::parameter(message, "this server has no groups, only contacts"));
        }
        let input = request.to.clone().filter(|to| !to.is_empty()).ok_or_else(|| required("to"))?;
        match &request.kind {
            MessageType::Text => check_text(&request)?,
            MessageType::Template => check_template(&request)?,
            MessageType::Other(kind) => {
                let message = format!("Param type must be one of {{{TYPES}}} - got \"{kind}\".");
                return Err(Refusal::parameter(message, "type names no kind of message"));
            }
            other => {
                let why = format!("this server takes text and template messages, and not yet {other}");
                return Err(Refusal::new(131_051, why));
            }
        }
        let wa_id = digits(&input).ok_or_else(|| {
            let details = "The phone number is malformed: Please use the format: +1234567890.";
            Refusal::new(131_009, "`to` is 7 to 15 digits, of which the first is not 0").details(details)
        })?;
        let callback = request.biz_opaque_callback_data.as_deref().unwrap_or_default();
        if callback.chars().count() > CALLBACK_DATA_MAX {
            return Err(longer("biz_opaque_callback_data", CALLBACK_DATA_MAX));
        }
        Ok(Self { input, wa_id, content: content::digest(&request), raw: Raw::default(), request })
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

    /// The words of the message, if it fits what the tenant has.
    ///
    /// # Errors
    /// The documented refusal.
    pub fn fit(&self, templates: &Templates, identity: &Identity, accept_unknown: bool) -> Result<Record, Refusal> {
        if self.wa_id.to_string() == identity.display_phone_number {
            return Err(Refusal::new(131_021, "`to` is the business number itself"));
        }
        let callback_data = self.request.biz_opaque_callback_data.as_deref().map(Into::into);
        let plain = Record {
            template: None,
            category: None,
            callback_data,
            rendered: "".into(),
            buttons: Box::default(),
            timeline: Vec::with_capacity(4),
        };
        let Some(named) = self.request.template.as_ref().filter(|_| self.is_template()) else {
            let body = self.request.text.as_ref().map_or("", |text| text.body.as_str());
            return Ok(Record { rendered: body.into(), ..plain });
        };
        let parameters = body_parameters(named)?;
        match templates.find(&named.name, &named.language.code) {
            Some(template) => {
                check_parts(named, template)?;
                let rendered = template.render(&parameters).map_err(|misfit| refuse(misfit, named))?;
                Ok(Record {
                    template: Some(template.name.clone()),
                    category: Some(template.category),
                    rendered: rendered.into(),
                    buttons: template
                        .buttons
                        .iter()
                        .enumerate()
                        .map(|(place, label)| button(named, place, label))
                        .collect(),
                    ..plain
                })
            }
            None if accept_unknown => {
                check_texts(&parameters).map_err(|misfit| refuse(misfit, named))?;
                Ok(Record {
                    template: Some(named.name.as_str().into()),
                    category: Some(Category::Marketing),
                    rendered: format!("{}: {}", named.name, parameters.join(" | ")).into(),
                    buttons: payloads(named).map(|(_, payload)| button(named, usize::MAX, payload)).collect(),
                    ..plain
                })
            }
            None => Err(refuse(Misfit::Unknown, named)),
        }
    }
}

fn check_text(request: &SendRequest) -> Result<(), Refusal> {
    let Some(text) = &request.text else { return Err(no_object("text")) };
    match text.body.chars().count() {
        0 => Err(required("text['body']")),
        length if length > TEXT_BODY_MAX => Err(longer("text['body']", TEXT_BODY_MAX)),
        _ => Ok(()),
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

fn no_object(kind: &str) -> Refusal {
    invalid(format!("Parameter '{kind}' is mandatory for type '{kind}'"), "the object of the message's type is missing")
}

/// The digits of a phone number, whatever stands between them.
pub(super) fn digits(to: &str) -> Option<u64> {
    let digits: String = to.trim_start_matches('+').chars().filter(|c| !" -().".contains(*c)).collect();
    let is_number = (7..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number && !digits.starts_with('0'))
}

fn body_parameters(named: &Named) -> Result<Vec<&str>, Refusal> {
    let bodies = named.components.iter().filter(|component| component.kind == ComponentType::Body);
    let missing = |place| {
        let details = format!("body: parameter at index {place} has no text");
        Refusal::new(131_008, "every parameter of the body needs a text that is not empty").details(details)
    };
    let each = bodies.flat_map(|body| &body.parameters).enumerate();
    each.map(|(place, parameter)| words(parameter).ok_or_else(|| missing(place))).collect()
}

fn words(parameter: &Parameter) -> Option<&str> {
    let text = parameter.text.as_deref();
    let currency = parameter.currency.as_ref().map(|currency| currency.fallback_value.as_str());
    let time = parameter.date_time.as_ref().map(|time| time.fallback_value.as_str());
    text.or(currency).or(time).filter(|text| !text.is_empty())
}

/// The quick-reply buttons that a send has a payload for.
fn payloads(named: &Named) -> impl Iterator<Item = (usize, &str)> {
    let quick = |component: &&Component| {
        component.kind == ComponentType::Button && component.sub_type == Some(ButtonType::QuickReply)
    };
    named.components.iter().filter(quick).filter_map(|component| {
        let payload = component.parameters.first()?.payload.as_deref()?;
        Some((component.index.map_or(0, |index| index.0 as usize), payload))
    })
}

fn button(named: &Named, place: usize, label: &str) -> Button {
    let payload = payloads(named).find(|(of, _)| *of == place).map_or(label, |(_, payload)| payload);
    Button { text: label.into(), payload: payload.into() }
}

/// Whether a send fills only parts that the template has.
fn check_parts(named: &Named, template: &Template) -> Result<(), Refusal> {
    for component in &named.components {
        if component.kind == ComponentType::Header && !component.parameters.is_empty() {
            let details = format!(
                "header: number of localizable_params ({}) does not match the expected number of params (0)",
                component.parameters.len()
            );
            return Err(Refusal::new(132_000, format!("{} has no header", template.name)).details(details));
        }
    }
    for (place, payload) in payloads(named) {
        if place >= template.buttons.len() {
            let details = format!("buttons: Button at index {place} of type QuickReply does not exist in the template");
            return Err(Refusal::new(131_009, format!("{} has {} buttons", template.name, template.buttons.len()))
                .details(details));
        }
        if payload.chars().count() > QUICK_REPLY_PAYLOAD_MAX {
            let details =
                format!("buttons: payload at index {place} is longer than {QUICK_REPLY_PAYLOAD_MAX} characters");
            return Err(Refusal::new(131_009, "a quick-reply payload has a documented length").details(details));
        }
    }
    Ok(())
}

fn refuse(misfit: Misfit, named: &Named) -> Refusal {
    let (name, language) = (&named.name, &named.language.code);
    match misfit {
        Misfit::Unknown => Refusal::new(
            132_001,
            "the tenant has hello_world and spring_sale in en_US; `unknown_templates = \"accept\"` in the configuration takes \
             every other",
        )
        .details(format!("template name ({name}) does not exist in {language}")),
        Misfit::Count(got, wanted) => Refusal::new(132_000, format!("{name} has {wanted} variables in its body")).details(
            format!("body: number of localizable_params ({got}) does not match the expected number of params ({wanted})"),
        ),
        Misfit::Text => Refusal::new(132_018, "a parameter has a line break, a tab or five spaces in a row")
            .details("Param text cannot have new-line/tab characters or more than 4 consecutive spaces"),
        Misfit::TooLong(length, most) => Refusal::new(132_005, "the text is too long once its parameters are in place")
            .details(format!("body: {length} characters, at most {most}")),
    }
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
}
