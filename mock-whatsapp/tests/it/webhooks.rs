//! What a send sets off: signed webhooks, in WhatsApp's bytes, to where they were asked for.

use crate::client::{Mock, events, sale, text};
use crate::receiver::Receiver;
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::config::Config;
use serde_json::{Value, json};

#[tokio::test]
async fn a_text_is_sent_delivered_and_read_and_each_webhook_is_signed() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    let mut message = text("+1 (415) 555-0123", "hello");
    message["biz_opaque_callback_data"] = json!("c:17|r:90211");
    let accepted = mock.send(&message).await;
    assert_eq!(accepted.body["contacts"][0], json!({ "input": "+1 (415) 555-0123", "wa_id": "14155550123" }));
    assert!(accepted.body["messages"][0].get("message_status").is_none());
    assert_eq!(accepted.header("facebook-api-version"), "v23.0");
    assert!(accepted.header("x-fb-trace-id").starts_with('A'));
    assert!(accepted.header("x-mock-time").ends_with('Z'));
    for kind in ["sent", "delivered", "read"] {
        let webhook = receiver.next().await;
        assert!(webhook.is_signed_with("mock-app-secret") && !webhook.is_signed_with("other"));
        assert_eq!((webhook.kind(), webhook.user_agent.as_str()), (kind, "facebookexternalua"));
        assert!(webhook.sha1.starts_with("sha1=") && webhook.sha1.len() == 45, "{}", webhook.sha1);
        assert_eq!(webhook.length, webhook.raw.len().to_string());
        let status = webhook.status();
        let contact = &webhook.body["entry"][0]["changes"][0]["value"]["contacts"][0];
        assert_eq!(status["recipient_user_id"], contact["user_id"]);
        assert_eq!(status["id"], json!(accepted.wamid()));
        assert_eq!(status["recipient_id"], "14155550123");
        assert_eq!(status["biz_opaque_callback_data"], "c:17|r:90211");
        assert!(status["timestamp"].is_string());
        assert_eq!(status.get("pricing").is_some(), kind != "read");
        assert!(status.get("conversation").is_none(), "there is none since version 24");
        assert_eq!(webhook.body["entry"][0]["id"], "200000000000001");
        let metadata = &webhook.body["entry"][0]["changes"][0]["value"]["metadata"];
        assert_eq!(metadata["phone_number_id"], "100000000000001");
    }
    let messages = mock.settled("").await;
    assert_eq!(messages[0]["status"], "read");
    assert_eq!(messages[0]["copies_on_handset"], 1);
    assert_eq!(events(&messages[0]), ["accepted", "sent", "delivered", "read"]);
    assert!(receiver.connections() < 3, "connections are kept");
}

#[tokio::test]
async fn where_too_many_webhooks_wait_for_a_receiver_that_hangs_messages_are_refused_and_say_why() {
    let config = Config { webhooks_waiting: 3, throughput: 1_000, ..Config::default() };
    let mock = Mock::of(MockWhatsApp::builder().config(config)).await;
    let hangs = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", hangs.local_addr().unwrap());
    let webhook = json!({ "url": url, "verify_token": "v", "handshake": false });
    assert_eq!(mock.control("PUT", "/webhook", webhook).await.status, 200);
    let mut refused = None;
    for contact in 0..10_000 {
        let answer = mock.send(&text(&format!("+4915112{contact:06}"), "hello")).await;
        if answer.status == 500 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("64 are under way, and three more may wait");
    assert_eq!((refused.status, refused.error().0), (500, 131_016));
    let why = refused.header("x-mock-why");
    assert!(why.contains("3 webhooks wait for their receiver") && why.contains("webhooks_waiting"), "{why}");
    assert_eq!(mock.control("POST", "/reset", Value::Null).await.status, 200);
    assert_eq!(mock.send(&text("+14155550123", "hello")).await.status, 200);
}

#[tokio::test]
async fn a_template_says_what_it_costs_and_what_the_contact_sees() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    let accepted = mock.send(&sale("+14155550123", "Ana")).await;
    assert_eq!(accepted.body["messages"][0]["message_status"], "accepted");
    let sent = receiver.next().await;
    let pricing = json!({ "billable": true, "pricing_model": "PMP", "category": "marketing", "type": "regular" });
    assert_eq!(sent.status()["pricing"], pricing);
    let messages = mock.messages("?to=14155550123").await;
    assert_eq!(messages[0]["rendered"], "Spring is here! Ana");
    assert_eq!((&messages[0]["type"], &messages[0]["template"]), (&json!("template"), &json!("spring_sale")));
}

