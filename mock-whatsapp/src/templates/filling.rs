//! A send's values in a template's places: what the contact then sees, or the documented refusal of what does not fit.
//!
//! Counted and compared is against the stored definition. Whether the template may be sent at all is `Template::sendable`.

use super::definition::{Button, ButtonKind, Card, Definition, Header, Medium, Wording};
use crate::graph::enumeration::one_of;
use crate::graph::refusal::Refusal;
use cloud_api::limits::{PARAMETER_SPACES_MAX, QUICK_REPLY_PAYLOAD_MAX, TEMPLATE_BODY_MAX, TEMPLATE_HEADER_MAX};
use cloud_api::message::Media;
use cloud_api::template::{ButtonType, Component, ComponentType, Parameter, ParameterType, Template as Named};
use serde_json::Value;

/// The parts that a send may name; of some there is nothing to fill.
const COMPONENTS: [&str; 10] = [
    "BODY",
    "BUTTON",
    "BUTTONS",
    "CALL_PERMISSION_REQUEST",
    "CAROUSEL",
    "FOOTER",
    "HEADER",
    "LIMITED_TIME_OFFER",
    "ORDER_STATUS",
    "TAP_TARGET_CONFIGURATION",
];

/// Longest one-time password, in characters (section 2.5).
const CODE_MAX: usize = 15;

/// Longest code to copy, in characters (section 2.5; UNCERTAIN: 15 on other pages).
const COUPON_MAX: usize = 20;

/// The first version that has 132018 for what is wrong inside a parameter; 100 before.
const FIRST_WITH_132018: u32 = 23;

/// What a send is compared with, beside the template.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// The version of the API that was called.
    pub version: u32,
    /// Whether the template's variables have names.
    pub named: bool,
    /// Whether there is a medium with an id.
    pub has_media: &'a dyn Fn(&str) -> bool,
}

/// What a quick-reply button says and answers.
pub type Tapped = (Box<str>, Box<str>);

/// What the contact sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Header, body and footer, a line each where they are text, and the cards.
    pub rendered: String,
    /// What each quick-reply button says and answers, by place among all buttons.
    pub replies: Vec<Tapped>,
}

/// Puts a send's values into a template.
///
/// # Errors
/// The documented refusal of the first that does not fit.
pub fn fill(named: &Named, template: &Definition, terms: Terms<'_>) -> Result<Filled, Refusal> {
    for (place, component) in named.components.iter().enumerate() {
        if let ComponentType::Other(kind) = &component.kind {
            let why = "a send fills the parts that a template has";
            one_of(&format!("template['components'][{place}]['type']"), kind, &COMPONENTS, why)?;
        }
    }
    let parts = |kind: ComponentType| named.components.iter().filter(move |component| component.kind == kind);
    let of = |kind: ComponentType| parts(kind).flat_map(|component| &component.parameters).collect::<Vec<_>>();
    let mut rendered =
        header(template.header.as_ref(), &of(ComponentType::Header), "header", terms)?.unwrap_or_default();
    add_line(&mut rendered, &words("body", &template.body, &of(ComponentType::Body), TEMPLATE_BODY_MAX, terms)?);
    add_line(&mut rendered, template.footer.as_deref().unwrap_or_default());
    let pressed: Vec<&Component> = parts(ComponentType::Button).collect();
    let replies = buttons(&template.buttons, &pressed, terms)?;
    offer(template.expires, &of(ComponentType::LimitedTimeOffer))?;
    let cards: Vec<_> = parts(ComponentType::Carousel).flat_map(|component| &component.cards).collect();
    if cards.len() != template.cards.len() {
        let details = format!(
            "carousel: number of cards ({}) does not match the expected number of cards ({})",
            cards.len(),
            template.cards.len()
        );
        return Err(
            Refusal::new(132_012, "a send fills every card of the template's carousel, and no other").details(details)
        );
    }
    let mut replies = replies;
    for (place, card) in template.cards.iter().enumerate() {
        let filled =
            cards.iter().enumerate().find(|(at, filled)| filled.card_index.unwrap_or(*at as i64) == place as i64);
        let Some((_, filled)) = filled else {
            let details = format!("carousel: card at index {place} is missing");
            return Err(Refusal::new(131_008, "cards are told apart by card_index, from 0").details(details));
        };
        let (line, more) = card_of(card, &filled.components, terms)?;
        add_line(&mut rendered, &line);
        replies.extend(more);
    }
    Ok(Filled { rendered, replies })
}

