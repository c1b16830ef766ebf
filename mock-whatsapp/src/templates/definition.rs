//! What a template is made of: read from the components that it was created with, once, so that a send only compares.
//! Whether components may be created like this is checked in `creation`; here what is odd is left out.

use serde_json::Value;

/// The parts of a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    /// Above the body.
    pub header: Option<Header>,
    /// The text.
    pub body: Wording,
    /// Below the body.
    pub footer: Option<Box<str>>,
    /// All buttons, by place.
    pub buttons: Box<[Button]>,
    /// Whether a send must say when the offer ends.
    pub expires: bool,
    /// The cards of a carousel.
    pub cards: Box<[Card]>,
}

/// One card of a carousel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// Its picture or film.
    pub header: Option<Header>,
    /// Its text.
    pub body: Wording,
    /// Its buttons.
    pub buttons: Box<[Button]>,
}

/// What is above the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// Text, with a variable at most.
    Text(Wording),
    /// A medium, which every send brings along.
    Media(Medium),
    /// A place, likewise.
    Location,
    /// A product, likewise.
    Product,
}

/// The kind of a header's medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// A short film without sound.
    Gif,
    /// A file.
    Document,
}

impl Medium {
    /// As templates and errors spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "IMAGE",
            Self::Video => "VIDEO",
            Self::Gif => "GIF",
            Self::Document => "DOCUMENT",
        }
    }
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What it does.
    pub kind: ButtonKind,
    /// Its label.
    pub text: Box<str>,
}

/// What a button does, and what a send must bring along for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ButtonKind {
    /// Answers with its payload.
    QuickReply,
    /// Opens an address; with a variable, a send brings its end along.
    Url {
        /// The address.
        url: Wording,
    },
    /// Calls a number.
    PhoneNumber,
    /// Copies the code that a send brings along.
    CopyCode,
    /// Copies or fills in the one-time password that a send brings along.
    Otp,
    /// Opens a flow.
    Flow,
    /// Opens the catalogue.
    Catalog,
    /// Opens the products that a send names.
    MultiProduct,
    /// Opens the product of the header.
    SingleProduct,
    /// Calls the business.
    VoiceCall,
    /// Something else, which takes whatever a send brings along.
    Other(Box<str>),
}

impl ButtonKind {
    /// As error texts spell it.
    pub fn name(&self) -> &str {
        match self {
            Self::QuickReply => "QuickReply",
            Self::Url { .. } => "Url",
            Self::PhoneNumber => "PhoneNumber",
            Self::CopyCode => "CopyCode",
            Self::Otp => "Otp",
            Self::Flow => "Flow",
            Self::Catalog => "Catalog",
            Self::MultiProduct => "Mpm",
            Self::SingleProduct => "Spm",
            Self::VoiceCall => "VoiceCall",
            Self::Other(name) => name,
        }
    }
}

/// A text with variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wording {
    /// As it was written, with `{{1}}` or `{{name}}` where a variable is.
    pub text: Box<str>,
    /// The variables' names, each once: `1`, `2`, … by number, or in the order of the text.
    pub variables: Box<[Box<str>]>,
    /// The text, cut up: words, and the variable behind them by its place, if there is one.
    pieces: Box<[(Box<str>, Option<usize>)]>,
}

impl Wording {
    /// Finds the variables of a text.
    pub fn of(text: &str) -> Self {
        let mut variables: Vec<Box<str>> = Vec::new();
        for (_, name) in pieces(text) {
            if let Some(name) = name
                && !variables.iter().any(|known| **known == *name)
            {
                variables.push(name.into());
            }
        }
        if variables.iter().all(|name| name.parse::<u32>().is_ok()) {
            variables.sort_by_key(|name| name.parse::<u32>().unwrap_or_default());
        }
        let place = |name: &str| variables.iter().position(|known| **known == *name);
        let pieces = pieces(text).map(|(words, name)| (words.into(), name.and_then(place))).collect();
        Self { text: text.into(), variables: variables.into(), pieces }
    }

