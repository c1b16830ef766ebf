//! What is made to go wrong, and that it stops when it is told to.

use crate::client::{Mock, events, sale, template, text};
use crate::receiver::Receiver;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use serde_json::{Value, json};

#[tokio::test]
async fn an_error_comes_at_once_or_in_a_webhook() {
    let mock = Mock::start().await;
    let armed = mock.control("POST", "/faults", json!({ "kind": "error", "code": 131_016 })).await;
    assert_eq!((armed.status, &armed.body), (201, &json!({ "id": "f1", "seen": 0, "hits": 0, "armed": true })));
    let refused = mock.send(&text("+14155550123", "x")).await;
    assert_eq!(refused.error().0, 131_016);
    assert!(refused.header("x-mock-why").contains("/_mock/faults/f1"), "{refused:?}");
    mock.done("DELETE", "/faults/f1", Value::Null).await;
    assert_eq!(mock.control("DELETE", "/faults/f1", Value::Null).await.status, 404);
    mock.send(&text("+14155550123", "x")).await.wamid();
    let later = json!({ "kind": "error", "code": 131_053, "asynchronous": true });
    mock.done("POST", "/faults", later.clone()).await;
    let list = mock.done("GET", "/faults", Value::Null).await;
    assert_eq!((&list["items"][0]["id"], &list["items"][0]["fault"]), (&json!("f2"), &later));
    let mut receiver = Receiver::of(&mock).await;
    mock.settled("").await;
    while receiver.ready().is_some() {}
    mock.send(&text("+14155550123", "x")).await.wamid();
    let failed = receiver.next().await;
    assert_eq!((failed.kind(), &failed.status()["errors"][0]["code"]), ("failed", &json!(131_053)));
}

#[tokio::test]
async fn who_arms_an_error_as_whatsapp_never_tells_it_is_told_so() {
    let mock = Mock::start().await;
    for (code, asynchronous, says) in [(131_026, false, "webhook only"), (190, true, "answer only")] {
        let fault = |asynchronous: bool| json!({ "kind": "error", "code": code, "asynchronous": asynchronous });
        let armed = mock.control("POST", "/faults", fault(asynchronous)).await;
        assert_eq!(armed.status, 201);
        assert!(armed.body["note"].as_str().unwrap().contains(says), "{armed:?}");
        let armed = mock.control("POST", "/faults", fault(!asynchronous)).await;
        assert_eq!((armed.status, armed.body.get("note")), (201, None));
    }
}

#[tokio::test]
async fn an_answer_can_be_late_in_the_tenants_time() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    mock.done("POST", "/faults", json!({ "kind": "latency", "delay": "2h" })).await;
    let message = text("+14155550123", "x");
    let sent = mock.try_send(&message);
    let advance = async {
        while mock.messages("").await.is_empty() {
            tokio::task::yield_now().await;
        }
        mock.done("POST", "/clock/advance", json!({ "by": "3h" })).await
    };
    let (sent, _) = tokio::join!(sent, advance);
    let answered = sent.unwrap();
    let accepted = &mock.messages("").await[0]["timeline"][0]["at"];
    assert_eq!(
        answered.header("x-mock-time")[11..13].parse::<u32>().unwrap(),
        (accepted.as_str().unwrap()[11..13].parse::<u32>().unwrap() + 2) % 24
    );
}

#[tokio::test]
async fn a_throttled_number_refuses_above_the_rate() {
    let mock = Mock::start().await;
    mock.done("POST", "/faults", json!({ "kind": "throttle", "rate": 1 })).await;
    mock.send(&text("+14155550123", "x")).await.wamid();
    let refused = mock.send(&text("+14155550123", "x")).await;
    assert_eq!(refused.error().0, 130_429);
    assert!(refused.header("x-mock-why").contains("throttle"), "{refused:?}");
}