#[tokio::test]
async fn bodies_are_escaped_as_whatsapp_does_it() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    let mut message = text("+14155550123", "x");
    message["biz_opaque_callback_data"] = json!("é/👍");
    mock.send(&message).await.wamid();
    let sent = receiver.next().await;
    let raw = String::from_utf8(sent.raw.to_vec()).unwrap();
    assert!(raw.contains(r"\u00e9\/\ud83d\udc4d"), "{raw}");
    assert_eq!(sent.status()["biz_opaque_callback_data"], "é/👍");
}

#[tokio::test]
async fn a_webhook_is_only_set_after_a_handshake() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::start("secret").await;
    let wanted = json!({ "url": receiver.url, "verify_token": "wrong" });
    let refused = mock.control("PUT", "/webhook", wanted).await;
    assert_eq!((refused.status, refused.header("content-type")), (422, "application/problem+json"));
    assert_eq!(refused.body["received"]["status"], 403);
    let nowhere = json!({ "url": "http://127.0.0.1:1/hook" });
    assert_eq!(mock.control("PUT", "/webhook", nowhere).await.body["received"]["status"], 0);
    let wanted = json!({ "url": receiver.url, "verify_token": "secret" });
    let set = mock.done("PUT", "/webhook", wanted).await;
    assert_eq!(set["handshake"], json!({ "status": 200, "ok": true }));
    mock.send(&text("+14155550123", "x")).await.wamid();
    assert_eq!(receiver.kinds(3).await, ["sent", "delivered", "read"]);
}

#[tokio::test]
async fn an_account_can_be_subscribed_with_another_url() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::start("my-token").await;
    let path = format!("/v23.0/{}/subscribed_apps", mock.whatsapp.waba_id());
    let subscribe =
        async |body: Value| mock.raw(Method::POST, &path, "mock-token", body.to_string().into_bytes()).await.unwrap();
    let refused = subscribe(json!({ "override_callback_uri": receiver.url, "verify_token": "wrong" })).await;
    assert_eq!((refused.status, refused.error().0), (400, 100));
    assert!(refused.header("x-mock-why").contains("403"), "{refused:?}");
    let half = subscribe(json!({ "override_callback_uri": receiver.url })).await;
    assert_eq!(half.error().2, "(#100) The parameter verify_token is required.");
    let done = subscribe(json!({ "override_callback_uri": receiver.url, "verify_token": "my-token" })).await;
    assert_eq!((done.status, &done.body), (200, &json!({ "success": true })));
    mock.send(&text("+14155550123", "x")).await.wamid();
    assert_eq!(receiver.next().await.kind(), "sent");
}

#[tokio::test]
async fn a_webhook_that_was_refused_comes_again_byte_for_byte() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    receiver.answer_with(500);
    mock.send(&text("+14155550403", "x")).await.wamid();
    let first = receiver.next().await;
    receiver.answer_with(200);
    let again = receiver.next().await;
    assert_eq!((first.raw, first.signature), (again.raw, again.signature));
    mock.settled("").await;
    let log = mock.done("GET", "/webhooks?state=acked", Value::Null).await;
    let attempts = log["items"][0]["attempts"].as_array().unwrap();
    assert_eq!(attempts.iter().map(|attempt| &attempt["status"]).collect::<Vec<_>>(), [500, 200]);
    assert!(receiver.ready().is_none());
}

#[tokio::test]
async fn a_receiver_that_wants_no_retries_gets_none() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::start("x").await;
    let wanted = json!({ "url": receiver.url, "handshake": false, "retry": "none", "timeout": "3s" });
    assert_eq!(mock.done("PUT", "/webhook", wanted).await["handshake"], Value::Null);
    receiver.answer_with(503);
    mock.send(&text("+14155550403", "x")).await.wamid();
    assert_eq!(receiver.next().await.kind(), "sent");
    mock.settled("").await;
    let log = mock.done("GET", "/webhooks", Value::Null).await;
    assert_eq!(log["items"][0]["state"], "gave_up");
    assert!(receiver.ready().is_none());
}