    /// The text with a value in place of each variable. Values are in the order of `variables`.
    pub fn fill(&self, values: &[&str]) -> String {
        let mut text = String::with_capacity(self.text.len() + values.iter().map(|value| value.len()).sum::<usize>());
        for (words, variable) in &self.pieces {
            text.push_str(words);
            text.push_str(variable.and_then(|place| values.get(place).copied()).unwrap_or_default());
        }
        text
    }
}

/// A text, cut up: words, and the variable behind them if there is one.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let whole = rest?;
        let mut from = 0;
        while let Some(open) = whole[from..].find("{{") {
            let open = from + open;
            let name = whole[open + 2..].split_once("}}").map(|(name, _)| name);
            match name.filter(|name| is_name(name.trim())) {
                Some(name) => {
                    rest = Some(&whole[open + name.len() + 4..]);
                    return Some((&whole[..open], Some(name.trim())));
                }
                None => from = open + 2,
            }
        }
        rest = None;
        Some((whole, None))
    })
}

/// Whether something can be a variable's name: digits, or small letters, digits and underscores.
pub(super) fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty() && name.bytes().all(fits)
}

/// A field of a JSON object; null is as good as absent.
pub(super) fn field<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    object.get(key).filter(|value| !value.is_null())
}

/// A string of a JSON object.
pub(super) fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    field(object, key).and_then(Value::as_str)
}

/// True or false, which may be written as a text.
fn flag(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| value.as_str()?.to_ascii_lowercase().parse().ok())
}