/// Adds a line, unless it is empty.
fn add_line(rendered: &mut String, line: &str) {
    if line.is_empty() {
        return;
    }
    rendered.reserve(line.len() + 1);
    if !rendered.is_empty() {
        rendered.push('\n');
    }
    rendered.push_str(line);
}

/// What is said of a template that is not known, and taken all the same: its name and its values.
///
/// # Errors
/// If a value could be no parameter of any template.
pub fn unknown(named: &Named, terms: Terms<'_>) -> Result<Filled, Refusal> {
    let mut values = Vec::new();
    let bodies = named.components.iter().filter(|component| component.kind == ComponentType::Body);
    for (place, parameter) in bodies.flat_map(|body| &body.parameters).enumerate() {
        let text = value(parameter).ok_or_else(|| no_text("body", place))?;
        check_text(text, terms.version)?;
        values.push(text);
    }
    let quick = named.components.iter().filter(|component| component.sub_type == Some(ButtonType::QuickReply));
    let payloads = quick.filter_map(|button| button.parameters.first()?.payload.as_deref());
    let replies = payloads.map(|payload| (payload.into(), payload.into())).collect();
    Ok(Filled { rendered: format!("{}: {}", named.name, values.join(" | ")), replies })
}

fn card_of(card: &Card, filled: &[Component], terms: Terms<'_>) -> Result<(String, Vec<Tapped>), Refusal> {
    let of = |kind: ComponentType| {
        filled
            .iter()
            .filter(move |component| component.kind == kind)
            .flat_map(|component| &component.parameters)
            .collect::<Vec<_>>()
    };
    header(card.header.as_ref(), &of(ComponentType::Header), "header", terms)?;
    let line = words("body", &card.body, &of(ComponentType::Body), TEMPLATE_BODY_MAX, terms)?;
    let pressed: Vec<&Component> = filled.iter().filter(|component| component.kind == ComponentType::Button).collect();
    Ok((line, buttons(&card.buttons, &pressed, terms)?))
}

/// The text of a header; none, if it is something else.
fn header(
    header: Option<&Header>,
    given: &[&Parameter],
    part: &str,
    terms: Terms<'_>,
) -> Result<Option<String>, Refusal> {
    match header {
        None if given.is_empty() => Ok(None),
        None => Err(count(part, given.len(), 0)),
        Some(Header::Text(wording)) => words(part, wording, given, TEMPLATE_HEADER_MAX, terms).map(Some),
        Some(Header::Media(medium)) => {
            let received = given.first().map(|parameter| received(parameter));
            let media = given.first().and_then(|parameter| match medium {
                Medium::Image => parameter.image.as_ref(),
                Medium::Video | Medium::Gif => parameter.video.as_ref(),
                Medium::Document => parameter.document.as_ref(),
            });
            match media {
                Some(media) if given.len() == 1 => check_media(media, part, terms.has_media).map(|()| None),
                Some(_) => Err(count(part, given.len(), 1)),
                None => Err(format(part, medium.name(), received.as_deref().unwrap_or("UNKNOWN"))),
            }
        }
        Some(Header::Location) => {
            let Some(location) = given.first().and_then(|parameter| parameter.location.as_ref()) else {
                let received = given.first().map(|parameter| received(parameter));
                return Err(format(part, "LOCATION", received.as_deref().unwrap_or("UNKNOWN")));
            };
            let missing =
                ["latitude", "longitude"].into_iter().find(|key| location.get(key).is_none_or(Value::is_null));
            match missing {
                None => Ok(None),
                Some(key) => Err(Refusal::new(131_008, "a location has a latitude and a longitude")
                    .details(format!("{part}: location needs {key}"))),
            }
        }
        Some(Header::Product) => match given.first() {
            Some(parameter) if parameter.product.is_some() => Ok(None),
            other => Err(format(part, "PRODUCT", &other.map_or("UNKNOWN".to_owned(), |parameter| received(parameter)))),
        },
    }
}

