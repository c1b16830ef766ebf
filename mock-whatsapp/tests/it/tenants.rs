//! Tenants: made, asked for and removed by hand, and the server as a whole.

use crate::client::{Mock, text};
use crate::receiver::Receiver;
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use serde_json::{Value, json};

#[tokio::test]
async fn a_tenant_is_made_once_and_is_the_same_again() {
    let mock = Mock::start().await;
    let wanted = json!({ "name": "w1", "seed": 1, "clock": "frozen", "throughput": 20, "messaging_limit": 250,
                         "rules": { "pair": false }, "unknown_templates": "accept" });
    let made = mock.control("POST", "/tenants", wanted.clone()).await;
    assert_eq!((made.status, &made.body["name"]), (201, &json!("w1")));
    assert_eq!(made.body["env"]["WHATSAPP_TOKEN"], "mock-token-w1");
    assert_eq!(made.body["env"]["WHATSAPP_BASE_URL"], "http://graph.facebook.com", "as the client calls the server");
    let again = mock.control("POST", "/tenants", wanted).await;
    assert_eq!((again.status, &again.body), (200, &made.body));
    let other = mock.control("POST", "/tenants", json!({ "name": "w1", "seed": 2 })).await;
    assert_eq!((other.status, other.header("content-type")), (409, "application/problem+json"));
    assert_eq!(mock.done("GET", "/tenants/w1", Value::Null).await, made.body);
    assert_eq!(mock.done("GET", "/clock?tenant=w1", Value::Null).await["mode"], "frozen");
    let list = mock.done("GET", "/tenants", Value::Null).await;
    let names: Vec<&Value> = list["items"].as_array().unwrap().iter().map(|tenant| &tenant["name"]).collect();
    assert_eq!(names, ["default", "w1"]);
    assert_eq!(mock.done("GET", "/health", Value::Null).await["tenants"], 2);
}

#[tokio::test]
async fn a_tenant_that_its_token_made_can_be_claimed_with_the_defaults_only() {
    let mock = Mock::start().await;
    let body = text("+14155550123", "x").to_string().into_bytes();
    mock.raw(Method::POST, "/v23.0/1/messages", "mock-token-w2", body).await.unwrap();
    assert_eq!(mock.control("POST", "/tenants", json!({ "name": "w2" })).await.status, 200);
    assert_eq!(mock.control("POST", "/tenants", json!({ "name": "w2", "clock": "60" })).await.status, 409);
    assert_eq!(mock.control("POST", "/tenants", json!({ "name": "w3", "clock": 60 })).await.status, 201);
    assert_eq!(mock.done("GET", "/clock?tenant=w3", Value::Null).await["factor"], 60.0);
}

#[tokio::test]
async fn a_tenant_is_only_made_if_its_webhook_shakes_hands() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::start("mock-verify-token-w1").await;
    let wanted = |url: &str| json!({ "name": "w1", "webhook": { "url": url } });
    let refused = mock.control("POST", "/tenants", wanted("http://127.0.0.1:1/hook")).await;
    assert_eq!((refused.status, &refused.body["received"]["status"]), (422, &json!(0)));
    assert_eq!(mock.control("GET", "/tenants/w1", Value::Null).await.status, 404);
    assert_eq!(mock.control("POST", "/tenants", wanted(&receiver.url)).await.status, 201);
    assert_eq!(mock.control("POST", "/tenants", wanted(&receiver.url)).await.status, 200);
    mock.done("POST", "/webhooks?tenant=w1", json!({ "field": "security", "value": { "event": "PIN_CHANGED" } })).await;
    assert!(receiver.next().await.is_signed_with("mock-app-secret-w1"));
}

#[tokio::test]
async fn a_tenant_that_was_removed_begins_anew_and_uses_no_id_again() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let made = mock.done("POST", "/tenants", json!({ "name": "w1" })).await;
    let number = made["env"]["WHATSAPP_PHONE_NUMBER_ID"].as_str().unwrap();
    let path = format!("/v23.0/{number}/messages");
    let send = async || {
        let body = text("+14155550123", "x").to_string().into_bytes();
        mock.raw(Method::POST, &path, "mock-token-w1", body).await.unwrap().wamid()
    };
    let first = send().await;
    mock.done("DELETE", "/tenants/w1", Value::Null).await;
    for method in ["GET", "DELETE"] {
        assert_eq!(mock.control(method, "/tenants/w1", Value::Null).await.status, 404);
    }
    assert_eq!(mock.control("GET", "/messages?tenant=w1", Value::Null).await.status, 404);
    assert_ne!(send().await, first);
    assert_eq!(mock.messages("?tenant=w1").await.len(), 1);
    assert_eq!(mock.control("DELETE", "/tenants/default", Value::Null).await.status, 409);
}

