//! What people do with their telephones, and messages that are made to be this or that by hand.

use crate::client::{Mock, events, sale, text};
use crate::receiver::Receiver;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use serde_json::{Value, json};

const ANA: &str = "14155550123";

async fn frozen() -> Mock {
    Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await
}

async fn settle(mock: &Mock) {
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
}

async fn does(mock: &Mock, gesture: &str) -> Value {
    mock.done("POST", &format!("/handsets/{ANA}/{gesture}"), Value::Null).await
}

async fn statuses(mock: &Mock) -> Vec<String> {
    mock.messages("").await.iter().map(|message| message["status"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn who_blocks_gets_nothing_more_and_what_was_sent_meanwhile_is_lost() {
    let mock = frozen().await;
    assert_eq!(does(&mock, "block").await["blocked"], true);
    mock.send(&text(ANA, "one")).await.wamid();
    settle(&mock).await;
    assert_eq!(statuses(&mock).await, ["sent"]);
    assert_eq!(does(&mock, "unblock").await["blocked"], false);
    mock.send(&text(ANA, "two")).await.wamid();
    settle(&mock).await;
    assert_eq!(statuses(&mock).await, ["sent", "read"]);
    mock.done("PUT", &format!("/handsets/{ANA}"), json!({ "kind": "blocked" })).await;
    does(&mock, "unblock").await;
    mock.send(&text(ANA, "three")).await.wamid();
    settle(&mock).await;
    assert_eq!(statuses(&mock).await, ["sent", "read", "read"]);
}

#[tokio::test]
async fn what_comes_while_a_telephone_is_off_arrives_when_it_is_on() {
    let mock = frozen().await;
    assert_eq!(does(&mock, "offline").await["online"], false);
    mock.send(&text(ANA, "one")).await.wamid();
    mock.send(&text(ANA, "two")).await.wamid();
    mock.done("POST", "/clock/advance", json!({ "by": "30h" })).await;
    assert_eq!(statuses(&mock).await, ["sent", "sent"]);
    assert_eq!(does(&mock, "online").await["online"], true);
    settle(&mock).await;
    assert_eq!(statuses(&mock).await, ["read", "read"]);
    // Off for a time that was set beforehand, and on early.
    mock.done("PUT", &format!("/handsets/{ANA}"), json!({ "kind": "offline", "for": "20h" })).await;
    mock.send(&text(ANA, "three")).await.wamid();
    mock.done("POST", "/clock/advance", json!({ "by": "1h" })).await;
    assert_eq!(statuses(&mock).await[2], "sent");
    does(&mock, "online").await;
    mock.done("POST", "/clock/advance", json!({ "by": "1m" })).await;
    assert_eq!(statuses(&mock).await[2], "read");
    settle(&mock).await;
    let third = &mock.messages("").await[2];
    assert_eq!(events(third), ["accepted", "sent", "delivered", "read"], "and nothing of it twice");
}

#[tokio::test]
async fn who_opts_out_is_told_of_and_gets_no_marketing_until_opting_in() {
    let mock = frozen().await;
    let mut receiver = Receiver::of(&mock).await;
    assert_eq!(does(&mock, "opt-out").await["webhooks"], json!(["w0"]));
    settle(&mock).await;
    let told = receiver.next().await;
    let change = &told.body["entry"][0]["changes"][0];
    assert_eq!(change["field"], "user_preferences");
    let preference = &change["value"]["user_preferences"][0];
    assert_eq!((&preference["value"], &preference["category"]), (&json!("stop"), &json!("marketing_messages")));
    assert!(preference["timestamp"].is_u64());
    assert_eq!(preference["wa_id"], ANA);
    assert_eq!(preference["user_id"], change["value"]["contacts"][0]["user_id"]);
    mock.send(&sale(ANA, "Ana")).await.wamid();
    mock.send(&text(ANA, "no marketing")).await.wamid();
    settle(&mock).await;
    let messages = mock.messages("").await;
    assert_eq!(messages[0]["error"]["code"], 131_050);
    assert_eq!(messages[1]["status"], "read");
    does(&mock, "opt-in").await;
    mock.send(&sale(ANA, "Ben")).await.wamid();
    settle(&mock).await;
    assert_eq!(mock.messages("").await[2]["status"], "read");
}

#[tokio::test]
async fn a_chat_can_be_opened_before_its_time_and_reports_are_counted() {
    let mock = frozen().await;
    mock.done("PUT", &format!("/handsets/{ANA}"), json!({ "reads": false, "name": "Ana" })).await;
    let wamid = mock.send(&text(ANA, "one")).await.wamid();
    settle(&mock).await;
    assert_eq!(statuses(&mock).await, ["delivered"]);
    assert_eq!(does(&mock, "read").await["webhooks"].as_array().unwrap().len(), 1);
    assert_eq!(does(&mock, "read").await["webhooks"], json!([]));
    assert_eq!(statuses(&mock).await, ["read"]);
    assert_eq!(does(&mock, "report").await["reports"], 1);
    let log = mock.done("GET", &format!("/webhooks?wamid={}", wamid.replace('=', "%3D")), Value::Null).await;
    assert_eq!(log["items"].as_array().unwrap().len(), 3);
    assert!(log["items"][0]["body_raw"].as_str().unwrap().contains(r#""name":"Ana""#));
    let refused = mock.control("POST", &format!("/handsets/{ANA}/dance"), Value::Null).await;
    assert_eq!(refused.status, 404);
}

#[tokio::test]
async fn a_message_can_be_made_to_fail_or_to_arrive() {
    let mock = frozen().await;
    let mut receiver = Receiver::of(&mock).await;
    let wamid = mock.send(&text(ANA, "one")).await.wamid();
    let path = format!("/messages/{}/statuses", wamid.replace('/', "%2F"));
    let forced = mock.control("POST", &path, json!({ "status": "failed", "code": 131_049 })).await;
    assert_eq!((forced.status, &forced.body), (202, &json!({ "webhook": "w0" })));
    let failed = receiver.next().await;
    assert_eq!((failed.kind(), &failed.status()["errors"][0]["code"]), ("failed", &json!(131_049)));
    settle(&mock).await;
    assert!(receiver.ready().is_none(), "that was its end");
    assert_eq!(mock.messages("").await[0]["error"]["code"], 131_049);
    does(&mock, "offline").await;
    let wamid = mock.send(&text(ANA, "two")).await.wamid();
    settle(&mock).await;
    assert_eq!(receiver.next().await.kind(), "sent");
    let path = format!("/messages/{}/statuses", wamid.replace('/', "%2F"));
    mock.done("POST", &path, json!({ "status": "delivered" })).await;
    settle(&mock).await;
    assert_eq!(receiver.kinds(2).await, ["delivered", "read"]);
    for (body, status, pointer) in [
        (json!({ "status": "lost" }), 400, "/status"),
        (json!({ "status": "failed", "code": 5 }), 422, "/code"),
        (json!({ "status": "sent", "code": 131_049 }), 422, "/code"),
        (json!({ "status": "failed", "code": -1 }), 400, "/code"),
    ] {
        let refused = mock.control("POST", &path, body.clone()).await;
        assert_eq!((refused.status, refused.body["pointer"].as_str()), (status, Some(pointer)), "{body}");
    }
    assert_eq!(mock.control("POST", "/messages/wamid.x/statuses", json!({ "status": "read" })).await.status, 404);
}
