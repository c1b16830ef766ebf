//! Messages of every type, each as clients write it, and the rules on what may be sent to whom and when.

use crate::client::{Mock, events, sale, text};
use crate::receiver::Receiver;
use cloud_api::catalogue::{self, Mode};
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use serde_json::{Value, json};

const TO: &str = "+14155550123";

/// A message of a type.
fn of(kind: &str, object: Value) -> Value {
    let mut message = json!({ "messaging_product": "whatsapp", "to": TO, "type": kind });
    message[kind] = object;
    message
}

fn interactive(kind: &str, action: Value) -> Value {
    of("interactive", json!({ "type": kind, "body": { "text": "Well?" }, "action": action }))
}

#[tokio::test]
async fn messages_of_every_type_are_taken_and_shown() {
    let mock = Mock::start().await;
    let row = json!({ "id": "r1", "title": "One" });
    let reply = json!({ "type": "reply", "reply": { "id": "y", "title": "Yes" } });
    for (message, rendered) in [
        (of("text", json!({ "body": "hello", "preview_url": null })), "hello"),
        (
            of("image", json!({ "link": "https://x.example/a.jpg", "caption": "see" })),
            "[image https://x.example/a.jpg] see",
        ),
        (of("video", json!({ "link": "https://x.example/a.mp4" })), "[video https://x.example/a.mp4]"),
        (of("audio", json!({ "link": "https://x.example/a.ogg", "voice": true })), "[audio https://x.example/a.ogg]"),
        (of("document", json!({ "link": "https://x.example/a.pdf", "filename": "a.pdf" })), "[document a.pdf]"),
        (of("sticker", json!({ "link": "https://x.example/a.webp" })), "[sticker https://x.example/a.webp]"),
        (of("location", json!({ "latitude": "52.1", "longitude": 5.2, "name": "Shop" })), "[location 52.1, 5.2] Shop"),
        (of("contacts", json!([{ "name": { "formatted_name": "Ana" }, "birthday": "1990-12-31" }])), "[contacts] Ana"),
        (of("contacts", json!([{ "name": { "formatted_name": "Bo" }, "birthday": "" }])), "[contacts] Bo"),
        (interactive("button", json!({ "buttons": [reply] })), "Well?"),
        (interactive("list", json!({ "button": "Choose", "sections": [{ "rows": [row] }] })), "Well?"),
        (interactive("location_request_message", json!({ "name": "send_location" })), "Well?"),
        (interactive("request_contact_info", json!({ "name": "request_contact_info" })), "Well?"),
    ] {
        let answer = mock.send(&message).await;
        let wamid = answer.wamid();
        assert!(answer.body["messages"][0].get("message_status").is_none(), "of templates only: {answer:?}");
        let shown = mock.messages("").await.pop().unwrap();
        assert_eq!((&shown["wamid"], &shown["rendered"]), (&json!(wamid), &json!(rendered)));
        assert_eq!(shown["type"], message["type"]);
    }
}

#[tokio::test]
async fn what_breaks_a_limit_is_refused_by_its_code() {
    let mock = Mock::start().await;
    for (message, code, details) in [
        (of("image", json!({})), 131_008, "image: media needs an id or a link"),
        (of("image", json!({ "id": "1", "link": "https://x/y" })), 131_009, "image: media has both an id and a link"),
        (of("image", json!({ "id": "123456" })), 131_009, "Media id 123456 is not known for this phone number"),
        (of("image", json!({ "link": "ftp://x/y" })), 131_009, "image: link is not a valid URL"),
        (of("image", json!({ "link": "https://x/y", "caption": "x".repeat(1_025) })), 100, ""),
        (of("audio", json!({ "link": "https://x/y", "caption": "x" })), 100, ""),
        (
            of("location", json!({ "latitude": 91, "longitude": 0 })),
            131_009,
            "location['latitude'] must be a number between -90 and 90",
        ),
        (of("location", json!({ "latitude": 1 })), 100, ""),
        (of("contacts", json!([])), 100, ""),
        (of("contacts", json!([{ "name": {} }])), 131_008, "contacts[0]['name']['formatted_name'] is required"),
        (of("reaction", json!({ "message_id": "wamid.x" })), 100, ""),
        (
            of("reaction", json!({ "message_id": "wamid.x", "emoji": "no" })),
            131_009,
            "reaction['emoji'] must be a single emoji",
        ),
        (of("reaction", json!({ "message_id": "wamid.x", "emoji": "👍👍" })), 100, ""),
        (
            interactive("button", json!({ "buttons": [] })),
            131_009,
            "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3",
        ),
        (interactive("list", json!({ "sections": [] })), 131_008, "action['button'] is required"),
        (interactive("dance", json!({})), 100, ""),
        (of("pin", json!({})), 131_051, "Unsupported message type"),
    ] {
        let answer = mock.send(&message).await;
        assert_eq!((answer.status, answer.error().0, answer.error().3), (400, code, details), "{message}");
        assert!(!answer.header("x-mock-why").is_empty());
    }
    assert!(mock.messages("").await.is_empty(), "what is refused is no message");
}