#[tokio::test]
async fn what_is_wrong_with_a_tenant_is_told_by_its_place() {
    let mock = Mock::start().await;
    for (body, pointer) in [
        (json!({}), "/name"),
        (json!({ "name": "a b" }), "/name"),
        (json!({ "name": "w", "seed": -1 }), "/seed"),
        (json!({ "name": "w", "clock": "fast" }), "/clock"),
        (json!({ "name": "w", "clock": true }), "/clock"),
        (json!({ "name": "w", "throughput": 0 }), "/throughput"),
        (json!({ "name": "w", "messaging_limit": "none" }), "/messaging_limit"),
        (json!({ "name": "w", "rules": { "windo": true } }), "/rules/windo"),
        (json!({ "name": "w", "rules": { "window": 1 } }), "/rules/window"),
        (json!({ "name": "w", "rules": true }), "/rules"),
        (json!({ "name": "w", "unknown_templates": "take" }), "/unknown_templates"),
        (json!({ "name": "w", "webhook": {} }), "/webhook/url"),
        (json!({ "name": "w", "webhook": { "url": "http://x", "retry": "x" } }), "/webhook/retry"),
        (json!({ "name": "w", "colour": 1 }), "/colour"),
    ] {
        let refused = mock.control("POST", "/tenants", body.clone()).await;
        assert_eq!((refused.status, refused.body["pointer"].as_str()), (400, Some(pointer)), "{body}");
    }
}

#[tokio::test]
async fn after_a_reset_nothing_old_is_delivered() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let mut receiver = Receiver::of(&mock).await;
    receiver.answer_with(500);
    let first = mock.send(&text("+14155550403", "x")).await.wamid();
    mock.done("POST", "/clock/advance", json!({ "by": "1s" })).await;
    while receiver.ready().is_some() {}
    mock.done("POST", "/faults", json!({ "kind": "outage" })).await;
    mock.done("POST", "/handsets/14155540499/block", Value::Null).await;
    assert_eq!(mock.done("POST", "/reset", json!({ "tenant": "*" })).await, json!({ "tenants": 1 }));
    receiver.answer_with(200);
    assert!(mock.messages("").await.is_empty());
    for path in ["/faults", "/webhooks"] {
        assert_eq!(mock.done("GET", path, Value::Null).await["items"], json!([]), "{path}");
    }
    assert_eq!(mock.done("GET", "/handsets/14155540499", Value::Null).await["blocked"], false);
    assert_ne!(mock.send(&text("+14155540403", "y")).await.wamid(), first);
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    assert_eq!(receiver.kinds(3).await, ["sent", "delivered", "read"]);
    assert!(receiver.ready().is_none(), "nothing of before the reset");
    assert_eq!(mock.control("POST", "/reset", json!({ "tenant": "nobody" })).await.status, 404);
}

