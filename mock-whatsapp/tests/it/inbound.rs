//! What contacts write: every type, in the shape that webhooks have.

use crate::client::{Mock, text};
use crate::receiver::Receiver;
use serde_json::{Value, json};

const ANA: &str = "/handsets/14155550403/messages";

#[tokio::test]
async fn contacts_write_messages_of_every_type() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    let wamid = mock.send(&text("+14155550403", "hi")).await.wamid();
    assert_eq!(receiver.next().await.kind(), "sent");
    let place = json!({ "latitude": 52.1, "longitude": 5.2, "name": "Shop" });
    let card = json!([{ "name": { "formatted_name": "Ben" } }]);
    let items = json!([{ "product_retailer_id": "a", "quantity": 1, "item_price": 2.5, "currency": "EUR" }]);
    let order = json!({ "catalog_id": "7", "product_items": items });
    let list = json!({ "type": "list_reply", "list_reply": { "id": "r3", "title": "Tue", "description": "10–12" } });
    let button = json!({ "type": "button_reply", "button_reply": { "id": "yes", "title": "Yes" } });
    let flow = json!({ "type": "nfm_reply", "nfm_reply": { "response_json": "{}", "name": "flow", "body": "Sent" } });
    for (said, kind, object) in [
        (json!({ "type": "text", "text": "STOP" }), "text", json!({ "body": "STOP" })),
        (json!({ "type": "interactive", "interactive": list }), "interactive", list),
        (json!({ "type": "interactive", "interactive": button }), "interactive", button),
        (json!({ "type": "interactive", "interactive": flow }), "interactive", flow.clone()),
        (
            json!({ "type": "interactive", "interactive": { "type": "nfm_reply", "nfm_reply": { "response_json": "{}" } } }),
            "interactive",
            flow,
        ),
        (
            json!({ "type": "reaction", "reaction": { "emoji": "👍" } }),
            "reaction",
            json!({ "message_id": wamid, "emoji": "👍" }),
        ),
        (json!({ "type": "reaction", "reaction": { "emoji": null } }), "reaction", json!({ "message_id": wamid })),
        (json!({ "type": "location", "location": place }), "location", place),
        (json!({ "type": "contacts", "contacts": card }), "contacts", card),
        (json!({ "type": "order", "order": order }), "order", order),
        (json!({ "type": "unsupported", "unsupported": { "type": "poll" } }), "unsupported", json!({ "type": "poll" })),
        (json!({ "type": "request_welcome" }), "request_welcome", Value::Null),
    ] {
        let written = mock.control("POST", ANA, said.clone()).await;
        assert_eq!(written.status, 201, "{said}: {written:?}");
        let webhook = receiver.next().await;
        let message = webhook.message();
        assert_eq!((message["type"].as_str(), &message[kind]), (Some(kind), &object), "{said}");
        assert_eq!((&message["id"], &message["from"]), (&written.body["wamid"], &json!("14155550403")));
        assert_eq!(message.get("errors").is_some(), kind == "unsupported");
        let contact = &webhook.body["entry"][0]["changes"][0]["value"]["contacts"][0];
        assert_eq!((&contact["wa_id"], &contact["user_id"]), (&json!("14155550403"), &message["from_user_id"]));
        assert!(contact["user_id"].as_str().unwrap().starts_with("US."));
        let log = mock.done("GET", &format!("/webhooks?wamid={}", encoded(&written.body["wamid"])), Value::Null).await;
        assert_eq!(log["items"][0]["kind"], format!("message.{kind}"));
    }
}

fn encoded(wamid: &Value) -> String {
    wamid.as_str().unwrap().replace('+', "%2B").replace('=', "%3D")
}