/// The elements of a list in a JSON object; none, where there is no list.
pub(super) fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    field(object, key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether a component, a button or a format is of a kind, in any letter case.
pub(super) fn is(object: &Value, key: &str, kind: &str) -> bool {
    text(object, key).is_some_and(|found| found.eq_ignore_ascii_case(kind))
}

impl Definition {
    /// Reads the components of a template.
    pub fn of(components: &[Value]) -> Self {
        let part = |kind: &str| components.iter().find(|component| is(component, "type", kind));
        let body = part("BODY");
        let security = body.and_then(|body| field(body, "add_security_recommendation")).and_then(flag);
        let (body, footer) = match (body.and_then(|body| text(body, "text")), security) {
            (Some(words), _) => {
                (Wording::of(words), part("FOOTER").and_then(|footer| text(footer, "text")).map(Into::into))
            }
            (None, security) => (code_body(security == Some(true)), part("FOOTER").and_then(code_footer)),
        };
        let offer = part("LIMITED_TIME_OFFER").and_then(|offer| field(offer, "limited_time_offer"));
        let expires = offer.and_then(|offer| field(offer, "has_expiration")).and_then(flag);
        Self {
            header: part("HEADER").and_then(header),
            body,
            footer,
            buttons: buttons(components),
            expires: expires == Some(true),
            cards: part("CAROUSEL").map_or(&[][..], |carousel| list(carousel, "cards")).iter().map(card).collect(),
        }
    }

    /// The labels of the buttons that answer, by place among all buttons.
    pub fn replies(&self) -> impl Iterator<Item = (usize, &str)> {
        let quick = |(_, button): &(usize, &Button)| button.kind == ButtonKind::QuickReply;
        self.buttons.iter().enumerate().filter(quick).map(|(place, button)| (place, &*button.text))
    }
}

/// The text that authentication templates have, whoever makes them.
fn code_body(with_advice: bool) -> Wording {
    let advice = if with_advice { " For your security, do not share this code." } else { "" };
    Wording::of(&format!("*{{{{1}}}}* is your verification code.{advice}"))
}

/// How long a code is good for, which may be written as a text.
pub(super) fn code_minutes(footer: &Value) -> Option<u64> {
    let minutes = field(footer, "code_expiration_minutes")?;
    minutes.as_u64().or_else(|| minutes.as_str()?.trim().parse().ok())
}

fn code_footer(footer: &Value) -> Option<Box<str>> {
    let minutes = code_minutes(footer)?;
    Some(format!("This code expires in {minutes} minutes.").into())
}

fn header(component: &Value) -> Option<Header> {
    let format = text(component, "format").unwrap_or("TEXT").to_ascii_uppercase();
    match format.as_str() {
        "TEXT" => Some(Header::Text(Wording::of(text(component, "text").unwrap_or_default()))),
        "IMAGE" => Some(Header::Media(Medium::Image)),
        "VIDEO" => Some(Header::Media(Medium::Video)),
        "GIF" => Some(Header::Media(Medium::Gif)),
        "DOCUMENT" => Some(Header::Media(Medium::Document)),
        "LOCATION" => Some(Header::Location),
        "PRODUCT" => Some(Header::Product),
        _ => None,
    }
}

fn buttons(components: &[Value]) -> Box<[Button]> {
    let all = components.iter().filter(|component| is(component, "type", "BUTTONS"));
    all.flat_map(|component| list(component, "buttons")).map(button).collect()
}

fn button(button: &Value) -> Button {
    let kind = text(button, "type").unwrap_or_default().to_ascii_uppercase();
    let kind = match kind.as_str() {
        "QUICK_REPLY" => ButtonKind::QuickReply,
        "URL" => ButtonKind::Url { url: Wording::of(text(button, "url").unwrap_or_default()) },
        "PHONE_NUMBER" => ButtonKind::PhoneNumber,
        "COPY_CODE" => ButtonKind::CopyCode,
        "OTP" => ButtonKind::Otp,
        "FLOW" => ButtonKind::Flow,
        "CATALOG" => ButtonKind::Catalog,
        "MPM" => ButtonKind::MultiProduct,
        "SPM" => ButtonKind::SingleProduct,
        "VOICE_CALL" => ButtonKind::VoiceCall,
        other => ButtonKind::Other(other.into()),
    };
    let usual = if kind == ButtonKind::CopyCode { "Copy code" } else { "" };
    Button { kind, text: text(button, "text").unwrap_or(usual).into() }
}

fn card(card: &Value) -> Card {
    let components = list(card, "components");
    let part = |kind: &str| components.iter().find(|component| is(component, "type", kind));
    Card {
        header: part("HEADER").and_then(header),
        body: part("BODY").and_then(|body| text(body, "text")).map(Wording::of).unwrap_or_default(),
        buttons: buttons(components),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(text: &str) -> Vec<String> {
        Wording::of(text).variables.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn variables_are_found_once_each_and_numbers_are_put_in_order() {
        assert_eq!(names("{{2}} and {{1}}, {{2}} again"), ["1", "2"]);
        assert_eq!(names("Hi {{first_name}}, {{ day }} {{first_name}}"), ["first_name", "day"]);
        assert_eq!(names("{{}} {{A}} {{a"), Vec::<String>::new());
        assert_eq!(names("{{x {{y}}"), ["y"]);
    }

    #[test]
    fn values_stand_where_the_text_names_them_and_are_not_read_again() {
        assert_eq!(Wording::of("{{2}}{{1}}-{{2}}").fill(&["a", "{{1}}"]), "{{1}}a-{{1}}");
        assert_eq!(Wording::of("Hi {{name}}!").fill(&["Ana"]), "Hi Ana!");
        assert_eq!(Wording::of("é {{").fill(&[]), "é {{");
    }

    #[test]
    fn components_are_read_in_any_letter_case() {
        let components = json!([
            { "type": "header", "format": "image" },
            { "type": "BODY", "add_security_recommendation": true },
            { "type": "FOOTER", "code_expiration_minutes": 5, "text": null },
            { "type": "buttons", "buttons": [
                { "type": "quick_reply", "text": "Stop" }, { "type": "URL", "text": "Go", "url": "https://x/{{1}}" },
                { "type": "COPY_CODE", "example": "X" } ] },
            { "type": "carousel", "cards": [{ "components": [{ "type": "BODY", "text": "{{1}}" }] }] },
        ]);
        let definition = Definition::of(components.as_array().unwrap());
        assert_eq!(definition.header, Some(Header::Media(Medium::Image)));
        assert_eq!(
            definition.body.fill(&["123"]),
            "*123* is your verification code. For your security, do not share this code."
        );
        assert_eq!(definition.footer.as_deref(), Some("This code expires in 5 minutes."));
        assert_eq!(definition.replies().collect::<Vec<_>>(), [(0, "Stop")]);
        assert!(matches!(&definition.buttons[1].kind, ButtonKind::Url { url } if url.variables.len() == 1));
        assert_eq!((definition.cards.len(), definition.cards[0].body.variables.len()), (1, 1));
    }
}