#[tokio::test]
async fn updates_share_a_post_if_they_may() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let mut receiver = Receiver::start("x").await;
    let hook = json!({ "url": receiver.url, "handshake": false, "batch": 3, "batch_wait": "1m" });
    mock.done("PUT", "/webhook", hook).await;
    for place in 0..4 {
        mock.send(&text(&format!("+1415555{place}403"), "x")).await.wamid();
        mock.send(&text(&format!("+1415554{place}403"), "x")).await.wamid();
    }
    receiver.answer_with(500);
    mock.done("POST", "/clock/advance", json!({ "by": "20ms" })).await;
    let first = receiver.next().await;
    let statuses = |body: &Value| body["entry"][0]["changes"][0]["value"]["statuses"].as_array().unwrap().len();
    assert_eq!(statuses(&first.body), 3);
    receiver.answer_with(200);
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    let (mut told, mut again) = (0, 0);
    while let Some(webhook) = receiver.ready() {
        told += statuses(&webhook.body);
        again += usize::from(webhook.raw == first.raw);
    }
    assert_eq!(again, 1, "the whole POST comes again, and as it was");
    assert!(told >= 8, "{told}");
    let log = mock.done("GET", "/webhooks", Value::Null).await;
    assert!(log["items"].as_array().unwrap().iter().all(|webhook| webhook["state"] == "acked"), "{log}");
    assert_eq!(mock.done("GET", "/clock", Value::Null).await["unacked"], 0);
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let mock = Mock::start().await;
    mock.send(&text("+14155550404", "x")).await.wamid();
    mock.settled("").await;
    let (parts, text) = mock.exchange(Method::GET, "/_mock/metrics", &[], Vec::new()).await.unwrap();
    assert_eq!(parts.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(text.to_vec()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for line in [
        r#"mock_whatsapp_requests_total{api="graph",outcome="done"} 1"#,
        r#"mock_whatsapp_messages{tenant="default",status="failed"} 1"#,
        r#"mock_whatsapp_webhooks{tenant="default",state="no_webhook"} 1"#,
        "mock_whatsapp_tenants 1",
        "# TYPE mock_whatsapp_requests_total counter",
    ] {
        assert!(lines.contains(&line), "{line} is not in {text}");
    }
}

#[tokio::test]
async fn metrics_of_a_tenant_are_of_that_tenant_only() {
    let mock = Mock::start().await;
    mock.done("POST", "/tenants", json!({ "name": "w1" })).await;
    let (_, text) = mock.exchange(Method::GET, "/_mock/metrics?tenant=w1", &[], Vec::new()).await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let values: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(values.len() > 5 && values.iter().all(|line| line.contains(r#"tenant="w1""#)), "{text}");
}

#[tokio::test]
async fn a_tenant_that_there_is_not_is_404_wherever_it_is_named() {
    let mock = Mock::start().await;
    for path in ["/health", "/metrics", "/openapi.json", "/tenants", "/clock", "/export", "/events"] {
        assert_eq!(mock.control("GET", &format!("{path}?tenant=nobody"), Value::Null).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_time_of_a_tenant_begins_when_it_is_made_and_when_it_is_reset() {
    let mock = Mock::start().await;
    let now = async |tenant: &str| {
        let clock = mock.done("GET", &format!("/clock?tenant={tenant}"), Value::Null).await;
        clock["now"].as_str().unwrap().to_owned()
    };
    for (name, clock) in [("w1", "frozen"), ("w2", "0.001")] {
        let before = now("default").await;
        mock.done("POST", "/tenants", json!({ "name": name, "clock": clock })).await;
        let (made, after) = (now(name).await, now("default").await);
        assert!(before <= made && made <= after, "{name}: {before} {made} {after}");
        mock.done("POST", "/reset", json!({ "tenant": name })).await;
        let reset = now(name).await;
        assert!(after <= reset && reset <= now("default").await, "{name}: {after} {reset}");
    }
}

#[tokio::test]
async fn a_cursor_goes_by_its_names_in_the_contract() {
    let mock = Mock::start().await;
    for name in ["w1", "w2"] {
        mock.done("POST", "/tenants", json!({ "name": name })).await;
    }
    // Two looks are compared, so nothing may happen between them.
    mock.done("POST", "/clock/freeze", json!({})).await;
    mock.send(&text("+14155550123", "one")).await.wamid();
    mock.send(&text("+14155550123", "two")).await.wamid();
    for list in ["/tenants", "/messages", "/requests"] {
        let first = mock.done("GET", &format!("{list}?limit=1"), Value::Null).await;
        let next = first["next"].as_str().unwrap();
        let behind = mock.done("GET", &format!("{list}?after={next}"), Value::Null).await;
        assert_ne!(behind["items"][0], first["items"][0]);
        for name in ["cursor", "next"] {
            let page = mock.done("GET", &format!("{list}?{name}={next}"), Value::Null).await;
            assert_eq!(page, behind, "{list} {name}");
        }
        let twice = mock.control("GET", &format!("{list}?after={next}&cursor={next}"), Value::Null).await;
        assert_eq!((twice.status, &twice.body["pointer"]), (400, &json!("?cursor")), "{list}");
        let wrong = mock.control("GET", &format!("{list}?cursor=x"), Value::Null).await;
        assert_eq!(wrong.status, 400, "{list}");
    }
}

#[tokio::test]
async fn another_method_is_405_with_those_that_there_are_and_another_type_415() {
    let mock = Mock::start().await;
    let refused = mock.control("POST", "/health", Value::Null).await;
    assert_eq!((refused.status, refused.header("allow")), (405, "GET"));
    let refused = mock.control("PATCH", "/webhook", Value::Null).await;
    assert_eq!((refused.status, refused.header("allow")), (405, "GET, PUT"));
    for (kind, status) in
        [("application/xml", 415), ("multipart/form-data", 415), ("application/json; charset=utf-8", 200)]
    {
        let body = json!({ "url": null }).to_string().into_bytes();
        let headers = [("content-type", kind)];
        let (parts, _) = mock.exchange(Method::PUT, "/_mock/webhook", &headers, body).await.unwrap();
        assert_eq!(parts.status.as_u16(), status, "{kind}");
    }
}
