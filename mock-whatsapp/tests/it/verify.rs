//! Assertions about what was sent: counts, orders, waits and near misses.

use crate::client::{Mock, sale, text};
use mock_whatsapp::config::Config;
use mock_whatsapp::{Ended, Match, MockWhatsApp, Verify};
use serde_json::{Value, json};
use std::time::Duration;

async fn verify(mock: &Mock, body: Value) -> (u16, Value) {
    let answer = mock.control("POST", "/verify", body).await;
    (answer.status, answer.body)
}

fn named(to: &str, words: &str, callback: &str) -> Value {
    let mut message = text(to, words);
    message["biz_opaque_callback_data"] = callback.into();
    message
}

#[tokio::test]
async fn sends_are_counted_by_what_is_in_them() {
    let mock = Mock::start().await;
    mock.send(&named("+14155550123", "hi", "m1")).await.wamid();
    mock.send(&named("+14155550123", "ho", "m2")).await.wamid();
    mock.send(&sale("+14155550124", "Ana")).await.wamid();
    mock.send(&text("+14155550124", "")).await;
    for (of, count) in [
        (json!({}), 3),
        (json!({ "to": "+1 4155550123".replace(' ', "") }), 2),
        (json!({ "template": "spring_sale" }), 1),
        (json!({ "callback_data": "m2" }), 1),
        (json!({ "body": { "/text/body": "hi" } }), 1),
        (json!({ "to": "14155550124", "outcome": "any" }), 2),
        (json!({ "outcome": "refused" }), 1),
        (json!({ "to": "14155550199" }), 0),
    ] {
        let (status, body) = verify(&mock, json!({ "match": of, "count": count })).await;
        assert_eq!((status, &body["pass"], &body["counted"]), (200, &json!(true), &json!(count)), "{of}");
        let (status, body) = verify(&mock, json!({ "match": of, "count": count + 1 })).await;
        assert_eq!((status, &body["pass"], &body["complete"]), (422, &json!(false), &json!(true)), "{of}");
    }
    let (_, body) = verify(&mock, json!({ "match": { "to": "14155550123" } })).await;
    assert_eq!(body["requests"], json!(["r1", "r2"]));
    for (range, status) in [(json!([1, 2]), 200), (json!([2, 5]), 200), (json!([3, 5]), 422), (json!([0, 1]), 422)] {
        let body = json!({ "match": { "to": "14155550123" }, "at_least": range[0], "at_most": range[1] });
        assert_eq!(verify(&mock, body).await.0, status, "{range}");
        let body = json!({ "match": { "to": "14155550123" }, "count": { "at_least": range[0], "at_most": range[1] } });
        assert_eq!(verify(&mock, body).await.0, status, "{range} as the count");
    }
}

#[tokio::test]
async fn what_came_closest_is_shown_with_its_difference() {
    let mock = Mock::start().await;
    mock.send(&named("+14155550123", "hi", "m1")).await.wamid();
    mock.send(&text("+14155550199", "other")).await.wamid();
    mock.send(&text("+14155550123", "")).await;
    let of = json!({ "to": "+14155550123", "body": { "/text/body": "hello" } });
    let (status, body) = verify(&mock, json!({ "match": of, "count": 1 })).await;
    assert_eq!((status, &body["counted"]), (422, &json!(0)));
    let first = &body["near_misses"][0];
    assert_eq!(first["request"], "r1");
    assert_eq!(first["differs"], json!([{ "at": "/text/body", "want": "hello", "got": "hi" }]));
    let (_, body) = verify(&mock, json!({ "match": { "to": "14155550123" }, "count": 2 })).await;
    assert_eq!(
        body["near_misses"][1]["differs"],
        json!([{ "at": "/to", "want": "14155550123", "got": "14155550199" }])
    );
    assert_eq!(body["near_misses"][0]["differs"], json!([{ "at": "/outcome", "want": "accepted", "got": "refused" }]));
}

#[tokio::test]
async fn an_assertion_waits_for_what_is_still_to_come() {
    let mock = Mock::start().await;
    let body = json!({ "match": { "to": "14155550123" }, "count": 2, "within": "60s" });
    let sends = async {
        mock.send(&text("+14155550123", "one")).await.wamid();
        mock.send(&text("+14155550123", "two")).await.wamid();
    };
    let (verified, ()) = tokio::join!(verify(&mock, body), sends);
    assert_eq!((verified.0, &verified.1["requests"]), (200, &json!(["r1", "r2"])));
    // More than is allowed is never made good by waiting.
    let over = json!({ "match": { "to": "14155550123" }, "at_most": 1, "within": "60s" });
    assert_eq!(verify(&mock, over).await.0, 422);
    let begun = tokio::time::Instant::from_std(std_now());
    let waited = json!({ "match": { "to": "14155550123" }, "at_most": 2, "within": "50ms" });
    assert_eq!(verify(&mock, waited).await.0, 200);
    assert!(begun.elapsed() >= Duration::from_millis(50), "the absence of more is waited out");
}