/// What a parameter is, as errors write it.
fn received(parameter: &Parameter) -> String {
    parameter.kind.as_ref().map_or("UNKNOWN".to_owned(), |kind| kind.as_str().to_ascii_uppercase())
}

/// A medium by id or link.
pub(crate) fn check_media(media: &Media, part: &str, has_media: &dyn Fn(&str) -> bool) -> Result<(), Refusal> {
    let link = media.link.as_deref().filter(|link| !link.is_empty());
    match (media.id.as_deref().filter(|id| !id.is_empty()), link) {
        (None, None) => Err(Refusal::new(131_008, "a medium is named by `id`, after an upload, or by `link`")
            .details(format!("{part}: media needs an id or a link"))),
        (Some(_), Some(_)) => Err(Refusal::new(131_009, "a medium is named by `id` or by `link`, not by both")
            .details(format!("{part}: media has both an id and a link"))),
        (Some(id), None) if !has_media(id) => {
            let why =
                format!("there is no medium {id}; POST /{{phone-number-id}}/media uploads one, and it lasts 30 days");
            Err(Refusal::new(131_009, why).details(format!("{part}: media id {id} is not known")))
        }
        (Some(_), None) => Ok(()),
        (None, Some(link)) if link.starts_with("https://") || link.starts_with("http://") => Ok(()),
        (None, Some(_)) => Err(Refusal::new(131_009, "a link begins with https:// or http://")
            .details(format!("{part}: link is not a valid URL"))),
    }
}

/// A text with its variables filled.
fn words(
    part: &str,
    wording: &Wording,
    given: &[&Parameter],
    most: usize,
    terms: Terms<'_>,
) -> Result<String, Refusal> {
    if let Some(odd) = given.iter().find(|parameter| !is_text(parameter)) {
        return Err(format(part, "TEXT", &received(odd)));
    }
    if given.len() != wording.variables.len() {
        return Err(count(part, given.len(), wording.variables.len()));
    }
    let mut values = Vec::with_capacity(given.len());
    for (place, name) in wording.variables.iter().enumerate() {
        let parameter = if terms.named { by_name(part, name, given)? } else { given[place] };
        let text = value(parameter).ok_or_else(|| no_text(part, place))?;
        check_text(text, terms.version)?;
        values.push(text);
    }
    let text = wording.fill(&values);
    match text.chars().count() {
        length if length > most => {
            Err(Refusal::new(132_005, format!("the {part} is too long once its parameters are in place"))
                .details(format!("{part}: {length} characters, at most {most}")))
        }
        _ => Ok(text),
    }
}

fn by_name<'a>(part: &str, name: &str, given: &[&'a Parameter]) -> Result<&'a Parameter, Refusal> {
    if given.iter().any(|parameter| parameter.parameter_name.as_deref().unwrap_or_default().is_empty()) {
        let why = "the template's variables have names, so every parameter needs a parameter_name";
        return Err(Refusal::parameter("Invalid parameter", why).details("Parameter name is missing or empty"));
    }
    let found = given.iter().find(|parameter| parameter.parameter_name.as_deref() == Some(name));
    found.copied().ok_or_else(|| {
        let why = format!("the template's {part} has a variable {name}, and no parameter has that parameter_name");
        Refusal::new(132_012, why).details(format!("{part}: parameter {name} is missing"))
    })
}

