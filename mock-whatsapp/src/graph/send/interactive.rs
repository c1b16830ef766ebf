//! Messages with something to tap: their limits (section 2.6), what the contact sees of them, and what it can tap.
//!
//! A value that is missing is 131008, one that is wrong 131009; the details name the field.

use super::media;
use crate::graph::enumeration::none_of;
use crate::graph::refusal::Refusal;
use crate::tenant::message_log::{Button, Tap};
use serde_json::Value;
use std::collections::BTreeSet;

const BODY_MAX: usize = 1_024;
const LIST_BODY_MAX: usize = 4_096;
const FOOTER_MAX: usize = 60;
const HEADER_MAX: usize = 60;
const BUTTONS_MAX: usize = 3;
const BUTTON_ID_MAX: usize = 256;
const LABEL_MAX: usize = 20;
const SECTIONS_MAX: usize = 10;
const ROWS_MAX: usize = 10;
const ROW_ID_MAX: usize = 200;
const ROW_TITLE_MAX: usize = 24;
const ROW_DESCRIPTION_MAX: usize = 72;
const PRODUCTS_MAX: usize = 30;
const FLOW_CTA_MAX: usize = 30;

/// The version of flow messages that there is.
const FLOW_VERSION: &str = "3";

const CARDS_MIN: usize = 2;
const CARDS_MAX: usize = 10;

/// The kinds that there are.
const KINDS: [&str; 15] = [
    "ADDRESS_MESSAGE",
    "BUTTON",
    "CALL_PERMISSION_REQUEST",
    "CAROUSEL",
    "CATALOG_MESSAGE",
    "CTA_URL",
    "FLOW",
    "LIST",
    "LOCATION_REQUEST_MESSAGE",
    "ORDER_DETAILS",
    "ORDER_STATUS",
    "PRODUCT",
    "PRODUCT_LIST",
    "REQUEST_CONTACT_INFO",
    "VOICE_CALL",
];

/// What is in it.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) rendered: String,
    pub(super) buttons: Vec<Button>,
    /// Ids of media that it names.
    pub(super) media: Vec<String>,
}

fn missing(at: &str) -> Refusal {
    Refusal::new(131_008, format!("{at} is missing or empty")).details(format!("{at} is required"))
}

fn wrong(details: String) -> Refusal {
    Refusal::new(131_009, details.clone()).details(details)
}

/// A field; null is as good as absent.
fn field<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    object.get(key).filter(|value| !value.is_null())
}

/// A text of bounded length, if it is there.
fn text<'a>(object: &'a Value, key: &str, at: &str, most: usize) -> Result<Option<&'a str>, Refusal> {
    let Some(value) = field(object, key) else { return Ok(None) };
    let words = value.as_str().ok_or_else(|| wrong(format!("{at} must be a string")))?;
    if words.chars().count() > most {
        return Err(wrong(format!("{at} is too long. Max length is {most}")));
    }
    Ok(Some(words))
}

/// A text of bounded length that must be there.
fn needed<'a>(object: &'a Value, key: &str, at: &str, most: usize) -> Result<&'a str, Refusal> {
    text(object, key, at, most)?.filter(|words| !words.is_empty()).ok_or_else(|| missing(at))
}

fn list<'a>(object: &'a Value, key: &str, at: &str) -> Result<&'a [Value], Refusal> {
    match field(object, key) {
        None => Err(missing(at)),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(wrong(format!("{at} must be an array"))),
    }
}

fn object<'a>(parent: &'a Value, key: &str, at: &str) -> Result<&'a Value, Refusal> {
    match field(parent, key) {
        None => Err(missing(at)),
        Some(found) if found.is_object() => Ok(found),
        Some(_) => Err(wrong(format!("{at} must be an object"))),
    }
}