#[expect(clippy::disallowed_methods, reason = "a wait in real time is measured")]
fn std_now() -> std::time::Instant {
    std::time::Instant::now()
}

#[tokio::test]
async fn an_order_is_asserted_with_anything_between() {
    let mock = Mock::start().await;
    for (words, callback) in [("one", "a"), ("noise", "x"), ("two", "b")] {
        mock.send(&named("+14155550123", words, callback)).await.wamid();
    }
    let right = json!({ "sequence": [{ "callback_data": "a" }, { "callback_data": "b" }] });
    let (status, body) = verify(&mock, right).await;
    assert_eq!((status, &body["requests"], &body["counted"]), (200, &json!(["r1", "r3"]), &json!(2)));
    let wrong = json!({ "sequence": [{ "callback_data": "b" }, { "callback_data": "a" }] });
    let (status, body) = verify(&mock, wrong).await;
    assert_eq!((status, &body["requests"], &body["counted"]), (422, &json!(["r3"]), &json!(1)));
    assert!(!body["near_misses"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn what_was_forgotten_proves_nothing() {
    let config = Config { journal_bytes: 200_000, throughput: 1_000, ..Config::default() };
    let mock = Mock::of(MockWhatsApp::builder().config(config)).await;
    let long = "x".repeat(4_000);
    for place in 0..60 {
        mock.send(&text(&format!("+1415556{place:04}"), &long)).await.wamid();
    }
    mock.send(&text("+14155550123", "hi")).await.wamid();
    let (status, body) = verify(&mock, json!({ "match": { "to": "14155550123" }, "count": 1 })).await;
    assert_eq!((status, &body["pass"], &body["complete"]), (422, &json!(false), &json!(false)));
    assert_eq!(body["counted"], 1);
    let (status, body) = verify(&mock, json!({ "match": { "to": "14155550123" }, "at_least": 1 })).await;
    assert_eq!((status, &body["complete"]), (200, &json!(true)), "one is there, whatever was forgotten");
}

#[tokio::test]
async fn what_cannot_be_asserted_is_refused_by_its_place() {
    let mock = Mock::start().await;
    for (body, pointer) in [
        (json!({}), "/match"),
        (json!({ "match": { "too": "1" } }), "/match/too"),
        (json!({ "match": { "to": "x" } }), "/match/to"),
        (json!({ "match": { "outcome": "lovely" } }), "/match/outcome"),
        (json!({ "match": { "body": { "text": 1 } } }), "/match/body"),
        (json!({ "match": {}, "count": -1 }), "/count"),
        (json!({ "match": {}, "count": 1, "at_least": 1 }), "/count"),
        (json!({ "match": {}, "count": "two" }), "/count"),
        (json!({ "match": {}, "count": {} }), "/count/at_least"),
        (json!({ "match": {}, "count": { "least": 1 } }), "/count/least"),
        (json!({ "match": {}, "count": { "at_least": 2 }, "at_most": 3 }), "/count"),
        (json!({ "sequence": [{}], "count": { "at_least": 1 } }), "/count"),
        (json!({ "match": {}, "within": 5 }), "/within"),
        (json!({ "match": {}, "within": "2h" }), "/within"),
        (json!({ "sequence": [] }), "/sequence"),
        (json!({ "sequence": [{}], "count": 1 }), "/count"),
        (json!({ "match": {}, "sequence": [{}] }), "/sequence"),
    ] {
        let answer = mock.control("POST", "/verify", body.clone()).await;
        assert_eq!((answer.status, answer.body["pointer"].as_str()), (400, Some(pointer)), "{body}");
    }
    for impossible in [
        json!({ "match": {}, "at_least": 2, "at_most": 1 }),
        json!({ "match": {}, "count": { "at_least": 2, "at_most": 1 } }),
    ] {
        let answer = mock.control("POST", "/verify", impossible.clone()).await;
        assert_eq!((answer.status, answer.body["pass"].as_bool()), (422, Some(false)), "{impossible}");
    }
    for holds in [
        json!({ "match": {}, "at_most": 0, "at_least": null, "count": null, "sequence": null }),
        json!({ "match": {}, "count": 0, "at_least": null, "at_most": null }),
    ] {
        assert_eq!(
            mock.control("POST", "/verify", holds.clone()).await.status,
            200,
            "null is as good as absent: {holds}"
        );
    }
    assert_eq!(mock.control("POST", "/verify?tenant=nobody", json!({ "match": {} })).await.status, 404);
}

#[tokio::test]
async fn the_library_asserts_too() {
    let mock = Mock::start().await;
    mock.send(&named("+14155550123", "hi", "m1")).await.wamid();
    let verified = |verify: Verify| mock.whatsapp.verify(verify);
    assert!(verified(Verify::to("+14155550123").body("/text/body", "hi").count(1)).await.unwrap().pass);
    assert!(!verified(Verify::to("+14155550123").template("spring_sale")).await.unwrap().pass);
    assert!(verified(Verify::sends(Match::default()).ended(Ended::Refused).at_most(0)).await.unwrap().pass);
}