#[tokio::test]
async fn connections_break_before_or_after_the_message_was_taken() {
    let mock = Mock::start().await;
    for (kind, accepted, taken) in
        [("outage", None, 0), ("reset", Some(false), 0), ("reset", Some(true), 1), ("reset", None, 0)]
    {
        mock.done("POST", "/reset", Value::Null).await;
        mock.done("POST", "/faults", json!({ "kind": kind, "accepted": accepted })).await;
        mock.try_send(&text("+14155550123", "x")).await.expect_err("there is no answer");
        assert_eq!(mock.messages("").await.len(), taken, "{kind} {accepted:?}");
    }
}

#[tokio::test]
async fn webhooks_can_be_late_double_or_lost() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let mut receiver = Receiver::of(&mock).await;
    mock.done("POST", "/faults", json!({ "kind": "webhook_delay", "delay": "1h" })).await;
    mock.send(&text("+14155550403", "x")).await.wamid();
    let early = mock.done("POST", "/clock/advance", json!({ "by": "30m" })).await;
    assert_eq!(early["fired"]["webhooks"], 0);
    let late = mock.done("POST", "/clock/advance", json!({ "by": "1h" })).await;
    assert_eq!(late["fired"]["webhooks"], 1);
    assert_eq!(receiver.next().await.kind(), "sent");
    mock.done("DELETE", "/faults", Value::Null).await;
    mock.done("POST", "/faults", json!({ "kind": "webhook_duplicate", "copies": 2 })).await;
    mock.send(&text("+14155550403", "y")).await.wamid();
    mock.done("POST", "/clock/settle", Value::Null).await;
    let copies = [receiver.next().await, receiver.next().await, receiver.next().await];
    assert!(copies.iter().all(|copy| copy.raw == copies[0].raw));
    mock.done("DELETE", "/faults", Value::Null).await;
    mock.done("POST", "/faults", json!({ "kind": "webhook_loss" })).await;
    mock.send(&text("+14155550123", "z")).await.wamid();
    mock.done("POST", "/clock/settle", Value::Null).await;
    assert!(receiver.ready().is_none());
    let lost = mock.messages("").await.pop().unwrap();
    assert_eq!((&lost["status"], events(&lost)), (&json!("read"), vec!["accepted", "sent", "delivered", "read"]));
    let log = mock.done("GET", "/webhooks?state=faulted", Value::Null).await;
    assert_eq!(log["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_fault_has_a_window_and_a_kind_that_whatsapp_can_have() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let window = json!({ "kind": "error", "code": 131_000, "from": "10m", "until": "20m" });
    mock.done("POST", "/faults", window).await;
    let message = text("+14155550123", "x");
    assert_eq!(mock.send(&message).await.status, 200);
    mock.done("POST", "/clock/advance", json!({ "by": "10m" })).await;
    assert_eq!(mock.send(&message).await.status, 500);
    mock.done("POST", "/clock/advance", json!({ "by": "10m" })).await;
    assert_eq!(mock.send(&message).await.status, 200);
    for (fault, pointer) in [
        (json!({ "kind": "engine_crash" }), "/kind"),
        (json!({ "kind": "disk_full" }), "/kind"),
        (json!({ "kind": "status_oddity", "form": "html" }), "/form"),
        (json!({ "kind": "outage", "rate": 5 }), "/rate"),
        (json!({ "kind": "error", "code": 999_999 }), "/code"),
        (json!({ "kind": "outage", "sender": "somebody", "code": null }), "/sender"),
    ] {
        let refused = mock.control("POST", "/faults", fault.clone()).await;
        let status = if pointer == "/sender" { 409 } else { 422 };
        assert_eq!((refused.status, refused.body["pointer"].as_str()), (status, Some(pointer)), "{fault}");
    }
}

#[tokio::test]
async fn an_answer_can_be_garbled_whether_the_message_was_taken_or_not() {
    let mock = Mock::start().await;
    for (form, accepted, status, content_type) in [
        ("html", None, 502, "text/html"),
        ("html", Some(true), 502, "text/html"),
        ("truncated", Some(true), 200, "application/json"),
        ("unreadable", Some(false), 200, "application/json"),
    ] {
        mock.done("POST", "/reset", Value::Null).await;
        let fault = json!({ "kind": "garbled_reply", "form": form, "accepted": accepted });
        mock.done("POST", "/faults", fault).await;
        let answer = mock.send(&text("+14155550123", "x")).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, content_type), "{form}");
        assert_eq!(answer.body, Value::Null, "{form} is no JSON");
        assert_eq!(mock.messages("").await.len(), usize::from(accepted == Some(true)), "{form} {accepted:?}");
    }
}