/// Checks an `interactive` object.
pub(super) fn check(interactive: &Value) -> Result<Checked, Refusal> {
    let kind = needed(interactive, "type", "interactive['type']", 64)?.to_ascii_lowercase();
    let action = || object(interactive, "action", "interactive['action']");
    let mut checked = Checked::default();
    let body_most = if kind == "list" { LIST_BODY_MAX } else { BODY_MAX };
    let body = field(interactive, "body").unwrap_or(&Value::Null);
    let body = text(body, "text", "interactive['body']['text']", body_most)?.filter(|words| !words.is_empty());
    let footer = field(interactive, "footer").unwrap_or(&Value::Null);
    let footer = text(footer, "text", "interactive['footer']['text']", FOOTER_MAX)?;
    let header = field(interactive, "header").map(|header| check_header(header, &mut checked)).transpose()?;
    let is_text = header.as_ref().is_none_or(|(kind, _)| kind == "text");
    let body_is_optional =
        matches!(kind.as_str(), "product" | "catalog_message" | "call_permission_request" | "voice_call");
    if body.is_none() && !body_is_optional {
        return Err(missing("interactive['body']['text']"));
    }
    match kind.as_str() {
        "button" => check_buttons(action()?, &mut checked)?,
        "list" => {
            if !is_text {
                return Err(wrong("Header of a list message must be of type text".to_owned()));
            }
            check_list(action()?, &mut checked)?;
        }
        "cta_url" => {
            let parameters = parameters(action()?, "cta_url")?;
            let label = needed(parameters, "display_text", "action['parameters']['display_text']", LABEL_MAX)?;
            let url = needed(parameters, "url", "action['parameters']['url']", 2_000)?;
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(wrong("action['parameters']['url'] is not a valid URL".to_owned()));
            }
            checked.rendered = format!("[{label}]");
        }
        "flow" => {
            let parameters = parameters(action()?, "flow")?;
            let version =
                needed(parameters, "flow_message_version", "action['parameters']['flow_message_version']", 8)?;
            if version != FLOW_VERSION {
                return Err(wrong(format!("action['parameters']['flow_message_version'] must be {FLOW_VERSION}")));
            }
            let names = ["flow_id", "flow_name"].into_iter().filter(|key| field(parameters, key).is_some()).count();
            if names == 0 {
                return Err(missing("action['parameters']['flow_id']"));
            }
            let label = needed(parameters, "flow_cta", "action['parameters']['flow_cta']", FLOW_CTA_MAX)?;
            checked.rendered = format!("[{label}]");
        }
        "product" => {
            let action = action()?;
            needed(action, "catalog_id", "action['catalog_id']", 256)?;
            needed(action, "product_retailer_id", "action['product_retailer_id']", 256)?;
            if header.is_some() {
                return Err(wrong("Header is not allowed for interactive type product".to_owned()));
            }
        }
        "product_list" => {
            if header.is_none() || !is_text {
                return Err(missing("interactive['header']['text']"));
            }
            check_products(action()?)?;
        }
        "catalog_message" => named(action()?, "catalog_message")?,
        "location_request_message" => named(action()?, "send_location")?,
        "call_permission_request" => named(action()?, "call_permission_request")?,
        "voice_call" => named(action()?, "voice_call")?,
        "request_contact_info" => named(action()?, "request_contact_info")?,
        "address_message" => {
            let parameters = parameters(action()?, "address_message")?;
            needed(parameters, "country", "action['parameters']['country']", 2)?;
        }
        "order_details" | "order_status" => {
            object(action()?, "parameters", "action['parameters']")?;
        }
        "carousel" => check_cards(action()?, &mut checked)?,
        other => {
            return Err(none_of("interactive['type']", other, &KINDS, "type names no kind of interactive message"));
        }
    }
    let header = header.and_then(|(_, words)| words);
    let lines = [header.as_deref(), body, footer, Some(checked.rendered.as_str())];
    let lines: Vec<&str> = lines.into_iter().flatten().filter(|line| !line.is_empty()).collect();
    checked.rendered = lines.join("\n");
    Ok(checked)
}

fn named(action: &Value, wanted: &str) -> Result<(), Refusal> {
    let name = needed(action, "name", "action['name']", 64)?;
    if name.eq_ignore_ascii_case(wanted) { Ok(()) } else { Err(wrong(format!("action['name'] must be {wanted}"))) }
}

fn parameters<'a>(action: &'a Value, name: &str) -> Result<&'a Value, Refusal> {
    named(action, name)?;
    object(action, "parameters", "action['parameters']")
}

