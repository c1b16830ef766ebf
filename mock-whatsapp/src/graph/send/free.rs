//! What is no template: texts, media, places, address cards, emojis and things to tap, each with its documented limits
//! (sections 2.4 and 2.6), and what the contact sees of it.

use super::{interactive, longer, media, no_object, required};
use crate::graph::refusal::Refusal;
use crate::tenant::message_log::Button;
use cloud_api::limits::TEXT_BODY_MAX;
use cloud_api::message::{Media, MessageType, SendRequest};
use serde_json::Value;

/// Most address cards (section 2.4).
const CONTACTS_MAX: usize = 257;

/// Longest emoji, in bytes: families and flags are sequences of several characters.
const EMOJI_MAX: usize = 64;

/// What a message says.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) rendered: String,
    pub(super) buttons: Vec<Button>,
    /// Ids of media that it names.
    pub(super) media: Vec<String>,
    /// The message that it is a reaction to.
    pub(super) reacts_to: Option<String>,
}

/// Checks the object of a message's type.
pub(super) fn check(request: &SendRequest) -> Result<Said, Refusal> {
    match &request.kind {
        MessageType::Text => check_text(request),
        MessageType::Image => of_media(request.image.as_ref(), "image"),
        MessageType::Video => of_media(request.video.as_ref(), "video"),
        MessageType::Audio => of_media(request.audio.as_ref(), "audio"),
        MessageType::Document => of_media(request.document.as_ref(), "document"),
        MessageType::Sticker => of_media(request.sticker.as_ref(), "sticker"),
        MessageType::Reaction => check_reaction(request),
        MessageType::Location => check_location(request.location.as_ref().ok_or_else(|| no_object("location"))?),
        MessageType::Contacts => check_contacts(request.contacts.as_ref().ok_or_else(|| no_object("contacts"))?),
        MessageType::Interactive => {
            let object = request.interactive.as_ref().ok_or_else(|| no_object("interactive"))?;
            let checked = interactive::check(object)?;
            Ok(Said { rendered: checked.rendered, buttons: checked.buttons, media: checked.media, reacts_to: None })
        }
        MessageType::Template | MessageType::Other(_) => Ok(Said::default()),
    }
}

fn check_text(request: &SendRequest) -> Result<Said, Refusal> {
    let Some(text) = &request.text else { return Err(no_object("text")) };
    match text.body.chars().count() {
        0 => Err(required("text['body']")),
        length if length > TEXT_BODY_MAX => Err(longer("text['body']", TEXT_BODY_MAX)),
        _ => Ok(Said { rendered: text.body.clone(), ..Said::default() }),
    }
}

fn of_media(named: Option<&Media>, kind: &str) -> Result<Said, Refusal> {
    let named = named.ok_or_else(|| no_object(kind))?;
    let id = media::check(named, kind)?;
    let name = named.filename.as_deref().or(named.link.as_deref()).or(named.id.as_deref()).unwrap_or_default();
    let rendered = match &named.caption {
        Some(caption) => format!("[{kind} {name}] {caption}"),
        None => format!("[{kind} {name}]"),
    };
    Ok(Said { rendered, media: id.into_iter().collect(), ..Said::default() })
}

fn check_reaction(request: &SendRequest) -> Result<Said, Refusal> {
    let Some(reaction) = &request.reaction else { return Err(no_object("reaction")) };
    if reaction.message_id.is_empty() {
        return Err(required("reaction['message_id']"));
    }
    let Some(emoji) = &reaction.emoji else { return Err(required("reaction['emoji']")) };
    if request.context.is_some() {
        let why = "a reaction names its message in message_id, and quotes none";
        return Err(Refusal::parameter("Invalid parameter", why).details("context is not allowed for type 'reaction'"));
    }
    let is_emoji = emoji.is_empty()
        || (emoji.len() <= EMOJI_MAX && !emoji.chars().any(|c| c.is_ascii_alphabetic() || c.is_whitespace()));
    if !is_emoji {
        let why = "a reaction is one emoji, or an empty text that takes it away";
        return Err(Refusal::new(131_009, why).details("reaction['emoji'] must be a single emoji"));
    }
    if emojis(emoji) > 1 {
        let why = "a reaction is one emoji, and several people or a person in a colour of skin can be one";
        return Err(Refusal::parameter("Param reaction['emoji'] must be a single emoji.", why));
    }
    let rendered = if emoji.is_empty() { "[reaction taken away]".to_owned() } else { emoji.clone() };
    Ok(Said { rendered, reacts_to: Some(reaction.message_id.clone()), ..Said::default() })
}