#[tokio::test]
async fn clients_may_write_a_send_in_many_ways() {
    let mock = Mock::start().await;
    let path = |query: &str| format!("/{}/messages{query}", mock.number);
    let template = json!({ "name": "hello_world", "language": { "code": "en_US", "policy": null }, "components": [] });
    let body = json!({ "recipient_type": null, "to": 14_155_550_123_u64, "template": template, "type": null });
    let bare =
        mock.raw(Method::POST, &path("?messaging_product=whatsapp"), "mock-token", body.to_string().into_bytes()).await;
    bare.unwrap().wamid();
    let mut both = text(TO, "x");
    both["recipient"] = json!("US.whatever");
    assert_eq!(mock.send(&both).await.body["contacts"][0], json!({ "input": TO, "wa_id": "14155550123" }));
    let group =
        json!({ "messaging_product": "whatsapp", "recipient_type": "group", "to": "g", "text": { "body": "x" } });
    assert_eq!(mock.send(&group).await.error().0, 100);
    for version in ["v1.0", "v19.0", "v99.0"] {
        let path = format!("/{version}/{}/messages", mock.number);
        let answer = mock.raw(Method::POST, &path, "mock-token", text(TO, "x").to_string().into_bytes()).await.unwrap();
        assert_eq!((answer.status, answer.header("facebook-api-version")), (200, version));
    }
}

