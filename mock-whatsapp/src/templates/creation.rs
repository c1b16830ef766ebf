//! Whether a template may be created or edited like this: the documented bounds of its parts, each with the subcode that
//! template management has for it (sections 4.3, 5.6 and 6.3). What a review would think of it is not asked here.

use super::definition::{code_minutes, field, is, is_name, list, pieces, text};
use super::status::{Category, ParameterFormat};
use crate::graph::enumeration::{meant, none_of, one_of};
use crate::graph::refusal::Refusal;
use crate::graph::shape::{OBJECT, Shape, misplaced, open};
use cloud_api::limits::{TEMPLATE_BODY_MAX, TEMPLATE_HEADER_MAX, TEMPLATE_NAME_MAX};
use serde_json::Value;

const FOOTER_MAX: usize = 60;
const BUTTON_TEXT_MAX: usize = 25;
const BUTTONS_MAX: usize = 10;
const URL_MAX: usize = 2_000;
const PHONE_MAX: usize = 20;
const CARDS_MIN: usize = 2;
const CARDS_MAX: usize = 10;

/// How long a one-time password may be good for, in minutes, by its template's footer.
const CODE_MINUTES: std::ops::RangeInclusive<u64> = 1..=90;

/// The lists of a template's parts. What is an example is looked at where it is needed.
static COMPONENT: Shape =
    open(&[("buttons", Shape::List(&OBJECT)), ("cards", Shape::List(&CARD)), ("limited_time_offer", open(&[]))]);

static CARD: Shape = open(&[("components", Shape::List(&COMPONENT))]);

/// The languages that templates can have.
pub const LANGUAGES: &[&str] = &[
    "af", "sq", "ar", "ar_EG", "ar_AE", "ar_LB", "ar_MA", "ar_QA", "ar_SA", "az", "be_BY", "bn", "bn_IN", "bg", "ca",
    "zh_CN", "zh_HK", "zh_TW", "hr", "cs", "da", "prs_AF", "nl", "nl_BE", "en", "en_GB", "en_US", "en_AE", "en_AU",
    "en_CA", "en_GH", "en_IE", "en_IN", "en_JM", "en_MY", "en_NZ", "en_QA", "en_SG", "en_UG", "en_ZA", "et", "fil",
    "fi", "fr", "fr_BE", "fr_CA", "fr_CH", "fr_CI", "fr_MA", "ka", "de", "de_AT", "de_CH", "el", "gu", "ha", "he",
    "hi", "hu", "id", "ga", "it", "ja", "kn", "kk", "rw_RW", "ko", "ky_KG", "lo", "lv", "lt", "mk", "ms", "ml", "mr",
    "nb", "ps_AF", "fa", "pl", "pt_BR", "pt_PT", "pa", "ro", "ru", "sr", "si_LK", "sk", "sl", "es", "es_AR", "es_CL",
    "es_CO", "es_CR", "es_DO", "es_EC", "es_HN", "es_MX", "es_PA", "es_PE", "es_ES", "es_UY", "sw", "sv", "ta", "te",
    "th", "tr", "uk", "ur", "uz", "vi", "zu",
];

/// A refusal with the subcode and the two texts for people that template management answers with.
pub(crate) fn refusal(subcode: u32, title: &str, message: String) -> Refusal {
    Refusal::parameter("Invalid parameter", message.clone()).subcode(subcode).for_people(title, message)
}

fn missing(part: &str, field: &str) -> Refusal {
    let title = "Message template \"components\" param is missing expected field(s)";
    refusal(2_388_043, title, format!("component of type {part} is missing expected field(s) ({field})"))
}

fn too_long(field: &str, most: usize) -> Refusal {
    let message = format!("The {field} field cannot exceed {most} characters.");
    refusal(2_388_040, "Character Limit Exceeded", message)
}

fn body_format(message: String) -> Refusal {
    refusal(2_388_072, "Message body format is incorrect", message)
}