#[tokio::test]
async fn a_revoked_token_is_190_until_it_ends() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    mock.done("POST", "/faults", json!({ "kind": "token_revoked", "until": "10m" })).await;
    let refused = mock.send(&text("+14155550123", "x")).await;
    assert_eq!((refused.status, refused.error().0), (401, 190));
    assert!(refused.header("www-authenticate").contains("invalid_token"), "{refused:?}");
    assert!(refused.header("x-mock-why").contains("/_mock/faults/f1"), "{refused:?}");
    mock.done("POST", "/clock/advance", json!({ "by": "10m" })).await;
    mock.send(&text("+14155550123", "x")).await.wamid();
}

#[tokio::test]
async fn a_paused_template_is_132015_and_others_go_on() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let fault = json!({ "kind": "template_paused", "template": "spring_sale", "until": "3h" });
    mock.done("POST", "/faults", fault).await;
    let paused = mock.send(&sale("+14155550123", "Ana")).await;
    assert_eq!((paused.status, paused.error().0), (400, 132_015));
    mock.send(&template("+14155550123", "hello_world", &[])).await.wamid();
    mock.send(&text("+14155550123", "x")).await.wamid();
    mock.done("POST", "/clock/advance", json!({ "by": "3h" })).await;
    mock.send(&sale("+14155550123", "Ana")).await.wamid();
}

#[tokio::test]
async fn statuses_of_one_message_can_come_in_any_order() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let mut receiver = Receiver::of(&mock).await;
    mock.done("POST", "/faults", json!({ "kind": "webhook_reorder" })).await;
    let mut orders = Vec::new();
    for place in 0..20 {
        mock.send(&text(&format!("+1415554{place:04}"), "x")).await.wamid();
        mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
        orders.push(receiver.kinds(3).await);
    }
    let in_order = orders.iter().filter(|order| **order == ["sent", "delivered", "read"]).count();
    assert!((1..10).contains(&in_order), "{orders:?}");
    for mut order in orders {
        order.sort();
        assert_eq!(order, ["delivered", "read", "sent"], "all of them come, and once");
    }
}

#[tokio::test]
async fn while_the_receiver_cannot_be_reached_webhooks_wait_in_the_ladder() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let mut receiver = Receiver::of(&mock).await;
    mock.done("POST", "/faults", json!({ "kind": "webhook_outage", "until": "1h" })).await;
    mock.send(&text("+14155550123", "x")).await.wamid();
    let cut_off = mock.done("POST", "/clock/advance", json!({ "by": "59m" })).await;
    assert_eq!((&cut_off["fired"]["webhooks"], &cut_off["unacked"]), (&json!(0), &json!(3)));
    assert!(receiver.ready().is_none());
    let settled = mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    assert_eq!((&settled["fired"]["webhooks"], &settled["unacked"]), (&json!(3), &json!(0)));
    let mut kinds = receiver.kinds(3).await;
    kinds.sort();
    assert_eq!(kinds, ["delivered", "read", "sent"]);
    let log = mock.done("GET", "/webhooks?state=acked", Value::Null).await;
    assert_eq!(log["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_fault_that_is_far_too_long_is_refused() {
    let mock = Mock::start().await;
    let fault = json!({ "kind": "outage", "match": { "body": { "/x": "x".repeat(100_000) } } });
    let refused = mock.control("POST", "/faults", fault).await;
    assert!(refused.status == 413 && refused.body["detail"].as_str().unwrap().contains("65536 bytes"), "{refused:?}");
}
