//! Webhooks that are odd, and those that somebody else made up.

use crate::client::{Mock, events, text};
use crate::receiver::Receiver;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use serde_json::{Value, json};

/// A mock whose time stands still, with a fault and a receiver.
async fn with(fault: Value) -> (Mock, Receiver) {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let receiver = Receiver::of(&mock).await;
    mock.done("POST", "/faults", fault).await;
    (mock, receiver)
}

/// Sends a message with callback data, and lets everything happen that follows.
async fn send(mock: &Mock, to: &str) -> String {
    let mut message = text(to, "x");
    message["biz_opaque_callback_data"] = json!("c:1|a:1");
    let wamid = mock.send(&message).await.wamid();
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    wamid
}

#[tokio::test]
async fn a_forged_webhook_lies_about_a_real_message_and_is_not_signed_by_the_app() {
    let (mock, mut receiver) = with(json!({ "kind": "webhook_forged" })).await;
    receiver.answer_with(401);
    // This contact has blocked the business: `sent` is all that is ever true.
    let wamid = send(&mock, "+14155550403").await;
    let mut forged = Vec::new();
    while let Some(webhook) = receiver.ready() {
        assert_eq!(webhook.status()["id"], json!(wamid));
        assert_eq!(webhook.status()["biz_opaque_callback_data"], "c:1|a:1");
        if webhook.is_signed_with(mock.whatsapp.app_secret()) {
            assert_eq!(webhook.kind(), "sent");
        } else {
            assert!(webhook.signature.starts_with("sha256=") && webhook.signature.len() == 71);
            forged.push(webhook.kind().to_owned());
        }
    }
    assert!(forged == ["read"] || forged == ["failed"], "once, and false: {forged:?}");
    let message = mock.messages("").await.pop().unwrap();
    assert_eq!((&message["status"], events(&message)), (&json!("sent"), vec!["accepted", "forged", "sent"]));
    let log = mock.done("GET", "/webhooks", Value::Null).await;
    let states: Vec<_> =
        log["items"].as_array().unwrap().iter().map(|item| (&item["forged"], &item["state"])).collect();
    assert_eq!(states, [(&json!(true), &json!("gave_up")), (&json!(false), &json!("retrying"))]);
    assert_eq!(log["items"][0]["attempts"].as_array().unwrap().len(), 1, "who forges does not try again");
    assert!(log["items"][1]["attempts"].as_array().unwrap().len() > 10, "and WhatsApp does");
}

#[tokio::test]
async fn read_can_come_without_delivered() {
    let (mock, mut receiver) = with(json!({ "kind": "status_oddity", "form": "read_without_delivered" })).await;
    send(&mock, "+14155550123").await;
    assert_eq!(receiver.kinds(2).await, ["sent", "read"]);
    assert!(receiver.ready().is_none());
    send(&mock, "+14155550410").await;
    assert_eq!(receiver.kinds(2).await, ["sent", "delivered"], "who sends no receipts is told to be reached");
}

#[tokio::test]
async fn a_message_can_be_delivered_and_failed() {
    let (mock, mut receiver) = with(json!({ "kind": "status_oddity", "form": "delivered_and_failed" })).await;
    let wamid = send(&mock, "+14155550410").await;
    let mut statuses = [receiver.next().await, receiver.next().await, receiver.next().await];
    statuses.sort_by_key(|webhook| webhook.kind().to_owned());
    let [delivered, failed, sent] = &statuses;
    assert_eq!([delivered.kind(), failed.kind(), sent.kind()], ["delivered", "failed", "sent"]);
    assert!(statuses.iter().all(|webhook| webhook.status()["id"] == json!(wamid)));
    assert_eq!(failed.status()["errors"][0]["code"], 131_026);
    let message = mock.messages("").await.pop().unwrap();
    assert_eq!((&message["status"], &message["error"]), (&json!("delivered"), &Value::Null), "it did arrive");
}

#[tokio::test]
async fn a_failed_status_can_lack_the_callback_data() {
    let (mock, mut receiver) = with(json!({ "kind": "status_oddity", "form": "failed_without_callback" })).await;
    let wamid = send(&mock, "+14155550404").await;
    let failed = receiver.next().await;
    assert_eq!((failed.kind(), &failed.status()["id"]), ("failed", &json!(wamid)));
    assert!(failed.status().get("biz_opaque_callback_data").is_none());
    mock.done("DELETE", "/faults", Value::Null).await;
    send(&mock, "+14155550404").await;
    assert_eq!(receiver.next().await.status()["biz_opaque_callback_data"], "c:1|a:1");
}