/// The header's type, and its words if it is text.
fn check_header(header: &Value, checked: &mut Checked) -> Result<(String, Option<String>), Refusal> {
    let kind = needed(header, "type", "header['type']", 32)?.to_ascii_lowercase();
    match kind.as_str() {
        "text" => {
            let words = needed(header, "text", "header['text']", HEADER_MAX)?.to_owned();
            Ok((kind, Some(words)))
        }
        "image" | "video" | "document" | "gif" => {
            let key = if kind == "gif" { "video" } else { kind.as_str() };
            let named = object(header, key, &format!("header['{key}']"))?;
            checked.media.extend(media::check_value(named, &format!("header['{key}']"))?);
            Ok((kind, None))
        }
        other => Err(wrong(format!("header['type'] must be one of text, image, video, document - got {other}"))),
    }
}

fn check_buttons(action: &Value, checked: &mut Checked) -> Result<(), Refusal> {
    let buttons = list(action, "buttons", "action['buttons']")?;
    if !(1..=BUTTONS_MAX).contains(&buttons.len()) {
        return Err(wrong(format!(
            "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: {BUTTONS_MAX}"
        )));
    }
    let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for (place, button) in buttons.iter().enumerate() {
        let at = format!("action['buttons'][{place}]");
        if !needed(button, "type", &format!("{at}['type']"), 32)?.eq_ignore_ascii_case("reply") {
            return Err(wrong(format!("{at}['type'] must be reply")));
        }
        let reply = object(button, "reply", &format!("{at}['reply']"))?;
        let id = needed(reply, "id", &format!("{at}['reply']['id']"), BUTTON_ID_MAX)?;
        let title = needed(reply, "title", &format!("{at}['reply']['title']"), LABEL_MAX)?;
        if !ids.insert(id) {
            return Err(wrong(format!("Duplicated button id: {id}")));
        }
        if !titles.insert(title) {
            return Err(wrong(format!("Duplicated title: {title}")));
        }
        checked.buttons.push(Button { text: title.into(), payload: id.into(), tap: Tap::Reply });
    }
    Ok(())
}

fn check_list(action: &Value, checked: &mut Checked) -> Result<(), Refusal> {
    needed(action, "button", "action['button']", LABEL_MAX)?;
    let sections = list(action, "sections", "action['sections']")?;
    if !(1..=SECTIONS_MAX).contains(&sections.len()) {
        return Err(wrong(format!(
            "Invalid sections count. Min allowed sections: 1, Max allowed sections: {SECTIONS_MAX}"
        )));
    }
    let (mut ids, mut total) = (BTreeSet::new(), 0);
    for (place, section) in sections.iter().enumerate() {
        let at = format!("action['sections'][{place}]");
        let title = text(section, "title", &format!("{at}['title']"), ROW_TITLE_MAX)?;
        if sections.len() > 1 && title.is_none_or(str::is_empty) {
            return Err(missing(&format!("{at}['title']")));
        }
        let rows = list(section, "rows", &format!("{at}['rows']"))?;
        if rows.is_empty() {
            return Err(missing(&format!("{at}['rows']")));
        }
        total += rows.len();
        for (row_place, row) in rows.iter().enumerate() {
            let at = format!("{at}['rows'][{row_place}]");
            let id = needed(row, "id", &format!("{at}['id']"), ROW_ID_MAX)?;
            let title = needed(row, "title", &format!("{at}['title']"), ROW_TITLE_MAX)?;
            let description = text(row, "description", &format!("{at}['description']"), ROW_DESCRIPTION_MAX)?;
            if !ids.insert(id) {
                return Err(wrong(format!("Duplicated row id: {id}")));
            }
            let tap = Tap::Row(description.filter(|words| !words.is_empty()).map(Into::into));
            checked.buttons.push(Button { text: title.into(), payload: id.into(), tap });
        }
    }
    if total > ROWS_MAX {
        return Err(wrong(format!("Total row count exceed max allowed count: {ROWS_MAX}")));
    }
    Ok(())
}