#[tokio::test]
async fn nested_parameters_may_be_texts_of_json_and_a_send_may_be_a_form() {
    let mock = Mock::start().await;
    let mut sloppy = of("contacts", json!(r#"[{"name":{"formatted_name":"Ana"}}]"#));
    mock.send(&sloppy).await.wamid();
    assert_eq!(mock.messages("").await.pop().unwrap()["rendered"], "[contacts] Ana");
    sloppy = of("text", json!(r#"{"body":"from a text","preview_url":"true"}"#));
    mock.send(&sloppy).await.wamid();
    mock.send(&of("text", json!({ "body": "preview", "preview_url": "FALSE" }))).await.wamid();
    let button = json!({ "type": "reply", "reply": { "id": "y", "title": "Yes" } });
    let action = json!({ "buttons": json!([button]).to_string() }).to_string();
    mock.send(&of("interactive", json!({ "type": "button", "body": r#"{"text":"Well?"}"#, "action": action })))
        .await
        .wamid();
    assert_eq!(mock.messages("").await.pop().unwrap()["rendered"], "Well?");
    let path = format!("/{}/messages", mock.number);
    let fields = [
        ("messaging_product", "whatsapp"),
        ("to", TO),
        ("type", "text"),
        ("text", r#"{"body":"from a form"}"#),
        ("biz_opaque_callback_data", "123"),
    ];
    let multipart: String = fields
        .iter()
        .map(|(name, value)| format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"))
        .collect();
    let encoded: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace('+', "%2B").replace('"', "%22")))
        .collect();
    for (kind, body) in [
        ("multipart/form-data; boundary=b", format!("{multipart}--b--\r\n")),
        ("application/x-www-form-urlencoded", encoded.join("&")),
    ] {
        let headers = [("authorization", "Bearer mock-token"), ("content-type", kind)];
        let (parts, answer) = mock.exchange(Method::POST, &path, &headers, body.into_bytes()).await.unwrap();
        assert_eq!(parts.status, 200, "{kind}: {answer:?}");
        let message = mock.messages("").await.pop().unwrap();
        assert_eq!((&message["rendered"], &message["callback_data"]), (&json!("from a form"), &json!("123")), "{kind}");
    }
    for (words, count) in [("from a text", 1), ("from a form", 2)] {
        let wanted = json!({ "match": { "to": TO, "body": { "/text/body": words } }, "count": count });
        assert_eq!(mock.control("POST", "/verify", wanted).await.status, 200, "{words}");
    }
    for kind in ["multipart/form-data", "multipart/form-data; boundary=other"] {
        let headers = [("authorization", "Bearer mock-token"), ("content-type", kind)];
        let (parts, _) = mock.exchange(Method::POST, &path, &headers, multipart.clone().into_bytes()).await.unwrap();
        assert_eq!(parts.status, 400, "{kind}");
    }
    let wrong = mock.send(&of("text", json!({ "body": "x", "preview_url": "maybe" }))).await;
    assert_eq!((wrong.status, wrong.error().0), (400, 100));
}

#[tokio::test]
async fn every_call_takes_a_form_of_any_kind() {
    let mock = Mock::start().await;
    let body = "--b\r\ncontent-disposition: form-data; name=\"prefilled_message\"\r\n\r\nHi\r\n--b--\r\n";
    let headers = [("authorization", "Bearer mock-token"), ("content-type", "Multipart/Form-Data; boundary=b")];
    let path = format!("/{}/message_qrdls", mock.number);
    let (parts, answer) = mock.exchange(Method::POST, &path, &headers, body.into()).await.unwrap();
    assert_eq!(parts.status, 200, "{answer:?}");
}

#[tokio::test]
async fn free_messages_reach_only_who_wrote_in_the_last_24_hours() {
    let mock = Mock::strict(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let settle = || mock.done("POST", "/clock/settle", json!({ "quiet": "0s" }));
    let last = || async { mock.messages("").await.pop().unwrap() };
    mock.send(&text(TO, "hello")).await.wamid();
    settle().await;
    let failed = last().await;
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("failed"), &json!(131_047)));
    assert_eq!(events(&failed), ["accepted", "failed"], "it is taken at first");
    mock.send(&sale(TO, "Ana")).await.wamid();
    settle().await;
    assert_eq!(last().await["status"], "read", "templates go out at any time");
    mock.done("POST", "/handsets/14155550123/messages", json!({ "type": "text", "text": "hi" })).await;
    mock.send(&text(TO, "hello Ana")).await.wamid();
    settle().await;
    assert_eq!(last().await["status"], "read");
    mock.done("POST", "/clock/advance", json!({ "by": "24h" })).await;
    mock.send(&text(TO, "still there?")).await.wamid();
    settle().await;
    assert_eq!(last().await["error"]["code"], 131_047);
    // Numbers with a meaning do what they mean, whatever is sent.
    mock.send(&text("+14155550404", "x")).await.wamid();
    mock.send(&text("+14155550201", "x")).await.wamid();
    settle().await;
    let ends: Vec<Value> =
        mock.messages("").await.iter().rev().take(2).map(|message| message["status"].clone()).collect();
    assert_eq!(ends, ["read", "failed"]);
}

#[tokio::test]
async fn the_window_can_be_switched_off() {
    let mock = Mock::strict(MockWhatsApp::builder().window(false)).await;
    mock.send(&text(TO, "hello")).await.wamid();
    assert_eq!(mock.settled("").await[0]["status"], "read");
}

#[tokio::test]
async fn a_test_number_writes_to_its_allow_list_only() {
    let mock = Mock::start().await;
    let unset = mock.done("GET", "/recipients", Value::Null).await;
    assert_eq!(unset, json!({ "allowed": null }));
    mock.done("PUT", "/recipients", json!({ "allowed": ["+49 151".replace(' ', ""), "14155550123"] })).await;
    mock.send(&text(TO, "x")).await.wamid();
    let refused = mock.send(&text("+4915112345678", "x")).await;
    assert_eq!((refused.status, refused.error().0), (400, 131_030));
    assert!(refused.header("x-mock-why").contains("/_mock/recipients"));
    mock.done("PUT", "/recipients", json!({ "allowed": null })).await;
    mock.send(&text("+4915112345678", "x")).await.wamid();
    let wrong = mock.control("PUT", "/recipients", json!({ "allowed": "all" })).await;
    assert_eq!((wrong.status, &wrong.body["pointer"]), (400, &json!("/allowed")));
}

#[tokio::test]
async fn a_reaction_is_sent_and_no_more_and_needs_a_message() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    let said = mock.done("POST", "/handsets/14155550123/messages", json!({ "type": "text", "text": "hi" })).await;
    receiver.next().await;
    let reaction = |wamid: &Value| of("reaction", json!({ "message_id": wamid, "emoji": "👍" }));
    let wamid = mock.send(&reaction(&said["wamid"])).await.wamid();
    let told = receiver.next().await;
    assert_eq!((told.kind(), &told.status()["id"]), ("sent", &json!(wamid)));
    let of_reaction = mock.send(&reaction(&json!(wamid))).await.wamid();
    let told = receiver.next().await;
    assert_eq!((told.kind(), &told.status()["id"]), ("failed", &json!(of_reaction)));
    assert_eq!(told.status()["errors"][0]["code"], 131_009);
    mock.send(&reaction(&json!("wamid.unknown"))).await.wamid();
    assert_eq!(receiver.next().await.kind(), "failed");
    assert_eq!(mock.settled("").await[0]["status"], "sent");
}

#[tokio::test]
async fn what_is_tapped_in_an_interactive_message_comes_back_as_it_was_named() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    let reply = json!({ "type": "reply", "reply": { "id": "yes-1", "title": "Yes" } });
    let wamid = mock.send(&interactive("button", json!({ "buttons": [reply] }))).await.wamid();
    receiver.kinds(3).await;
    mock.done("POST", "/handsets/14155550123/messages", json!({ "type": "button", "button": "Yes" })).await;
    let tapped = receiver.next().await;
    let wanted = json!({ "type": "button_reply", "button_reply": { "id": "yes-1", "title": "Yes" } });
    assert_eq!((tapped.kind(), &tapped.message()["interactive"]), ("interactive", &wanted));
    assert_eq!(tapped.message()["context"]["id"], json!(wamid));
    let row = json!({ "id": "r3", "title": "Tuesday", "description": "10–12" });
    mock.send(&interactive("list", json!({ "button": "Choose", "sections": [{ "rows": [row] }] }))).await.wamid();
    receiver.kinds(3).await;
    mock.done("POST", "/handsets/14155550123/messages", json!({ "type": "button", "button": "Tuesday" })).await;
    let wanted =
        json!({ "type": "list_reply", "list_reply": { "id": "r3", "title": "Tuesday", "description": "10–12" } });
    assert_eq!(receiver.next().await.message()["interactive"], wanted);
}

#[tokio::test]
async fn reading_and_typing_need_a_message_of_the_contact() {
    let mock = Mock::start().await;
    let said = mock.done("POST", "/handsets/14155550123/messages", json!({ "type": "text", "text": "hi" })).await;
    let receipt = |typing: Value| json!({ "messaging_product": "whatsapp", "status": "read", "message_id": said["wamid"], "typing_indicator": typing });
    for typing in [Value::Null, json!({ "type": "text" })] {
        assert_eq!(mock.send(&receipt(typing)).await.body, json!({ "success": true }));
    }
    assert_eq!(mock.send(&receipt(json!({ "type": "voice" }))).await.error().0, 100);
    let malformed = mock.send(&receipt(json!(true))).await;
    assert_eq!(malformed.error().2, "(#100) Param typing_indicator must be an object.");
    let mut wrong = receipt(Value::Null);
    wrong["status"] = json!("delivered");
    assert_eq!(mock.send(&wrong).await.error().2, "(#100) Param status must be one of {READ} - got \"delivered\".");
    mock.done("POST", "/clock/freeze", json!({})).await;
    mock.done("POST", "/clock/advance", json!({ "by": "719h" })).await;
    assert_eq!(mock.send(&receipt(Value::Null)).await.status, 200);
    mock.done("POST", "/clock/advance", json!({ "by": "2h" })).await;
    assert_eq!(mock.send(&receipt(Value::Null)).await.error().0, 131_009, "after 30 days it is too late");
    // And for a reaction likewise, which fails later.
    let reaction = mock.send(&of("reaction", json!({ "message_id": said["wamid"], "emoji": "👍" }))).await.wamid();
    mock.done("POST", "/clock/settle", json!({})).await;
    let messages = mock.messages("").await;
    let reacted = messages.iter().find(|message| message["wamid"] == reaction).unwrap();
    assert_eq!((&reacted["status"], &reacted["error"]["code"]), (&json!("failed"), &json!(131_009)), "{reacted}");
}

#[tokio::test]
async fn every_code_of_the_catalogue_can_be_had() {
    let mock = Mock::start().await;
    let mut tried = 0;
    for (_, entry) in catalogue::entries().filter(|(_, entry)| entry.subcode.is_none()) {
        let fault = mock.done("POST", "/faults", json!({ "kind": "error", "code": entry.code })).await;
        let refused = mock.send(&sale(TO, "Ana")).await;
        assert_eq!((refused.status, refused.error().0), (entry.http, i64::from(entry.code)), "{refused:?}");
        mock.done("DELETE", &format!("/faults/{}", fault["id"].as_str().unwrap()), Value::Null).await;
        if entry.mode != Mode::Synchronous {
            mock.done("POST", "/faults", json!({ "kind": "error", "code": entry.code, "asynchronous": true })).await;
            mock.send(&sale(TO, "Ana")).await.wamid();
            let failed = mock.settled("").await.pop().unwrap();
            assert_eq!(failed["error"]["code"], entry.code);
            mock.done("DELETE", "/faults", Value::Null).await;
        }
        tried += 1;
    }
    assert!(tried > 70, "{tried}");
}
