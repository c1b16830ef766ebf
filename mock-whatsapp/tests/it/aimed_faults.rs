//! Faults that are aimed and counted, and those of how things are said: dripping and broken answers, signatures, batches.

use crate::client::{Mock, sale, text};
use crate::receiver::Receiver;
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ANA: &str = "+14155550123";
const BEN: &str = "+14155550124";

async fn frozen() -> Mock {
    Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await
}

async fn arm(mock: &Mock, fault: Value) -> String {
    let armed = mock.control("POST", "/faults", fault).await;
    assert_eq!((armed.status, &armed.body["seen"], &armed.body["armed"]), (201, &json!(0), &json!(true)), "{armed:?}");
    armed.body["id"].as_str().unwrap().to_owned()
}

async fn count(mock: &Mock) -> (u64, u64, bool) {
    let list = mock.done("GET", "/faults", Value::Null).await;
    let fault = &list["items"][0];
    (fault["seen"].as_u64().unwrap(), fault["hits"].as_u64().unwrap(), fault["armed"].as_bool().unwrap())
}

async fn settle(mock: &Mock) {
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
}

#[tokio::test]
async fn a_fault_acts_on_every_third_and_at_most_twice() {
    let mock = frozen().await;
    arm(&mock, json!({ "kind": "error", "code": 131_000, "every": 3, "first": 2 })).await;
    let mut statuses = Vec::new();
    for place in 0..10 {
        statuses.push(mock.send(&text(ANA, &format!("{place}"))).await.status);
    }
    assert_eq!(statuses, [200, 200, 500, 200, 200, 500, 200, 200, 200, 200]);
    assert_eq!(count(&mock).await, (6, 2, false), "what is spent sees nothing more");
}

#[tokio::test]
async fn a_fault_is_aimed_at_a_contact_a_template_callback_data_or_the_body() {
    let mock = frozen().await;
    let mut named = text(ANA, "hi");
    named["biz_opaque_callback_data"] = json!("c:1");
    for (aim, hit, missed) in [
        (json!({ "to": ANA }), text(ANA, "hi"), text(BEN, "hi")),
        (json!({ "template": "spring_sale" }), sale(ANA, "Ana"), text(ANA, "hi")),
        (json!({ "callback_data": "c:1" }), named, text(ANA, "hi")),
        (json!({ "body": { "/text/body": "hi" } }), text(BEN, "hi"), text(BEN, "ho")),
        (json!({ "body": { "/text/body": "hi", "/context": null } }), text(BEN, "hi"), text(BEN, "ho")),
        (json!({ "to": ANA, "body": { "/text/body": "hi" } }), text(ANA, "hi"), text(BEN, "hi")),
    ] {
        arm(&mock, json!({ "kind": "error", "code": 131_000, "match": aim })).await;
        assert_eq!(mock.send(&missed).await.status, 200, "{aim} misses {missed}");
        assert_eq!(mock.send(&hit).await.status, 500, "{aim} hits {hit}");
        assert_eq!(count(&mock).await, (1, 1, true), "{aim}");
        mock.done("POST", "/reset", Value::Null).await;
    }
}

#[tokio::test]
async fn a_fault_of_webhooks_is_aimed_at_messages_and_kinds() {
    let mock = frozen().await;
    let mut receiver = Receiver::of(&mock).await;
    let mut named = text(ANA, "hi");
    named["biz_opaque_callback_data"] = json!("c:1");
    for aim in [json!({ "to": ANA }), json!({ "callback_data": "c:1" }), json!({ "body": { "/text/body": "hi" } })] {
        let aim = {
            let mut aim = aim;
            aim["webhook"] = json!("status.delivered");
            aim
        };
        arm(&mock, json!({ "kind": "webhook_loss", "match": aim })).await;
        mock.send(&named).await.wamid();
        settle(&mock).await;
        assert_eq!(receiver.kinds(2).await, ["sent", "read"], "{aim}");
        mock.send(&text(BEN, "ho")).await.wamid();
        settle(&mock).await;
        assert_eq!(receiver.kinds(3).await, ["sent", "delivered", "read"], "{aim}");
        assert_eq!(count(&mock).await, (1, 1, true), "{aim}");
        mock.done("POST", "/reset", Value::Null).await;
    }
    // Messages that were accepted before, and what contacts write.
    mock.send(&named).await.wamid();
    arm(&mock, json!({ "kind": "webhook_loss", "match": { "callback_data": "c:1" } })).await;
    settle(&mock).await;
    assert!(receiver.ready().is_none());
    arm(&mock, json!({ "kind": "webhook_loss", "match": { "webhook": "message" } })).await;
    let said = mock.done("POST", "/handsets/14155550124/messages", json!({ "type": "text", "text": "x" })).await;
    settle(&mock).await;
    assert!(receiver.ready().is_none());
    let log = mock.done("GET", "/webhooks?state=faulted&limit=10000", Value::Null).await;
    assert_eq!(log["items"].as_array().unwrap().last().unwrap()["wamid"], said["wamid"]);
}