fn check_products(action: &Value) -> Result<(), Refusal> {
    needed(action, "catalog_id", "action['catalog_id']", 256)?;
    let sections = list(action, "sections", "action['sections']")?;
    if !(1..=SECTIONS_MAX).contains(&sections.len()) {
        return Err(wrong(format!(
            "Invalid sections count. Min allowed sections: 1, Max allowed sections: {SECTIONS_MAX}"
        )));
    }
    let mut total = 0;
    for (place, section) in sections.iter().enumerate() {
        let at = format!("action['sections'][{place}]");
        let title = text(section, "title", &format!("{at}['title']"), ROW_TITLE_MAX)?;
        if sections.len() > 1 && title.is_none_or(str::is_empty) {
            return Err(missing(&format!("{at}['title']")));
        }
        let items = list(section, "product_items", &format!("{at}['product_items']"))?;
        for (item_place, item) in items.iter().enumerate() {
            let at = format!("{at}['product_items'][{item_place}]['product_retailer_id']");
            needed(item, "product_retailer_id", &at, 256)?;
        }
        total += items.len();
    }
    match total {
        0 => Err(missing("action['sections']['product_items']")),
        total if total > PRODUCTS_MAX => {
            Err(wrong(format!("Total product count exceed max allowed count: {PRODUCTS_MAX}")))
        }
        _ => Ok(()),
    }
}