#[tokio::test]
async fn media_that_contacts_send_have_an_id_a_hash_and_a_url() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    for (kind, own, mime) in [
        ("image", json!({ "caption": "see" }), "image/jpeg"),
        ("video", json!({ "caption": "see" }), "video/mp4"),
        ("audio", json!({ "voice": false }), "audio/ogg; codecs=opus"),
        ("document", json!({ "filename": "a.pdf" }), "application/pdf"),
        ("sticker", json!({ "animated": true }), "image/webp"),
    ] {
        mock.done("POST", ANA, json!({ "type": kind, kind: own })).await;
        let webhook = receiver.next().await;
        let object = &webhook.message()[kind];
        assert_eq!(object["mime_type"], mime);
        for (key, value) in own.as_object().unwrap() {
            assert_eq!(&object[key], value);
        }
        for key in ["id", "sha256", "url"] {
            assert!(object[key].as_str().is_some_and(|text| !text.is_empty()), "{kind} has no {key}");
        }
        mock.done("POST", ANA, json!({ "type": kind })).await;
        let plain = receiver.next().await;
        assert_ne!(plain.message()[kind]["id"], object["id"]);
        assert_eq!(plain.message()[kind]["filename"].is_string(), kind == "document", "documents have names");
    }
}

#[tokio::test]
async fn a_message_can_quote_be_forwarded_or_come_from_an_advertisement() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    let wamid = mock.send(&text("+14155550403", "hi")).await.wamid();
    receiver.next().await;
    mock.done("POST", ANA, json!({ "type": "text", "text": "x", "reply_to": wamid })).await;
    assert_eq!(receiver.next().await.message()["context"], json!({ "from": "15557650001", "id": wamid }));
    mock.done("POST", ANA, json!({ "type": "text", "text": "x", "forwarded": true })).await;
    assert_eq!(receiver.next().await.message()["context"], json!({ "forwarded": true }));
    mock.done("POST", ANA, json!({ "type": "text", "text": "x", "frequently_forwarded": true })).await;
    assert_eq!(receiver.next().await.message()["context"], json!({ "frequently_forwarded": true }));
    let referral = json!({ "source_type": "ad", "source_id": "7", "ctwa_clid": "c" });
    mock.done("POST", ANA, json!({ "type": "text", "text": "x", "referral": referral })).await;
    assert_eq!(receiver.next().await.message()["referral"], referral);
}

#[tokio::test]
async fn who_changes_the_number_says_so_and_the_old_one_is_not_on_whatsapp() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    let moved = json!({ "type": "system", "system": { "wa_id": "14155559876" } });
    mock.done("POST", "/handsets/14155540123/messages", moved).await;
    let webhook = receiver.next().await;
    let system = &webhook.message()["system"];
    assert_eq!((&system["type"], &system["wa_id"]), (&json!("user_changed_number"), &json!("14155559876")));
    assert!(webhook.body["entry"][0]["changes"][0]["value"].get("contacts").is_none());
    mock.send(&text("14155540123", "hi")).await.wamid();
    assert_eq!(receiver.next().await.status()["errors"][0]["code"], 131_026);
}

#[tokio::test]
async fn what_nobody_can_write_is_refused_by_its_place() {
    let mock = Mock::start().await;
    let one = |kind: &str| json!({ "type": kind });
    for (body, status, pointer) in [
        (one("dance"), 400, "/type"),
        (one("text"), 400, "/text"),
        (json!({ "type": "text", "text": "" }), 400, "/text"),
        (json!({ "type": "text", "text": "x", "reply_to": "wamid.x" }), 409, "/reply_to"),
        (json!({ "type": "button", "button": "No" }), 409, "/button"),
        (one("interactive"), 400, "/interactive"),
        (json!({ "type": "interactive", "interactive": { "type": "x" } }), 400, "/interactive/type"),
        (json!({ "type": "interactive", "interactive": { "type": "nfm_reply" } }), 400, "/interactive/nfm_reply"),
        (json!({ "type": "reaction", "reaction": {} }), 409, "/reaction/message_id"),
        (json!({ "type": "location", "location": { "latitude": 91, "longitude": 0 } }), 400, "/location/latitude"),
        (json!({ "type": "contacts", "contacts": [] }), 400, "/contacts"),
        (json!({ "type": "order", "order": {} }), 400, "/order/catalog_id"),
        (json!({ "type": "image", "image": { "filename": "x" } }), 400, "/image/filename"),
        (json!({ "type": "system", "system": { "wa_id": "x" } }), 400, "/system/wa_id"),
        (json!({ "type": "text", "text": "x", "image": {} }), 400, "/image"),
    ] {
        let refused = mock.control("POST", ANA, body.clone()).await;
        assert_eq!((refused.status, refused.body["pointer"].as_str()), (status, Some(pointer)), "{body}");
    }
}
