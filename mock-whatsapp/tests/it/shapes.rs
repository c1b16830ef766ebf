//! Lists and objects that stand where they cannot: the parameter is named, and nothing is taken half.

use crate::client::{Answer, Mock, sale, text};
use hyper::Method;
use serde_json::{Value, json};

/// What a list cannot be, and what an object cannot be.
const NO_LISTS: [&str; 5] = ["{}", "{\"0\":{\"type\":\"reply\"}}", "\"x\"", "5", "true"];
const NO_OBJECTS: [&str; 4] = ["[]", "\"x\"", "5", "true"];

fn interactive(action: Value) -> Value {
    let mut message = text("+14155550200", "x");
    message["type"] = json!("interactive");
    message["interactive"] = json!({ "type": "button", "body": { "text": "b" }, "footer": {}, "action": action });
    message
}

fn card(card: Value) -> Value {
    let mut message = text("+14155550200", "x");
    message["type"] = json!("contacts");
    message["contacts"] = json!([card]);
    message
}

/// The same with another value at a place.
fn with(mut message: Value, pointer: &str, value: &str) -> Value {
    *message.pointer_mut(pointer).unwrap() = serde_json::from_str(value).unwrap();
    message
}

fn check(answer: &Answer, at: &str, wanted: &str) {
    let message = format!("(#100) Param {at} must be {wanted}.");
    assert_eq!((answer.status, answer.error().0, answer.error().2), (400, 100, message.as_str()), "{answer:?}");
    assert!(answer.header("x-mock-why").contains(at), "{answer:?}");
}

#[tokio::test]
async fn a_send_has_lists_and_objects_where_they_are_documented() {
    let mock = Mock::start().await;
    let reply = json!({ "type": "reply", "reply": { "id": "1", "title": "Yes" } });
    let buttons = || interactive(json!({ "buttons": [reply.clone()] }));
    let sections = || interactive(json!({ "button": "x", "sections": [{ "rows": [{ "id": "1", "title": "t" }] }] }));
    let named = || card(json!({ "name": { "formatted_name": "A" }, "org": {}, "phones": [], "urls": [] }));
    for (good, pointer, at) in [
        (buttons(), "/interactive/action/buttons", "interactive['action']['buttons']"),
        (sections(), "/interactive/action/sections", "interactive['action']['sections']"),
        (sections(), "/interactive/action/sections/0/rows", "interactive['action']['sections'][0]['rows']"),
        (named(), "/contacts", "contacts"),
        (named(), "/contacts/0/phones", "contacts[0]['phones']"),
        (named(), "/contacts/0/urls", "contacts[0]['urls']"),
        (sale("+14155550200", "Ana"), "/template/components", "template['components']"),
        (sale("+14155550200", "Ana"), "/template/components/0/parameters", "template['components'][0]['parameters']"),
    ] {
        for value in NO_LISTS {
            check(&mock.send(&with(good.clone(), pointer, value)).await, at, "an array");
        }
    }
    for (good, pointer, at) in [
        (buttons(), "/interactive", "interactive"),
        (buttons(), "/interactive/body", "interactive['body']"),
        (buttons(), "/interactive/footer", "interactive['footer']"),
        (buttons(), "/interactive/action", "interactive['action']"),
        (buttons(), "/interactive/action/buttons/0", "interactive['action']['buttons'][0]"),
        (buttons(), "/interactive/action/buttons/0/reply", "interactive['action']['buttons'][0]['reply']"),
        (named(), "/contacts/0", "contacts[0]"),
        (named(), "/contacts/0/name", "contacts[0]['name']"),
        (named(), "/contacts/0/org", "contacts[0]['org']"),
        (text("+14155550200", "x"), "/text", "text"),
        (sale("+14155550200", "Ana"), "/template/language", "template['language']"),
        (sale("+14155550200", "Ana"), "/template/components/0", "template['components'][0]"),
    ] {
        for value in NO_OBJECTS {
            check(&mock.send(&with(good.clone(), pointer, value)).await, at, "an object");
        }
    }
    assert_eq!(mock.messages("").await.len(), 0, "what is refused is no message");
    // As texts of JSON they are what they stand for.
    let written = with(named(), "/contacts", r#""[{\"name\":{\"formatted_name\":\"A\"}}]""#);
    assert_eq!(mock.send(&written).await.status, 200);
}

#[tokio::test]
async fn a_template_has_lists_and_objects_where_they_are_documented() {
    let mock = Mock::start().await;
    let body = json!({ "type": "BODY", "text": "x" });
    let quick = json!({ "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "Stop" }] });
    let header = json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::x"] } });
    let card = json!({ "components": [header, body, quick] });
    let good = json!([body, quick, { "type": "CAROUSEL", "cards": [card, card] }]);
    let path = format!("/{}/message_templates", mock.whatsapp.waba_id());
    let create = async |name: &str, components: Value| {
        let draft = json!({ "name": name, "language": "de", "category": "MARKETING", "components": components });
        mock.graph(Method::POST, &path, draft).await
    };
    for (pointer, at) in [
        ("/1/buttons", "components[1]['buttons']"),
        ("/2/cards", "components[2]['cards']"),
        ("/2/cards/1/components", "components[2]['cards'][1]['components']"),
        ("/2/cards/1/components/2/buttons", "components[2]['cards'][1]['components'][2]['buttons']"),
    ] {
        for value in NO_LISTS {
            check(&create("odd", with(good.clone(), pointer, value)).await, at, "an array");
        }
    }
    for (pointer, at) in [
        ("/1", "components[1]"),
        ("/1/buttons/0", "components[1]['buttons'][0]"),
        ("/2/cards/0", "components[2]['cards'][0]"),
    ] {
        for value in NO_OBJECTS {
            check(&create("odd", with(good.clone(), pointer, value)).await, at, "an object");
        }
    }
    let none = create("odd", with(good.clone(), "/1/buttons", "[]")).await;
    assert_eq!((none.error().0, none.error().1), (100, Some(2_388_043)), "a group of buttons has some");
    assert_eq!(create("even", good).await.status, 200);
}