fn header_format(message: String) -> Refusal {
    refusal(2_388_047, "Message header format is incorrect", message)
}

/// What buttons may not be; the API's subcode for it is not documented.
fn button_format(message: String) -> Refusal {
    Refusal::parameter("Invalid parameter", message.clone())
        .subcode(2_388_043)
        .for_people("Message buttons format is incorrect", message)
}

/// The category of a word.
///
/// # Errors
/// (#100) if it is none.
pub fn category_of(word: &str) -> Result<Category, Refusal> {
    let why = "a template is for marketing, for news (UTILITY) or for codes (AUTHENTICATION)";
    meant("category", word, Category::ALL, why)
}

/// Whether a name, a language and a category may be a template's; the language as it is written, and the category.
///
/// # Errors
/// The documented refusal of the first that is wrong.
pub fn check_names(name: &str, language: &str, category: &str) -> Result<(Category, &'static str), Refusal> {
    let required = |what: &str| {
        Refusal::parameter(format!("The parameter {what} is required."), format!("a template needs a {what}"))
    };
    if name.is_empty() {
        return Err(required("name"));
    }
    if name.chars().count() > TEMPLATE_NAME_MAX {
        return Err(too_long("name", TEMPLATE_NAME_MAX));
    }
    if !is_name(name) {
        let why = "a template's name is made of small letters, digits and underscores";
        let message = "Param name must match the regular expression ^[a-z0-9_]+$";
        return Err(Refusal::parameter(message, why));
    }
    if category.is_empty() {
        return Err(required("category"));
    }
    let category = category_of(category)?;
    if language.is_empty() {
        return Err(required("language"));
    }
    let language = one_of("language", language, LANGUAGES, "languages are written as in en_US or de")?;
    Ok((category, language))
}

/// Whether components may be a template's; how its variables are named.
///
/// # Errors
/// The documented refusal of the first that is wrong.
pub fn check(
    components: &[Value],
    category: Category,
    wanted: Option<ParameterFormat>,
) -> Result<ParameterFormat, Refusal> {
    for (place, component) in components.iter().enumerate() {
        if let Some(place) = misplaced(component, &COMPONENT, &format!("components[{place}]")) {
            return Err(place.refusal());
        }
        let kind = text(component, "type").ok_or_else(|| missing("COMPONENT", "type"))?;
        let known = [
            "HEADER",
            "BODY",
            "FOOTER",
            "BUTTONS",
            "CAROUSEL",
            "LIMITED_TIME_OFFER",
            "CALL_PERMISSION_REQUEST",
            "TAP_TARGET_CONFIGURATION",
        ];
        one_of("components['type']", kind, &known, "components are the parts of a template")?;
    }
    let one = |kind: &str| -> Result<Option<&Value>, Refusal> {
        let mut found = components.iter().filter(|component| is(component, "type", kind));
        let first = found.next();
        match found.next() {
            None => Ok(first),
            Some(_) => Err(body_format(format!("A template has one component of type {kind}."))),
        }
    };
    let (header, body, footer, carousel) = (one("HEADER")?, one("BODY")?, one("FOOTER")?, one("CAROUSEL")?);
    let body = body.ok_or_else(|| missing("BODY", "text"))?;
    let format = match (wanted, text(body, "text")) {
        (Some(format), _) => format,
        (None, Some(words)) if names(words).iter().any(|name| name.parse::<u32>().is_err()) => ParameterFormat::Named,
        (None, _) => ParameterFormat::Positional,
    };
    if let Some(header) = header {
        check_header(header, format)?;
    }
    match category {
        Category::Authentication => {
            if text(body, "text").is_some() {
                let message =
                    "Authentication templates have a text of their own: add_security_recommendation in place of text.";
                return Err(body_format(message.to_owned()));
            }
        }
        Category::Marketing | Category::Utility => check_body(body, format)?,
    }
    if let Some(footer) = footer.filter(|_| category != Category::Authentication) {
        let words = text(footer, "text").ok_or_else(|| missing("FOOTER", "text"))?;
        if words.chars().count() > FOOTER_MAX {
            return Err(too_long("footer", FOOTER_MAX));
        }
        if !names(words).is_empty() || words.contains('\n') {
            let message = "The footer has neither variables nor line breaks.";
            return Err(refusal(2_388_073, "Message footer format is incorrect", message.to_owned()));
        }
    }
    if let Some(minutes) = footer.filter(|_| category == Category::Authentication).and_then(code_minutes)
        && !CODE_MINUTES.contains(&minutes)
    {
        let (least, most) = CODE_MINUTES.into_inner();
        let message = format!("code_expiration_minutes is a number from {least} to {most}.");
        return Err(refusal(2_388_073, "Message footer format is incorrect", message));
    }
    check_buttons(components, category)?;
    if let Some(carousel) = carousel {
        check_carousel(carousel, category, format)?;
    }
    Ok(format)
}