fn is_text(parameter: &Parameter) -> bool {
    match parameter.kind {
        Some(ParameterType::Text | ParameterType::Currency | ParameterType::DateTime) | None => true,
        Some(_) => false,
    }
}

fn value(parameter: &Parameter) -> Option<&str> {
    let text = parameter.text.as_deref();
    let currency = parameter.currency.as_ref().map(|currency| currency.fallback_value.as_str());
    let time = parameter.date_time.as_ref().map(|time| time.fallback_value.as_str());
    text.or(currency).or(time).filter(|text| !text.is_empty())
}

/// Whether a text may be a parameter.
fn check_text(text: &str, version: u32) -> Result<(), Refusal> {
    const _: () = assert!(PARAMETER_SPACES_MAX == 4, "the pattern below has one more");
    if !text.contains(['\n', '\r', '\t']) && !text.contains("     ") {
        return Ok(());
    }
    let why = "a parameter has a line break, a tab or five spaces in a row";
    let refusal = if version >= FIRST_WITH_132018 {
        Refusal::new(132_018, why)
    } else {
        Refusal::parameter("Invalid parameter", why)
    };
    Err(refusal.details("Param text cannot have new-line/tab characters or more than 4 consecutive spaces"))
}

/// Checks what a send says of the buttons; the labels and payloads of those that answer.
fn buttons(all: &[Button], given: &[&Component], terms: Terms<'_>) -> Result<Vec<Tapped>, Refusal> {
    for component in given {
        let place = component.index.map_or(0, |index| index.0 as usize);
        let kind = component.sub_type.as_ref().map_or("", |kind| kind.as_str());
        let Some(button) = all.get(place) else {
            let details = format!("buttons: Button at index {place} does not exist in the template");
            return Err(Refusal::new(131_009, format!("the template has {} buttons, counted from 0", all.len()))
                .details(details));
        };
        if !takes(&button.kind, component.sub_type.as_ref()) {
            let expected = button.kind.name().to_ascii_uppercase();
            return Err(format(&format!("buttons: index {place}"), &expected, &kind.to_ascii_uppercase()));
        }
    }
    let mut replies = Vec::new();
    for (place, button) in all.iter().enumerate() {
        let component = given.iter().find(|component| component.index.map_or(0, |index| index.0 as usize) == place);
        let parameter = component.and_then(|component| component.parameters.first());
        let needed = |value: Option<&'static str>| {
            let name = button.kind.name();
            let what = value.map_or(String::new(), |value| format!(" `{value}`"));
            Refusal::new(131_008, format!("button {place} of the template needs a parameter{what} in every send"))
                .details(format!("buttons: Button at index {place} of type {name} requires a parameter"))
        };
        let text = parameter.and_then(value);
        match &button.kind {
            ButtonKind::QuickReply => {
                let payload =
                    parameter.and_then(|parameter| parameter.payload.as_deref().or(parameter.text.as_deref()));
                let payload = payload.unwrap_or(&button.text);
                longest(place, payload, QUICK_REPLY_PAYLOAD_MAX, "payload")?;
                replies.push((button.text.clone(), payload.into()));
            }
            ButtonKind::Url { url } if url.variables.is_empty() => {
                let extra = component.map_or(0, |component| component.parameters.len());
                if extra > 0 {
                    return Err(count("button", extra, 0));
                }
            }
            ButtonKind::Url { .. } => check_text(text.ok_or_else(|| needed(Some("text")))?, terms.version)?,
            ButtonKind::Otp => longest(place, text.ok_or_else(|| needed(Some("text")))?, CODE_MAX, "code")?,
            ButtonKind::CopyCode => {
                let code = parameter.and_then(|parameter| parameter.coupon_code.as_deref()).or(text);
                let code = code.filter(|code| !code.is_empty()).ok_or_else(|| needed(Some("coupon_code")))?;
                longest(place, code, COUPON_MAX, "coupon code")?;
            }
            ButtonKind::Flow => {
                component.ok_or_else(|| needed(Some("action")))?;
            }
            ButtonKind::MultiProduct => {
                let action = parameter.and_then(|parameter| parameter.action.as_ref());
                let sections = action.and_then(|action| action.get("sections")).and_then(Value::as_array);
                sections.filter(|sections| !sections.is_empty()).ok_or_else(|| needed(Some("action")))?;
            }
            ButtonKind::PhoneNumber
            | ButtonKind::Catalog
            | ButtonKind::SingleProduct
            | ButtonKind::VoiceCall
            | ButtonKind::Other(_) => {}
        }
    }
    Ok(replies)
}