#[tokio::test]
async fn without_a_webhook_updates_are_kept_to_be_looked_at() {
    let mock = Mock::start().await;
    let wamid = mock.send(&text("+14155550123", "x")).await.wamid();
    mock.settled("").await;
    let log = mock.done("GET", "/webhooks?limit=2", Value::Null).await;
    let items = log["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!((&items[0]["kind"], &items[0]["state"]), (&json!("status.sent"), &json!("no_webhook")));
    let body: Value = serde_json::from_str(items[0]["body_raw"].as_str().unwrap()).unwrap();
    assert_eq!(body["entry"][0]["changes"][0]["value"]["statuses"][0]["id"], json!(wamid));
    let path = format!("/webhooks?after={}", log["next"].as_str().unwrap());
    let rest = mock.done("GET", &path, Value::Null).await;
    assert_eq!((&rest["items"][0]["kind"], &rest["next"]), (&json!("status.read"), &Value::Null));
}

#[tokio::test]
async fn any_webhook_can_be_told_by_hand() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    let value = json!({ "event": "ACCOUNT_RESTRICTION", "restriction_info": [{ "restriction_type": "é/👍" }] });
    let told = mock.control("POST", "/webhooks", json!({ "field": "account_update", "value": value })).await;
    assert_eq!((told.status, &told.body["webhook"]), (201, &json!("w0")));
    let webhook = receiver.next().await;
    assert!(webhook.is_signed_with("mock-app-secret"));
    let entry = &webhook.body["entry"][0];
    assert_eq!(entry["changes"][0], json!({ "field": "account_update", "value": value }));
    assert_eq!((&entry["id"], entry["time"].is_u64()), (&json!("200000000000001"), true));
    assert!(String::from_utf8(webhook.raw.to_vec()).unwrap().contains(r"\u00e9\/\ud83d\udc4d"));
    let log = mock.done("GET", "/webhooks", Value::Null).await;
    assert_eq!(log["items"][0]["kind"], "account_update");
    for (body, pointer) in [
        (json!({ "value": {} }), "/field"),
        (json!({ "field": "a b", "value": {} }), "/field"),
        (json!({ "field": "messages" }), "/value"),
        (json!({ "field": "messages", "value": 1 }), "/value"),
        (json!({ "field": "messages", "value": {}, "x": 1 }), "/x"),
    ] {
        let refused = mock.control("POST", "/webhooks", body.clone()).await;
        assert_eq!((refused.status, refused.body["pointer"].as_str()), (400, Some(pointer)), "{body}");
    }
}

#[tokio::test]
async fn a_webhook_can_be_delivered_once_more() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    mock.send(&text("+14155550403", "x")).await.wamid();
    let first = receiver.next().await;
    mock.settled("").await;
    let again = mock.control("POST", "/webhooks/w0/redeliver", Value::Null).await;
    assert_eq!((again.status, &again.body["webhook"]), (202, &json!("w0")));
    let second = receiver.next().await;
    assert_eq!((first.raw, first.signature), (second.raw, second.signature));
    mock.settled("").await;
    let log = mock.done("GET", "/webhooks", Value::Null).await;
    assert_eq!((log["items"].as_array().unwrap().len(), &log["items"][0]["state"]), (1, &json!("acked")));
    assert_eq!(log["items"][0]["attempts"].as_array().unwrap().len(), 2);
    for id in ["w1", "x", "w"] {
        let path = format!("/webhooks/{id}/redeliver");
        assert_eq!(mock.control("POST", &path, Value::Null).await.status, 404, "{id}");
    }
}

#[tokio::test]
async fn where_webhooks_go_can_be_asked_and_older_versions_tell_conversations() {
    let mock = Mock::start().await;
    assert_eq!(mock.done("GET", "/webhook", Value::Null).await, json!({ "url": null }));
    let mut receiver = Receiver::start("x").await;
    let wanted =
        json!({ "url": receiver.url, "handshake": false, "retry": "none", "timeout": "3s", "version": "v23.0" });
    mock.done("PUT", "/webhook", wanted).await;
    let shown = mock.done("GET", "/webhook", Value::Null).await;
    let set = json!({ "url": receiver.url, "tls": "verify", "retry": "none", "timeout": "3s", "version": "v23.0",
                      "batch": 1, "batch_wait": "0s" });
    assert_eq!(shown, set);
    mock.send(&sale("+14155550123", "Ana")).await.wamid();
    let sent = receiver.next().await;
    let conversation = &sent.status()["conversation"];
    assert_eq!(conversation["origin"]["type"], "marketing");
    assert!(conversation["expiration_timestamp"].is_string());
    let delivered = receiver.next().await;
    assert_eq!(delivered.status()["conversation"]["id"], conversation["id"]);
    assert!(delivered.status()["conversation"].get("expiration_timestamp").is_none());
    for (body, pointer) in [
        (json!({ "url": receiver.url, "timeout": "0s" }), "/timeout"),
        (json!({ "url": receiver.url, "timeout": "1h" }), "/timeout"),
        (json!({ "url": receiver.url, "version": "23" }), "/version"),
        (json!({ "url": receiver.url, "retry": "often" }), "/retry"),
    ] {
        let refused = mock.control("PUT", "/webhook", body.clone()).await;
        assert_eq!((refused.status, refused.body["pointer"].as_str()), (400, Some(pointer)), "{body}");
    }
}