fn check_cards(action: &Value, checked: &mut Checked) -> Result<(), Refusal> {
    let cards = list(action, "cards", "action['cards']")?;
    if !(CARDS_MIN..=CARDS_MAX).contains(&cards.len()) {
        return Err(wrong(format!(
            "Invalid cards count. Min allowed cards: {CARDS_MIN}, Max allowed cards: {CARDS_MAX}"
        )));
    }
    for (place, card) in cards.iter().enumerate() {
        let at = format!("action['cards'][{place}]");
        let index =
            field(card, "card_index").and_then(Value::as_u64).ok_or_else(|| missing(&format!("{at}['card_index']")))?;
        if index != place as u64 {
            return Err(wrong(format!("{at}['card_index'] must be {place}")));
        }
        let header = object(card, "header", &format!("{at}['header']"))?;
        check_header(header, checked)?;
        let action = object(card, "action", &format!("{at}['action']"))?;
        if field(action, "buttons").is_some() {
            let mut own = Checked::default();
            let quick = list(action, "buttons", &format!("{at}['action']['buttons']"))?;
            // Cards spell their buttons as quick replies.
            for (button_place, button) in quick.iter().enumerate() {
                let at = format!("{at}['action']['buttons'][{button_place}]");
                let reply = field(button, "quick_reply").or(field(button, "reply")).ok_or_else(|| missing(&at))?;
                let id = needed(reply, "id", &format!("{at}['id']"), BUTTON_ID_MAX)?;
                let title = needed(reply, "title", &format!("{at}['title']"), LABEL_MAX)?;
                own.buttons.push(Button { text: title.into(), payload: id.into(), tap: Tap::Reply });
            }
            checked.buttons.append(&mut own.buttons);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code(interactive: Value) -> (u32, String) {
        let refusal = check(&interactive).unwrap_err();
        let details = serde_json::to_value(refusal.reply(String::new())).unwrap();
        (refusal.code(), details["error"]["error_data"]["details"].as_str().unwrap_or_default().to_owned())
    }

    fn buttons(titles: &[&str]) -> Value {
        let button =
            |title: &&str| json!({ "type": "reply", "reply": { "id": format!("id-{title}"), "title": title } });
        json!({ "type": "button", "body": { "text": "Well?" }, "header": null, "footer": { "text": "x" },
                "action": { "buttons": titles.iter().map(button).collect::<Vec<_>>() } })
    }

    #[test]
    fn buttons_are_one_to_three_short_and_different() {
        let checked = check(&buttons(&["Yes", "No"])).unwrap();
        assert_eq!(
            (checked.rendered.as_str(), checked.buttons.len(), &*checked.buttons[1].payload),
            ("Well?\nx", 2, "id-No")
        );
        for (titles, code_and_details) in [
            (&[][..], "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3"),
            (&["1", "2", "3", "4"], "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3"),
            (&["123456789012345678901"], "action['buttons'][0]['reply']['title'] is too long. Max length is 20"),
            (&["Yes", "Yes"], "Duplicated button id: id-Yes"),
        ] {
            assert_eq!(code(buttons(titles)), (131_009, code_and_details.to_owned()));
        }
        assert_eq!(code(buttons(&[""])).0, 131_008);
        assert_eq!(
            code(json!({ "type": "button", "action": {} })),
            (131_008, "interactive['body']['text'] is required".to_owned())
        );
        assert_eq!(code(json!({ "type": "buttons", "body": { "text": "x" } })).0, 100);
    }

    #[test]
    fn lists_have_ten_rows_at_most_in_sections_with_titles() {
        let rows = |from: u32, count: u32| -> Vec<Value> {
            (from..from + count).map(|n| json!({ "id": format!("r{n}"), "title": format!("Row {n}") })).collect()
        };
        let of = |sections: Value| json!({ "type": "list", "body": { "text": "x" }, "action": { "button": "Choose", "sections": sections } });
        assert_eq!(check(&of(json!([{ "rows": rows(0, 10) }]))).unwrap().buttons.len(), 10);
        assert_eq!(
            code(of(json!([{ "title": "A", "rows": rows(0, 6) }, { "title": "B", "rows": rows(6, 5) }]))).0,
            131_009
        );
        assert_eq!(code(of(json!([{ "rows": rows(0, 1) }, { "title": "B", "rows": rows(1, 1) }]))).0, 131_008);
        assert_eq!(code(of(json!([{ "rows": [{ "id": "r", "title": "x".repeat(25) }] }]))).0, 131_009);
        let mut with_image = of(json!([{ "rows": rows(0, 1) }]));
        with_image["header"] = json!({ "type": "image", "image": { "id": "1" } });
        assert_eq!(code(with_image).0, 131_009);
    }

    #[test]
    fn the_other_kinds_need_what_is_documented() {
        let of = |kind: &str, action: Value| json!({ "type": kind, "body": { "text": "x" }, "action": action });
        for (kind, action) in [
            (
                "cta_url",
                json!({ "name": "cta_url", "parameters": { "display_text": "Go", "url": "https://shop.example" } }),
            ),
            (
                "flow",
                json!({ "name": "flow", "parameters": { "flow_message_version": "3", "flow_id": "1", "flow_cta": "Go" } }),
            ),
            ("product", json!({ "catalog_id": "1", "product_retailer_id": "2" })),
            ("catalog_message", json!({ "name": "catalog_message" })),
            ("location_request_message", json!({ "name": "send_location" })),
            ("address_message", json!({ "name": "address_message", "parameters": { "country": "IN" } })),
            ("call_permission_request", json!({ "name": "call_permission_request" })),
            ("request_contact_info", json!({ "name": "request_contact_info" })),
        ] {
            check(&of(kind, action)).unwrap();
            assert!(matches!(code(of(kind, json!({}))).0, 131_008 | 131_009), "{kind}");
        }
        let flow = json!({ "flow_message_version": "9", "flow_id": "1", "flow_cta": "Go" });
        assert_eq!(
            code(of("flow", json!({ "name": "flow", "parameters": flow }))).0,
            131_009,
            "version 3 is all there is"
        );
        let sections = json!([{ "title": "A", "product_items": [{ "product_retailer_id": "1" }] }]);
        let mut products = of("product_list", json!({ "catalog_id": "1", "sections": sections }));
        assert_eq!(code(products.clone()).0, 131_008, "a list of products has a header");
        products["header"] = json!({ "type": "text", "text": "Ours" });
        check(&products).unwrap();
        let card = |place: u32| {
            json!({ "card_index": place, "type": "cta_url", "header": { "type": "image", "image": { "link": "https://x/y" } },
                                        "action": { "name": "cta_url", "parameters": {} } })
        };
        check(&of("carousel", json!({ "cards": [card(0), card(1)] }))).unwrap();
        assert_eq!(code(of("carousel", json!({ "cards": [card(0)] }))).0, 131_009);
        assert_eq!(code(of("carousel", json!({ "cards": [card(0), card(2)] }))).0, 131_009);
    }
}