#[tokio::test]
async fn a_fault_lives_for_a_time() {
    let mock = frozen().await;
    arm(&mock, json!({ "kind": "error", "code": 131_000, "ttl": "30s" })).await;
    assert_eq!(mock.send(&text(ANA, "a")).await.status, 500);
    mock.done("POST", "/clock/advance", json!({ "by": "30s" })).await;
    assert_eq!(mock.send(&text(ANA, "a")).await.status, 200);
    assert_eq!(count(&mock).await, (1, 1, false));
}

#[tokio::test]
async fn arming_another_fault_forgets_no_counts() {
    let mock = frozen().await;
    arm(&mock, json!({ "kind": "error", "code": 131_000, "first": 1 })).await;
    assert_eq!(mock.send(&text(ANA, "a")).await.status, 500);
    let second = arm(&mock, json!({ "kind": "latency", "delay": "0s" })).await;
    assert_eq!(mock.send(&text(ANA, "a")).await.status, 200);
    mock.done("DELETE", &format!("/faults/{second}"), Value::Null).await;
    assert_eq!(count(&mock).await, (1, 1, false));
}

/// Sends over a connection of its own and reads all that comes, to the connection's end.
async fn to_the_end(mock: &Mock, keep: bool) -> (String, Option<std::io::ErrorKind>) {
    let authority = mock.whatsapp.base_url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(authority).await.unwrap();
    let body = text(ANA, "x").to_string();
    let connection = if keep { "keep-alive" } else { "close" };
    let head = format!(
        "POST /v23.0/{}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer mock-token\r\nconnection: {connection}\r\n\
         content-length: {}\r\n\r\n",
        mock.number,
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut read = Vec::new();
    let end = stream.read_to_end(&mut read).await;
    (String::from_utf8(read).unwrap(), end.err().map(|error| error.kind()))
}

fn length_and_body(answer: &str) -> (usize, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    (length.unwrap(), body)
}

#[tokio::test]
async fn a_connection_closes_before_in_the_middle_of_and_after_the_answer() {
    let mock = Mock::start().await;
    for (fault, taken) in [
        (json!({ "kind": "close", "form": "before" }), 0),
        (json!({ "kind": "close", "form": "before", "accepted": true }), 1),
    ] {
        arm(&mock, fault.clone()).await;
        assert_eq!(to_the_end(&mock, true).await, (String::new(), None), "{fault}: it closes in order");
        assert_eq!(mock.messages("").await.len(), taken, "{fault}");
        mock.done("POST", "/reset", Value::Null).await;
    }
    arm(&mock, json!({ "kind": "close", "form": "middle" })).await;
    let (answer, _) = to_the_end(&mock, true).await;
    let (length, body) = length_and_body(&answer);
    assert_eq!(body.len(), length / 2, "{answer}");
    assert_eq!(mock.messages("").await.len(), 1);
    mock.done("POST", "/reset", Value::Null).await;
    arm(&mock, json!({ "kind": "close", "form": "after" })).await;
    let (answer, end) = to_the_end(&mock, true).await;
    let (length, body) = length_and_body(&answer);
    assert_eq!((body.len(), end), (length, None));
    assert!(!answer.to_ascii_lowercase().contains("connection: close"), "nobody said so before: {answer}");
}

#[tokio::test]
async fn an_answer_can_drip_and_is_whole_in_the_end() {
    let mock = Mock::start().await;
    arm(&mock, json!({ "kind": "drip", "delay": "64ms" })).await;
    let (answer, end) = to_the_end(&mock, false).await;
    let (length, body) = length_and_body(&answer);
    assert_eq!((body.len(), end), (length, None));
    let path = format!("/v23.0/{}/messages", mock.number);
    let body = text(ANA, "y").to_string().into_bytes();
    mock.raw(Method::POST, &path, "mock-token", body).await.unwrap().wamid();
    assert_eq!(count(&mock).await, (2, 2, true));
}

#[tokio::test]
async fn a_reset_is_a_real_one() {
    let mock = Mock::start().await;
    arm(&mock, json!({ "kind": "reset" })).await;
    let (answer, end) = to_the_end(&mock, true).await;
    assert_eq!((answer.as_str(), end), ("", Some(std::io::ErrorKind::ConnectionReset)));
}

#[tokio::test]
async fn a_reply_can_be_lost_whether_the_message_was_taken_or_not_and_for_how_long_is_said() {
    let mock = Mock::start().await;
    for (fault, taken) in [
        (json!({ "kind": "lost_reply", "delay": "20ms" }), 1),
        (json!({ "kind": "lost_reply", "delay": "20ms", "accepted": false }), 0),
    ] {
        arm(&mock, fault.clone()).await;
        assert_eq!(to_the_end(&mock, true).await, (String::new(), None), "{fault}: it closes in the end");
        assert_eq!(mock.messages("").await.len(), taken, "{fault}");
        mock.done("POST", "/reset", Value::Null).await;
    }
}

#[tokio::test]
async fn signatures_can_be_wrong_missing_or_of_the_next_secret() {
    let mock = frozen().await;
    let mut receiver = Receiver::of(&mock).await;
    for (form, secret) in [("wrong", None), ("missing", None), ("rotated", Some("mock-app-secret-rotated"))] {
        arm(&mock, json!({ "kind": "webhook_signature", "form": form, "first": 1 })).await;
        mock.send(&text(ANA, "x")).await.wamid();
        settle(&mock).await;
        let spoilt = receiver.next().await;
        assert!(!spoilt.is_signed_with("mock-app-secret"), "{form}");
        assert_eq!((spoilt.signature.is_empty(), spoilt.sha1.is_empty()), (form == "missing", form == "missing"));
        assert!(secret.is_none_or(|secret| spoilt.is_signed_with(secret)), "{form}");
        for _ in 0..2 {
            assert!(receiver.next().await.is_signed_with("mock-app-secret"), "{form}");
        }
        mock.done("DELETE", "/faults", Value::Null).await;
    }
    let log = mock.done("GET", "/webhooks?limit=1", Value::Null).await;
    assert!(log["items"][0]["headers"]["x-hub-signature-256"].is_string());
}

#[tokio::test]
async fn webhooks_can_be_made_to_share_a_post() {
    let mock = frozen().await;
    let mut receiver = Receiver::of(&mock).await;
    arm(&mock, json!({ "kind": "webhook_batch", "size": 100, "delay": "1m" })).await;
    for to in [ANA, BEN] {
        mock.send(&text(to, "x")).await.wamid();
    }
    settle(&mock).await;
    let batch = receiver.next().await;
    let value = &batch.body["entry"][0]["changes"][0]["value"];
    assert_eq!(value["statuses"].as_array().unwrap().len(), 6);
    assert_eq!(value["contacts"].as_array().unwrap().len(), 2);
    assert!(batch.is_signed_with("mock-app-secret") && receiver.ready().is_none());
}

#[tokio::test]
async fn latency_can_be_uniform_or_by_percentiles() {
    let mock = frozen().await;
    for (delay, least, most) in [
        (json!({ "min": "1s", "max": "2s" }), 1.0, 2.0),
        (json!({ "median": "1s", "p99": "2s" }), 0.1, 6.0),
        (json!({ "percentiles": { "50": "1s", "90": "2s", "99": "5s" } }), 0.0, 5.0),
    ] {
        arm(&mock, json!({ "kind": "webhook_delay", "delay": delay })).await;
        mock.send(&text("+14155550403", "x")).await.wamid();
        mock.done("POST", "/clock/advance", json!({ "by": "20ms" })).await;
        let clock = mock.done("GET", "/clock", Value::Null).await;
        let seconds = |instant: &Value| instant.as_str().unwrap()[17..].trim_end_matches('Z').parse::<f64>().unwrap();
        let wait = (seconds(&clock["next_due"]) - seconds(&clock["now"])).rem_euclid(60.0);
        assert!((least..=most).contains(&wait), "{delay}: {wait}");
        mock.done("POST", "/reset", Value::Null).await;
    }
    for delay in [json!({ "min": "2s", "max": "1s" }), json!({ "percentiles": { "50": "2s", "90": "1s" } }), json!({})]
    {
        let refused = mock.control("POST", "/faults", json!({ "kind": "latency", "delay": delay })).await;
        assert_eq!((refused.status, refused.body["pointer"].as_str()), (400, Some("/delay")), "{delay}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_aim_is_told_by_its_place() {
    let mock = Mock::start().await;
    let error = |more: Value| {
        let mut fault = json!({ "kind": "error", "code": 131_000 });
        fault.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fault
    };
    for (fault, status, pointer) in [
        (error(json!({ "every": 0 })), 400, "/every"),
        (error(json!({ "first": 0 })), 400, "/first"),
        (error(json!({ "ttl": "0s" })), 400, "/ttl"),
        (error(json!({ "match": { "to": "x" } })), 400, "/match/to"),
        (error(json!({ "match": { "body": { "text": 1 } } })), 400, "/match/body"),
        (error(json!({ "match": { "webhook": "x" } })), 400, "/match/webhook"),
        (error(json!({ "match": { "from": "x" } })), 400, "/match/from"),
        (error(json!({ "colour": 1 })), 400, "/colour"),
        (json!({ "kind": "close", "form": "never" }), 422, "/form"),
        (json!({ "kind": "close", "form": "middle", "accepted": true }), 422, "/accepted"),
        (json!({ "kind": "webhook_signature", "form": "x" }), 422, "/form"),
        (json!({ "kind": "webhook_batch", "size": 1 }), 422, "/size"),
        (json!({ "kind": "tier", "messaging_limit": 1, "match": { "to": ANA } }), 422, "/match"),
    ] {
        let refused = mock.control("POST", "/faults", fault.clone()).await;
        assert_eq!((refused.status, refused.body["pointer"].as_str()), (status, Some(pointer)), "{fault}");
    }
}
