//! Time that stands still, is moved by hand, and runs faster.

use crate::client::{Mock, sale, text};
use crate::receiver::Receiver;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use serde_json::{Value, json};

async fn frozen() -> Mock {
    Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await
}

#[tokio::test]
async fn frozen_time_moves_twelve_hours_at_a_word() {
    let mock = frozen().await;
    let mut receiver = Receiver::of(&mock).await;
    mock.send(&sale("+14155550425", "Ana")).await.wamid();
    let advanced = mock.done("POST", "/clock/advance", json!({ "by": "1h" })).await;
    assert_eq!(advanced["fired"], json!({ "statuses": 1, "webhooks": 1 }));
    assert_eq!(receiver.next().await.kind(), "sent");
    let clock = mock.done("GET", "/clock", Value::Null).await;
    assert_eq!((&clock["mode"], &clock["due"], &clock["unacked"]), (&json!("frozen"), &json!(1), &json!(0)));
    let advanced = mock.done("POST", "/clock/advance", json!({ "by": "12h" })).await;
    assert_eq!((&advanced["fired"]["webhooks"], &advanced["settled"]), (&json!(2), &json!(true)));
    let (delivered, read) = (receiver.next().await, receiver.next().await);
    assert_eq!((delivered.kind(), read.kind()), ("delivered", "read"));
    let seconds = |webhook: &Value| webhook["timestamp"].as_str().unwrap().parse::<u64>().unwrap();
    let messages = mock.messages("").await;
    let accepted = messages[0]["timeline"][0]["at"].as_str().unwrap();
    assert!(mock.done("GET", "/clock", Value::Null).await["now"].as_str().unwrap() > accepted);
    assert!(seconds(delivered.status()) <= seconds(read.status()));
}

#[tokio::test]
async fn settling_awaits_every_answer_and_what_it_provokes() {
    let mock = frozen().await;
    let mut receiver = Receiver::of(&mock).await;
    receiver.answer_with(500);
    mock.send(&text("+14155550403", "x")).await.wamid();
    let settled = mock.done("POST", "/clock/settle", json!({ "max": "1m", "quiet": "0s" })).await;
    assert_eq!((&settled["settled"], &settled["unacked"]), (&json!(false), &json!(1)));
    assert_eq!(settled["fired"], json!({ "statuses": 1, "webhooks": 4 }), "at once, 100 ms, 5 s and 30 s later");
    receiver.answer_with(200);
    let settled = mock.done("POST", "/clock/settle", json!({})).await;
    assert_eq!((&settled["settled"], &settled["unacked"]), (&json!(true), &json!(0)));
    assert_eq!(receiver.kinds(5).await.len(), 5);
}

#[tokio::test]
async fn frozen_time_counts_throughput_and_refuses_nothing() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen).throughput(1)).await;
    for _ in 0..5 {
        mock.send(&text("+14155550123", "x")).await.wamid();
    }
    mock.done("POST", "/clock/run", json!({ "factor": 1 })).await;
    mock.send(&text("+14155550123", "x")).await;
    assert_eq!(mock.send(&text("+14155550123", "x")).await.error().0, 130_429);
}

#[tokio::test]
async fn time_can_run_faster() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Factor(100_000.0))).await;
    mock.send(&sale("+14155550425", "Ana")).await.wamid();
    let messages = mock.settled("").await;
    assert_eq!(messages[0]["status"], "read");
    assert_eq!(mock.done("GET", "/clock", Value::Null).await["mode"], "running");
}

#[tokio::test]
async fn the_real_clock_is_not_moved_and_time_never_goes_back() {
    let mock = Mock::start().await;
    assert_eq!(mock.control("POST", "/clock/settle", Value::Null).await.status, 409);
    assert_eq!(mock.control("POST", "/clock/advance", json!({ "by": "1s" })).await.status, 409);
    mock.done("POST", "/clock/freeze", Value::Null).await;
    let both = mock.control("POST", "/clock/advance", json!({ "by": "1s", "to": "2101-01-01T00:00:00Z" })).await;
    assert_eq!((both.status, both.body["pointer"].as_str()), (400, Some("/to")));
    assert!(both.body["detail"].as_str().unwrap().contains("both"), "{both:?}");
    let past = json!({ "to": "2001-01-01T00:00:00Z" });
    assert_eq!(mock.control("POST", "/clock/advance", past).await.status, 409);
    assert_eq!(mock.control("POST", "/clock/freeze", json!({ "at": "2001-01-01T00:00:00Z" })).await.status, 409);
    let moved = mock.done("POST", "/clock/freeze", json!({ "at": "2101-01-01T00:00:00Z" })).await;
    assert_eq!(moved["now"], "2101-01-01T00:00:00.000000Z");
    assert_eq!(mock.send(&text("+14155550123", "x")).await.header("x-mock-time"), "2101-01-01T00:00:00.000000Z");
}