/// Whether a send may speak of such a button by this `sub_type`.
fn takes(kind: &ButtonKind, named: Option<&ButtonType>) -> bool {
    let Some(named) = named else { return false };
    match kind {
        ButtonKind::QuickReply => *named == ButtonType::QuickReply,
        ButtonKind::Url { .. } => *named == ButtonType::Url,
        // One-time passwords are sent as if their button opened an address.
        ButtonKind::Otp => matches!(named, ButtonType::Url | ButtonType::CopyCode) || is_named(named, "otp"),
        ButtonKind::CopyCode => *named == ButtonType::CopyCode,
        ButtonKind::Flow => *named == ButtonType::Flow,
        ButtonKind::Catalog => *named == ButtonType::Catalog,
        ButtonKind::MultiProduct => *named == ButtonType::MultiProduct,
        ButtonKind::PhoneNumber => is_named(named, "phone_number"),
        ButtonKind::SingleProduct => is_named(named, "spm"),
        ButtonKind::VoiceCall => is_named(named, "voice_call"),
        ButtonKind::Other(kind) => is_named(named, kind),
    }
}

fn is_named(kind: &ButtonType, name: &str) -> bool {
    kind.as_str().eq_ignore_ascii_case(name)
}

fn longest(place: usize, text: &str, most: usize, what: &str) -> Result<(), Refusal> {
    if text.chars().count() <= most {
        return Ok(());
    }
    let why = format!("the {what} of a button has at most {most} characters");
    Err(Refusal::new(131_009, why)
        .details(format!("buttons: {what} at index {place} is longer than {most} characters")))
}

fn offer(expires: bool, given: &[&Parameter]) -> Result<(), Refusal> {
    let part = "limited_time_offer";
    if !expires {
        return if given.is_empty() { Ok(()) } else { Err(count(part, given.len(), 0)) };
    }
    let offer = given.first().and_then(|parameter| parameter.limited_time_offer.as_ref());
    let ends = offer.and_then(|offer| offer.get("expiration_time_ms"));
    if ends.is_some_and(|ends| ends.is_u64() || ends.as_str().is_some_and(|ends| ends.parse::<u64>().is_ok())) {
        return Ok(());
    }
    Err(Refusal::new(
        131_008,
        "the template's offer ends, and every send says when: expiration_time_ms, in Unix milliseconds",
    )
    .details(format!("{part}: expiration_time_ms is required")))
}

fn count(part: &str, got: usize, wanted: usize) -> Refusal {
    let why = format!("the template has {wanted} variables in its {part}, and the send {got} values");
    let details =
        format!("{part}: number of localizable_params ({got}) does not match the expected number of params ({wanted})");
    Refusal::new(132_000, why).details(details)
}

fn format(part: &str, expected: &str, received: &str) -> Refusal {
    let why =
        format!("the template was made with {expected} here; what it was approved with is an example and no default");
    Refusal::new(132_012, why).details(format!("{part}: Format mismatch, expected {expected}, received {received}"))
}

fn no_text(part: &str, place: usize) -> Refusal {
    let details = format!("{part}: parameter at index {place} has no text");
    Refusal::new(131_008, format!("every parameter of the {part} needs a text that is not empty")).details(details)
}