fn names(words: &str) -> Vec<&str> {
    let mut names: Vec<&str> = pieces(words).filter_map(|(_, name)| name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether variables are named as the format says: from 1 on without a gap, or by words.
fn check_variables(words: &str, format: ParameterFormat) -> Result<usize, String> {
    if pieces(words).any(|(between, _)| between.contains("{{") || between.contains("}}")) {
        return Err(
            "A variable is a number or a name of small letters, digits and underscores, between {{ and }}.".to_owned()
        );
    }
    let names = names(words);
    let mut numbers: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    match format {
        ParameterFormat::Named if !numbers.is_empty() => {
            Err("Variables of the format NAMED have names and no numbers.".to_owned())
        }
        ParameterFormat::Positional if numbers.len() < names.len() => {
            Err("Variables of the format POSITIONAL are {{1}}, {{2}} and so on; parameter_format NAMED has names."
                .to_owned())
        }
        ParameterFormat::Positional if !numbers.iter().copied().eq(1..=numbers.len() as u32) => {
            Err("Variables are numbered from 1 on, without a gap.".to_owned())
        }
        ParameterFormat::Positional | ParameterFormat::Named => Ok(names.len()),
    }
}

fn check_header(header: &Value, format: ParameterFormat) -> Result<(), Refusal> {
    let kind = text(header, "format").unwrap_or("TEXT").to_ascii_uppercase();
    match kind.as_str() {
        "TEXT" => {
            let words =
                text(header, "text").filter(|words| !words.is_empty()).ok_or_else(|| missing("HEADER", "text"))?;
            if words.chars().count() > TEMPLATE_HEADER_MAX {
                return Err(too_long("header", TEMPLATE_HEADER_MAX));
            }
            match check_variables(words, format).map_err(header_format)? {
                0 => Ok(()),
                1 if has_example(header, "header_text") => Ok(()),
                1 => Err(missing("HEADER", "example")),
                _ => Err(header_format("The header has one variable at most.".to_owned())),
            }
        }
        "IMAGE" | "VIDEO" | "GIF" | "DOCUMENT" => {
            let example = field(header, "example").map_or(&[][..], |example| list(example, "header_handle"));
            let given = example.first().and_then(Value::as_str).is_some_and(|handle| !handle.is_empty());
            if given { Ok(()) } else { Err(missing("HEADER", "example")) }
        }
        "LOCATION" | "PRODUCT" => Ok(()),
        other => {
            let known = ["DOCUMENT", "GIF", "IMAGE", "LOCATION", "PRODUCT", "TEXT", "VIDEO"];
            Err(none_of("format", other, &known, "the header's format is what is above the body"))
        }
    }
}

/// Whether there are examples of a text's variables, in either format.
fn has_example(component: &Value, key: &str) -> bool {
    let Some(example) = field(component, "example") else { return false };
    let named = format!("{key}_named_params");
    !list(example, key).is_empty() || !list(example, &named).is_empty() || text(example, key).is_some()
}

fn check_body(body: &Value, format: ParameterFormat) -> Result<(), Refusal> {
    let words = text(body, "text").filter(|words| !words.is_empty()).ok_or_else(|| missing("BODY", "text"))?;
    if words.chars().count() > TEMPLATE_BODY_MAX {
        return Err(too_long("body", TEMPLATE_BODY_MAX));
    }
    let variables = check_variables(words, format).map_err(body_format)?;
    if variables == 0 {
        return Ok(());
    }
    let trimmed = words.trim();
    if trimmed.starts_with("{{") || trimmed.ends_with("}}") {
        let message = "This template contains variable parameters at the beginning or end. Either change this format or add text.";
        return Err(refusal(2_388_299, "Variables can't be at the start or end of the template", message.to_owned()));
    }
    let others = pieces(words).flat_map(|(between, _)| between.split_whitespace());
    let others = others.filter(|word| word.chars().any(char::is_alphanumeric)).count();
    if others < variables {
        let message = "This template has too many variable parameters in relation to the message length.";
        return Err(refusal(2_388_293, "This template has too many variables for its length", message.to_owned()));
    }
    check_examples(body, format, variables)
}

fn check_examples(body: &Value, format: ParameterFormat, variables: usize) -> Result<(), Refusal> {
    let Some(example) = field(body, "example") else { return Err(missing("BODY", "example")) };
    let given = match format {
        ParameterFormat::Named => list(example, "body_text_named_params").len(),
        ParameterFormat::Positional => match list(example, "body_text") {
            [Value::Array(first), ..] => first.len(),
            flat => flat.len(),
        },
    };
    if format == ParameterFormat::Named {
        let examples = list(example, "body_text_named_params");
        let named = |name: &&str| examples.iter().any(|example| text(example, "param_name") == Some(*name));
        if let Some(name) = names(text(body, "text").unwrap_or_default()).iter().find(|name| !named(name)) {
            return Err(body_format(format!(
                "The body has a variable {name}, and its example has no such param_name."
            )));
        }
    }
    if given == variables {
        return Ok(());
    }
    Err(body_format(format!("The body has {variables} variables, and its example {given} values.")))
}

fn check_buttons(components: &[Value], category: Category) -> Result<(), Refusal> {
    let groups = || components.iter().filter(|component| is(component, "type", "BUTTONS"));
    if groups().any(|group| list(group, "buttons").is_empty()) {
        return Err(missing("BUTTONS", "buttons"));
    }
    let all: Vec<&Value> = groups().flat_map(|group| list(group, "buttons")).collect();
    if all.len() > BUTTONS_MAX {
        return Err(button_format(format!("A template has at most {BUTTONS_MAX} buttons.")));
    }
    let count = |kind: &str| all.iter().filter(|button| is(button, "type", kind)).count();
    for (kind, most) in
        [("URL", 2), ("PHONE_NUMBER", 1), ("COPY_CODE", 1), ("OTP", 1), ("FLOW", 1), ("CATALOG", 1), ("MPM", 1)]
    {
        if count(kind) > most {
            return Err(button_format(format!("A template has at most {most} buttons of type {kind}.")));
        }
    }
    let is_quick: Vec<bool> = all.iter().map(|button| is(button, "type", "QUICK_REPLY")).collect();
    if is_quick.windows(2).filter(|pair| pair[0] != pair[1]).count() > 1 {
        return Err(button_format("Quick replies stand together, before or behind the other buttons.".to_owned()));
    }
    if category == Category::Authentication && count("OTP") != all.len() {
        return Err(button_format("Authentication templates have a button of type OTP and no other.".to_owned()));
    }
    if category != Category::Authentication && count("OTP") > 0 {
        return Err(button_format("Buttons of type OTP are for authentication templates.".to_owned()));
    }
    all.into_iter().try_for_each(check_button)
}

fn check_button(button: &Value) -> Result<(), Refusal> {
    let kind = text(button, "type").ok_or_else(|| missing("BUTTONS", "type"))?.to_ascii_uppercase();
    let has = |key: &str| field(button, key).is_some();
    let label = text(button, "text");
    let needs_label = !matches!(kind.as_str(), "COPY_CODE" | "OTP" | "VOICE_CALL" | "SPM" | "APP");
    if needs_label && label.is_none_or(str::is_empty) {
        return Err(missing("BUTTONS", "text"));
    }
    if label.is_some_and(|label| label.chars().count() > BUTTON_TEXT_MAX) {
        return Err(too_long("button text", BUTTON_TEXT_MAX));
    }
    if label.is_some_and(|label| label.contains("{{") || label.contains('\n')) {
        return Err(button_format("A button's text has neither variables nor line breaks.".to_owned()));
    }
    match kind.as_str() {
        "URL" => {
            let url = text(button, "url").filter(|url| !url.is_empty()).ok_or_else(|| missing("BUTTONS", "url"))?;
            if url.chars().count() > URL_MAX {
                return Err(too_long("button url", URL_MAX));
            }
            let variables = names(url).len();
            if variables > 1 || (variables == 1 && !url.ends_with("}}")) {
                return Err(button_format("A URL has one variable at most, at its end.".to_owned()));
            }
            if variables == 1 && !has("example") {
                return Err(missing("BUTTONS", "example"));
            }
            Ok(())
        }
        "PHONE_NUMBER" => match text(button, "phone_number").map(|number| number.chars().count()) {
            None | Some(0) => Err(missing("BUTTONS", "phone_number")),
            Some(length) if length > PHONE_MAX => Err(too_long("button phone_number", PHONE_MAX)),
            Some(_) => Ok(()),
        },
        "COPY_CODE" if !has("example") => Err(missing("BUTTONS", "example")),
        "OTP" => match text(button, "otp_type").map(str::to_ascii_uppercase).as_deref() {
            Some("COPY_CODE" | "ONE_TAP" | "ZERO_TAP") => Ok(()),
            Some(other) => Err(button_format(format!("otp_type is COPY_CODE, ONE_TAP or ZERO_TAP, and not {other}."))),
            None => Err(missing("BUTTONS", "otp_type")),
        },
        "FLOW" if !["flow_id", "flow_name", "flow_json"].iter().any(|key| has(key)) => {
            Err(missing("BUTTONS", "flow_id"))
        }
        "QUICK_REPLY" | "COPY_CODE" | "FLOW" | "CATALOG" | "MPM" | "SPM" | "VOICE_CALL" | "APP" => Ok(()),
        other => {
            let known = [
                "APP",
                "CATALOG",
                "COPY_CODE",
                "FLOW",
                "MPM",
                "OTP",
                "PHONE_NUMBER",
                "QUICK_REPLY",
                "SPM",
                "URL",
                "VOICE_CALL",
            ];
            Err(none_of("buttons['type']", other, &known, "the type of a button is what it does"))
        }
    }
}

fn check_carousel(carousel: &Value, category: Category, format: ParameterFormat) -> Result<(), Refusal> {
    let cards = list(carousel, "cards");
    if !(CARDS_MIN..=CARDS_MAX).contains(&cards.len()) {
        return Err(button_format(format!("A carousel has {CARDS_MIN} to {CARDS_MAX} cards.")));
    }
    let shape = |card: &Value| -> Vec<String> {
        let parts = list(card, "components").iter();
        let of = |part: &Value, key: &str| text(part, key).unwrap_or_default().to_ascii_uppercase();
        parts
            .flat_map(|part| {
                let buttons = list(part, "buttons").iter().map(|button| of(button, "type"));
                [of(part, "type"), of(part, "format")].into_iter().chain(buttons).collect::<Vec<_>>()
            })
            .collect()
    };
    for card in cards {
        if shape(card) != shape(&cards[0]) {
            return Err(button_format("All cards of a carousel have the same components and buttons.".to_owned()));
        }
        let components = list(card, "components");
        if let Some(header) = components.iter().find(|component| is(component, "type", "HEADER")) {
            check_header(header, format)?;
        }
        check_buttons(components, category)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code(components: Value) -> Option<u32> {
        check(components.as_array().unwrap(), Category::Marketing, None).err().map(|refusal| subcode(&refusal))
    }

    fn subcode(refusal: &Refusal) -> u32 {
        refusal.reply(String::new()).error.error_subcode.unwrap_or(0) as u32
    }

    fn body(text: &str, examples: &[&str]) -> Value {
        json!({ "type": "BODY", "text": text, "example": { "body_text": [examples] } })
    }

    #[test]
    fn bodies_have_variables_in_order_with_examples_and_words_around_them() {
        assert_eq!(code(json!([body("Hello {{1}}, {{2}} off until Sunday.", &["Ana", "20%"])])), None);
        for (text, examples, subcode) in [
            ("{{1}} is here", &["a"][..], 2_388_299),
            ("Hello {{1}}", &["a"], 2_388_299),
            ("a {{1}} {{2}} {{3}} .", &["a", "b", "c"], 2_388_293),
            ("Hello {{2}} there", &["a"], 2_388_072),
            ("Hello {{1}} there", &["a", "b"], 2_388_072),
            ("Hello {{First}} there", &["a"], 2_388_072),
        ] {
            assert_eq!(code(json!([body(text, examples)])), Some(subcode), "{text}");
        }
        assert_eq!(code(json!([{ "type": "BODY", "text": "Hello {{1}} there" }])), Some(2_388_043));
        assert_eq!(code(json!([{ "type": "FOOTER", "text": "x" }])), Some(2_388_043));
    }

    #[test]
    fn names_of_variables_are_taken_by_the_format_or_by_what_the_text_has() {
        let named = json!([{ "type": "BODY", "text": "Hello {{name}} there",
                             "example": { "body_text_named_params": [{ "param_name": "name", "example": "Ana" }] } }]);
        let named = named.as_array().unwrap();
        assert_eq!(check(named, Category::Utility, None).unwrap(), ParameterFormat::Named);
        let refusal = check(named, Category::Utility, Some(ParameterFormat::Positional)).unwrap_err();
        assert_eq!(Some(subcode(&refusal)), Some(2_388_072));
    }

    #[test]
    fn buttons_are_counted_by_kind_and_complete() {
        let with = |buttons: Value| json!([{ "type": "BODY", "text": "x" }, { "type": "BUTTONS", "buttons": buttons }]);
        let quick = json!({ "type": "QUICK_REPLY", "text": "Yes" });
        let url = json!({ "type": "URL", "text": "Go", "url": "https://x/{{1}}", "example": ["https://x/1"] });
        assert_eq!(code(with(json!([quick, url]))), None);
        assert_eq!(code(with(json!([quick, url, quick]))), Some(2_388_043));
        assert_eq!(code(with(json!([url, url, url]))), Some(2_388_043));
        assert_eq!(
            code(with(json!([{ "type": "URL", "text": "Go", "url": "https://{{1}}/x", "example": "y" }]))),
            Some(2_388_043)
        );
        assert_eq!(code(with(json!([{ "type": "QUICK_REPLY", "text": "x".repeat(26) }]))), Some(2_388_040));
        assert_eq!(code(with(json!([{ "type": "OTP", "otp_type": "COPY_CODE" }]))), Some(2_388_043));
        assert_eq!(code(with(json!([{ "type": "JUMP", "text": "x" }]))), Some(0));
    }
}