/// How many emojis a text is. What is joined, coloured or a flag of two letters is one.
fn emojis(text: &str) -> usize {
    let (mut count, mut joined, mut half_flag) = (0, false, false);
    for c in text.chars() {
        let is_letter = ('\u{1F1E6}'..='\u{1F1FF}').contains(&c);
        let changes = matches!(
            c,
            '\u{200D}' | '\u{20E3}' | '\u{FE0E}' | '\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}'
        );
        // A colour of skin alone is an emoji too.
        if !(changes && count > 0 || joined || is_letter && half_flag) {
            count += 1;
        }
        half_flag = is_letter && !half_flag;
        joined = c == '\u{200D}';
    }
    count
}

fn check_location(location: &Value) -> Result<Said, Refusal> {
    let number = |key: &str| match location.get(key) {
        None | Some(Value::Null) => Err(required(&format!("location['{key}']"))),
        Some(Value::Number(number)) => Ok(number.as_f64()),
        Some(Value::String(text)) => Ok(text.trim().parse().ok()),
        Some(_) => Ok(None),
    };
    let (latitude, longitude) = (number("latitude")?, number("longitude")?);
    let within = |value: Option<f64>, most: f64| value.filter(|value| (-most..=most).contains(value));
    let wrong = |key: &str, most: u32| {
        Refusal::new(131_009, format!("{key} is a number of degrees from -{most} to {most}"))
            .details(format!("location['{key}'] must be a number between -{most} and {most}"))
    };
    let latitude = within(latitude, 90.0).ok_or_else(|| wrong("latitude", 90))?;
    let longitude = within(longitude, 180.0).ok_or_else(|| wrong("longitude", 180))?;
    let name = location.get("name").and_then(Value::as_str).unwrap_or_default();
    Ok(Said { rendered: format!("[location {latitude}, {longitude}] {name}").trim_end().to_owned(), ..Said::default() })
}

fn check_contacts(contacts: &Value) -> Result<Said, Refusal> {
    let Some(cards) = contacts.as_array() else {
        let why = "contacts is a list of address cards";
        return Err(Refusal::parameter("Param contacts must be an array.", why));
    };
    if cards.is_empty() {
        return Err(required("contacts"));
    }
    if cards.len() > CONTACTS_MAX {
        let why = format!("a message has at most {CONTACTS_MAX} address cards");
        return Err(Refusal::new(131_009, why).details(format!("contacts must have at most {CONTACTS_MAX} elements")));
    }
    let mut names = Vec::with_capacity(cards.len());
    for (place, card) in cards.iter().enumerate() {
        let name = card.get("name").and_then(|name| name.get("formatted_name")).and_then(Value::as_str);
        names.push(name.filter(|name| !name.is_empty()).ok_or_else(|| {
            let details = format!("contacts[{place}]['name']['formatted_name'] is required");
            Refusal::new(131_008, "every address card has a formatted_name").details(details)
        })?);
        let birthday = card.get("birthday").and_then(Value::as_str);
        let is_date = |date: &str| {
            let parts: Vec<&str> = date.split('-').collect();
            let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
            lengths == [4, 2, 2] && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        // A client writes an empty one where it knows none.
        if birthday.is_some_and(|date| !date.is_empty() && !is_date(date)) {
            let details = format!("contacts[{place}]['birthday'] must be formatted as YYYY-MM-DD");
            return Err(Refusal::new(131_009, "a birthday is written as 1990-12-31").details(details));
        }
    }
    Ok(Said { rendered: format!("[contacts] {}", names.join(", ")), ..Said::default() })
}

#[cfg(test)]
mod tests {
    use super::emojis;

    #[test]
    fn what_people_call_one_emoji_is_one() {
        for one in ["👍", "👍🏽", "❤️", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "1️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "👩🏾‍🚀", "🏽"]
        {
            assert_eq!(emojis(one), 1, "{one}");
        }
        for two in ["👍👍", "❤️👍🏽", "🇩🇪🇫🇷", "👨‍👩‍👧👍", "🇩🇪👍"] {
            assert_eq!(emojis(two), 2, "{two}");
        }
        assert_eq!(emojis(""), 0);
    }
}
