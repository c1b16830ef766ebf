//! Snapshots: a tenant that is kept, changed in every way, and put back.

use crate::client::{Mock, PATIENCE, sale, text};
use crate::receiver::Receiver;
use hyper::Method;
use mock_whatsapp::clock::Pace;
use mock_whatsapp::{Error, MockWhatsApp};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn frozen() -> Mock {
    Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await
}

async fn snapshot(mock: &Mock) -> String {
    mock.done("POST", "/snapshot", Value::Null).await["id"].as_str().unwrap().to_owned()
}

/// Waits until a contact's message is that.
async fn until(mock: &Mock, to: &str, status: &str) {
    let waiting = async {
        while mock.messages(&format!("?to={to}&status={status}")).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the message becomes that");
}

async fn restore(mock: &Mock, id: &str) -> Value {
    mock.done("POST", "/restore", json!({ "id": id })).await
}

/// Everything that can be seen of a tenant from outside.
async fn seen(mock: &Mock) -> Vec<(String, Value)> {
    let mut seen = Vec::new();
    for path in [
        "/clock",
        "/messages",
        "/webhooks",
        "/webhook",
        "/requests",
        "/faults",
        "/templates",
        "/recipients",
        "/referee",
        "/export",
        "/tenants/default",
        "/handsets/4915112345678",
        "/handsets/4915112345679",
        "/numbers/100000000000001",
    ] {
        let (parts, body) = mock.exchange(Method::GET, &format!("/_mock{path}"), &[], Vec::new()).await.unwrap();
        assert_eq!(parts.status.as_u16(), 200, "{path}");
        seen.push((path.to_owned(), serde_json::from_slice(&body).unwrap_or_else(|_| json!(body.to_vec()))));
    }
    for path in [
        "/v23.0/100000000000001",
        "/v23.0/100000000000001/settings",
        "/v23.0/200000000000001/subscribed_apps",
        "/v23.0/200000000000001/message_templates",
    ] {
        seen.push((path.to_owned(), mock.graph(Method::GET, path, Value::Null).await.body));
    }
    seen
}

#[tokio::test]
async fn everything_is_as_it_was() {
    let mock = frozen().await;
    let _receiver = Receiver::of(&mock).await;
    mock.done("PUT", "/handsets/4915112345678", json!({ "kind": "offline", "for": "12h" })).await;
    mock.send(&sale("+4915112345678", "Ana")).await.wamid();
    mock.done("POST", "/faults", json!({ "kind": "error", "code": 131000, "first": 5, "every": 2 })).await;
    mock.send(&text("+4915112345679", "one")).await;
    mock.send(&text("+4915112345679", "two")).await;
    mock.done("POST", "/handsets/4915112345679/block", Value::Null).await;
    mock.done("POST", "/clock/advance", json!({ "by": "1h" })).await;
    mock.done("PUT", "/numbers/100000000000001", json!({ "messaging_limit": 250, "throughput": 20 })).await;
    mock.done("POST", "/clock/advance", json!({ "by": "1s" })).await;
    let before = seen(&mock).await;
    let id = snapshot(&mock).await;
    let kept = seen(&mock).await;

    mock.done("DELETE", "/faults", Value::Null).await;
    mock.done("POST", "/faults", json!({ "kind": "outage" })).await;
    mock.try_send(&text("+4915112345680", "lost")).await.unwrap_err();
    mock.done("DELETE", "/faults", Value::Null).await;
    mock.done("POST", "/handsets/4915112345679/unblock", Value::Null).await;
    mock.done("PUT", "/handsets/4915112345678", json!({ "kind": "plain", "name": "Ben" })).await;
    mock.done("POST", "/handsets/4915112345678/messages", json!({ "type": "text", "text": "stop" })).await;
    mock.done("PUT", "/templates/spring_sale/status", json!({ "status": "DISABLED" })).await;
    mock.done("PUT", "/numbers/100000000000001", json!({ "messaging_limit": "unlimited", "quality": "RED" })).await;
    mock.done("PUT", "/recipients", json!({ "allowed": ["4915112345678"] })).await;
    mock.done("PUT", "/referee", json!({ "ignore": ["duplicate"] })).await;
    mock.graph(Method::POST, "/v23.0/100000000000001/settings", json!({ "calling": { "status": "ENABLED" } })).await;
    mock.graph(Method::DELETE, "/v23.0/200000000000001/subscribed_apps", Value::Null).await;
    mock.done("PUT", "/webhook", json!({ "url": null })).await;
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    let after = seen(&mock).await;
    let same: Vec<&String> =
        after.iter().zip(&kept).filter(|(after, kept)| after == kept).map(|(it, _)| &it.0).collect();
    assert!(same.is_empty(), "everything is to be put back: {same:?}");

    restore(&mock, &id).await;
    for (is, was) in seen(&mock).await.into_iter().zip(before) {
        // What looked at it was written down too.
        if is.0 != "/requests" {
            assert_eq!(is, was);
        }
    }
    let advanced = mock.done("POST", "/clock/advance", json!({ "by": "12h" })).await;
    assert_eq!(advanced["fired"]["statuses"], 2, "the telephone that was off gets its message: {advanced}");
}

#[tokio::test]
async fn no_wamid_comes_twice() {
    let mock = frozen().await;
    let mut receiver = Receiver::of(&mock).await;
    let mut ids = BTreeSet::new();
    let old = mock.send(&text("+14155550201", "answers in a moment")).await.wamid();
    ids.insert(old.clone());
    let id = snapshot(&mock).await;
    let mut discarded = Vec::new();
    for round in 0..4 {
        let sent = mock.send(&text("+4915112345678", "new")).await.wamid();
        let said = json!({ "type": "text", "text": "hi" });
        let said = mock.done("POST", "/handsets/4915112345678/messages", said).await;
        mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
        let mut answer = None;
        while let Some(webhook) = receiver.ready() {
            let is_answer = webhook.message()["from"] == "14155550201";
            answer = answer.or(webhook.message()["id"].as_str().filter(|_| is_answer).map(str::to_owned));
        }
        let new = [sent, said["wamid"].as_str().unwrap().to_owned(), answer.expect("the contact answers")];
        for wamid in &new {
            assert!(ids.insert(wamid.clone()), "{wamid} comes twice, the second time in round {round}");
        }
        let listed = mock.messages("").await;
        assert_eq!(listed.iter().map(|message| &message["wamid"]).collect::<Vec<_>>(), [&json!(old), &json!(new[0])]);
        let quoted = json!({ "type": "text", "text": "to you", "reply_to": new[0] });
        mock.done("POST", "/handsets/4915112345678/messages", quoted).await;
        for wamid in &discarded {
            let forced =
                mock.control("POST", &format!("/messages/{wamid}/statuses"), json!({ "status": "read" })).await;
            assert_eq!(forced.status, 404, "{wamid} is nobody's any more: {forced:?}");
        }
        discarded.push(new[0].clone());
        if round == 2 {
            mock.done("POST", "/reset", Value::Null).await;
        }
        restore(&mock, &id).await;
    }
    let ids_of = |list: &Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let before = ids_of(&mock.done("GET", "/requests", Value::Null).await);
    mock.send(&text("+4915112345678", "last")).await.wamid();
    let after = ids_of(&mock.done("GET", "/requests", Value::Null).await);
    assert_eq!((before.as_slice(), after[1].as_str()), (&["r1".to_owned()][..], "r6"), "nor does a request's number");
    assert_eq!(mock.control("GET", "/requests/r3", Value::Null).await.status, 404);
}

#[tokio::test]
async fn what_contacts_wrote_is_known_again_after_a_reset() {
    let mock = frozen().await;
    let said = json!({ "type": "text", "text": "hi" });
    let said = mock.done("POST", "/handsets/4915112345678/messages", said).await["wamid"].clone();
    let id = snapshot(&mock).await;
    let reaction = json!({ "messaging_product": "whatsapp", "to": "4915112345678", "type": "reaction",
                           "reaction": { "message_id": said, "emoji": "\u{1f600}" } });
    for (is_put_back, status) in [(false, "failed"), (true, "sent")] {
        mock.done("POST", "/reset", Value::Null).await;
        if is_put_back {
            restore(&mock, &id).await;
        }
        mock.send(&reaction).await.wamid();
        mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
        assert_eq!(mock.messages("").await[0]["status"], status);
    }
}

#[tokio::test]
async fn nothing_that_was_discarded_is_delivered() {
    let mock = frozen().await;
    let mut receiver = Receiver::of(&mock).await;
    let kept = mock.send(&text("+4915112345678", "kept")).await.wamid();
    let id = snapshot(&mock).await;
    receiver.answer_with(500);
    mock.send(&text("+4915112345679", "discarded")).await.wamid();
    mock.done("POST", "/webhooks", json!({ "field": "security", "value": { "event": "PIN_CHANGED" } })).await;
    mock.done("POST", "/clock/advance", json!({ "by": "1s" })).await;
    restore(&mock, &id).await;
    receiver.answer_with(200);
    while receiver.ready().is_some() {}
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    for kind in ["sent", "delivered", "read"] {
        let webhook = receiver.next().await;
        assert_eq!((webhook.kind(), &webhook.status()["id"]), (kind, &json!(kept)));
    }
    assert!(receiver.ready().is_none());
}

/// Reads a POST, and leaves it unanswered.
async fn unanswered(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = tokio::time::timeout(PATIENCE, listener.accept()).await.expect("a webhook comes").unwrap();
    let (mut text, mut piece) = (String::new(), [0; 4_096]);
    while !text.ends_with("}]}") {
        let length = stream.read(&mut piece).await.unwrap();
        text.push_str(std::str::from_utf8(&piece[..length]).unwrap());
    }
    (stream, text)
}

#[tokio::test]
async fn what_was_under_way_is_cut_off_and_sent_again() {
    let mock = Mock::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    mock.whatsapp.set_webhook(&format!("http://{}/", listener.local_addr().unwrap())).await.unwrap();
    mock.done("POST", "/webhooks", json!({ "field": "security", "value": { "nth": 1 } })).await;
    let (mut first, before) = unanswered(&listener).await;
    let id = snapshot(&mock).await;
    mock.done("POST", "/webhooks", json!({ "field": "security", "value": { "nth": 2 } })).await;
    let (mut second, discarded) = unanswered(&listener).await;
    assert!(discarded.contains(r#""nth":2"#));
    restore(&mock, &id).await;
    for stream in [&mut first, &mut second] {
        let ended = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 8])).await.expect("it is cut off");
        assert!(matches!(ended, Ok(0) | Err(_)));
    }
    let (mut again, body) = unanswered(&listener).await;
    assert_eq!(body, before, "whether it had arrived is not known");
    again.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    mock.settled("").await;
    let webhooks = mock.done("GET", "/webhooks", Value::Null).await;
    assert_eq!((webhooks["items"].as_array().unwrap().len(), &webhooks["items"][0]["state"]), (1, &json!("acked")));
}

#[tokio::test]
async fn whoever_waited_for_an_answer_gets_none() {
    let mock = frozen().await;
    mock.done("POST", "/faults", json!({ "kind": "latency", "delay": "1h" })).await;
    let message = text("+4915112345678", "slow");
    let asking = mock.try_send(&message);
    let putting = async {
        while mock.messages("").await.is_empty() {
            tokio::task::yield_now().await;
        }
        let id = snapshot(&mock).await;
        restore(&mock, &id).await;
    };
    let (answer, ()) = tokio::join!(asking, putting);
    assert!(answer.is_err(), "{answer:?}");
    let request = mock.done("GET", "/requests/r1", Value::Null).await;
    assert!(request["answer"].as_str().unwrap().starts_with("the answer was not handed over"), "{request}");
    assert_eq!(mock.done("GET", "/clock", Value::Null).await["due"], 1, "only what becomes of the message");
}

#[tokio::test]
async fn snapshots_are_bounded_and_the_one_goes_that_was_not_used_for_longest() {
    let mock = frozen().await;
    let none = mock.control("POST", "/restore", json!({ "id": "s1" })).await;
    assert_eq!((none.status, none.header("content-type")), (404, "application/problem+json"));
    assert!(none.body["detail"].as_str().unwrap().contains("POST /_mock/snapshot"), "{none:?}");
    for nth in 1..=16 {
        let kept = mock.done("POST", "/snapshot", Value::Null).await;
        assert_eq!(kept, json!({ "id": format!("s{nth}"), "evicted": [] }));
    }
    restore(&mock, "s1").await;
    assert_eq!(
        mock.done("POST", "/snapshot", Value::Null).await,
        json!({ "id": "s17", "evicted": ["s2"] }),
        "s1 was used since"
    );
    let gone = mock.control("POST", "/restore", json!({ "id": "s2" })).await;
    let detail = gone.body["detail"].as_str().unwrap();
    assert!(gone.status == 404 && detail.contains("s1, s3, s4") && detail.ends_with("s17"), "{gone:?}");
    assert_eq!(gone.body["pointer"], "/id");
    for (body, pointer) in [(json!({}), "/id"), (json!({ "id": 1 }), "/id"), (json!({ "id": "s1", "x": 1 }), "/x")] {
        let refused = mock.control("POST", "/restore", body).await;
        assert_eq!((refused.status, refused.body["pointer"].as_str()), (400, Some(pointer)));
    }
    mock.done("POST", "/tenants", json!({ "name": "w1" })).await;
    assert_eq!(mock.done("POST", "/snapshot?tenant=w1", Value::Null).await["id"], "s1", "each tenant has its own");
    assert_eq!(mock.control("POST", "/restore?tenant=w1", json!({ "id": "s3" })).await.status, 404);
    let metrics = mock.exchange(Method::GET, "/_mock/metrics", &[], Vec::new()).await.unwrap().1;
    let metrics = String::from_utf8(metrics.to_vec()).unwrap();
    let bytes = |name: &str| -> u64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("{name}{{tenant=\"default\"}} ")));
        line.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse().unwrap()
    };
    assert!(bytes("mock_whatsapp_snapshot_bytes") > 0 && bytes("mock_whatsapp_journal_bytes") > 0);
}

#[tokio::test]
async fn snapshots_are_listed_and_let_go() {
    let mock = frozen().await;
    let none = json!({ "items": [], "next": null, "evicted": 0, "most": 16 });
    assert_eq!(mock.done("GET", "/snapshots", Value::Null).await, none);
    for _ in 0..2 {
        snapshot(&mock).await;
        mock.done("POST", "/clock/advance", json!({ "by": "1h" })).await;
    }
    let listed = mock.done("GET", "/snapshots", Value::Null).await;
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.iter().map(|item| item["id"].as_str().unwrap()).collect::<Vec<_>>(), ["s1", "s2"]);
    assert!(items[0]["at"].as_str() < items[1]["at"].as_str() && items[0]["bytes"].is_u64(), "{listed}");
    let first = mock.done("GET", "/snapshots?limit=1", Value::Null).await;
    assert_eq!((&first["items"][0]["id"], &first["next"]), (&json!("s1"), &json!("1")));
    let second = mock.done("GET", "/snapshots?limit=1&cursor=1", Value::Null).await;
    assert_eq!((&second["items"][0]["id"], &second["next"]), (&json!("s2"), &Value::Null));

    assert_eq!(mock.done("DELETE", "/snapshots/s1", Value::Null).await, json!({ "dropped": 1 }));
    for (method, path, body) in [("DELETE", "/snapshots/s1", Value::Null), ("POST", "/restore", json!({ "id": "s1" }))]
    {
        let gone = mock.control(method, path, body).await;
        assert!(gone.status == 404 && gone.body["detail"].as_str().unwrap().ends_with("there are s2"), "{gone:?}");
    }
    assert_eq!(mock.control("DELETE", "/snapshots/2", Value::Null).await.status, 404, "an id is s and a number");
    restore(&mock, "s2").await;
    assert_eq!(snapshot(&mock).await, "s3", "no id comes twice");
    assert_eq!(mock.done("DELETE", "/snapshots", Value::Null).await, json!({ "dropped": 2 }));
    assert_eq!(mock.done("DELETE", "/snapshots", Value::Null).await, json!({ "dropped": 0 }));
    assert_eq!(mock.done("GET", "/snapshots", Value::Null).await, none, "what was let go was not pushed out");

    for _ in 0..18 {
        snapshot(&mock).await;
    }
    let full = mock.done("GET", "/snapshots", Value::Null).await;
    assert_eq!((full["items"].as_array().unwrap().len(), &full["evicted"]), (16, &json!(2)));
    assert_eq!(full["items"][0]["id"], "s6");
}

#[tokio::test]
async fn a_real_clock_runs_on_from_where_it_was() {
    let mock = Mock::start().await;
    mock.done("PUT", "/handsets/4915112345678", json!({ "kind": "offline", "for": "12h" })).await;
    mock.send(&text("+4915112345678", "tonight")).await.wamid();
    until(&mock, "4915112345678", "sent").await;
    let id = snapshot(&mock).await;
    let kept = mock.done("GET", "/clock", Value::Null).await;
    // What happens to a message that is read takes a tenth of a second, by the real clock.
    mock.send(&text("+4915112345679", "now")).await.wamid();
    until(&mock, "4915112345679", "read").await;
    let restored = restore(&mock, &id).await;
    assert!(restored["now"].as_str() <= kept["now"].as_str(), "{restored}, {kept}");
    let clock = mock.done("GET", "/clock", Value::Null).await;
    assert_eq!((&clock["mode"], &clock["factor"]), (&json!("running"), &json!(1.0)));
    assert_eq!((&clock["due"], &clock["next_due"]), (&json!(1), &kept["next_due"]));
    mock.done("POST", "/reset", Value::Null).await;
    assert_eq!(mock.done("GET", "/clock", Value::Null).await["mode"], "real");
}

#[tokio::test]
async fn time_that_runs_fast_runs_on_from_where_it_was() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Factor(100_000.0))).await;
    mock.done("PUT", "/handsets/4915112345678", json!({ "kind": "offline", "for": "12h" })).await;
    mock.done("POST", "/clock/freeze", Value::Null).await;
    mock.send(&text("+4915112345678", "tonight")).await.wamid();
    mock.done("POST", "/clock/run", json!({ "factor": 100_000 })).await;
    let id = snapshot(&mock).await;
    for _ in 0..2 {
        assert_eq!(mock.settled("").await[0]["status"], "read");
        restore(&mock, &id).await;
        assert_ne!(mock.messages("").await[0]["status"], "read", "twelve hours are longer than a call takes");
    }
}

#[tokio::test]
async fn files_that_come_in_are_put_back_too() {
    let mock = frozen().await;
    let opened =
        mock.graph(Method::POST, "/v23.0/300000000000001/uploads?file_length=10&file_type=image/png", Value::Null);
    let session = opened.await.body["id"].as_str().unwrap().to_owned();
    let send = async |offset: &str, piece: &[u8]| {
        let token = format!("OAuth {}", mock.token);
        let headers = [("authorization", token.as_str()), ("file_offset", offset)];
        let path = format!("/v23.0/{session}");
        let (_, body) = mock.exchange(Method::POST, &path, &headers, piece.to_vec()).await.unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    send("0", b"01234").await;
    let id = snapshot(&mock).await;
    let mut handles = BTreeSet::new();
    for piece in [b"56789", b"98765"] {
        handles.insert(send("5", piece).await["h"].as_str().unwrap().to_owned());
        restore(&mock, &id).await;
        let there = mock.graph(Method::GET, &format!("/v23.0/{session}"), Value::Null).await;
        assert_eq!(there.body["file_offset"], 5);
    }
    assert_eq!(handles.len(), 2);
}

#[tokio::test]
async fn a_test_in_rust_puts_a_tenant_back() {
    let mut mock = frozen().await;
    let worker = mock.whatsapp.tenant("w1").unwrap();
    (mock.token, mock.number) = (worker.token().to_owned(), worker.phone_number_id().to_owned());
    mock.send(&text("+4915112345678", "one")).await.wamid();
    let one = worker.snapshot().await.unwrap();
    mock.send(&text("+4915112345678", "two")).await.wamid();
    worker.reset().await.unwrap();
    assert!(worker.messages().await.unwrap().is_empty());
    worker.restore(&one).await.unwrap();
    assert_eq!(worker.messages().await.unwrap()[0].rendered, "one");
    assert_eq!(worker.messages().await.unwrap().len(), 1);
    let unknown = worker.restore("s9").await.unwrap_err();
    assert!(matches!(&unknown, Error::Refused(problem) if problem.status == 404), "{unknown}");
    let receiver = Receiver::start("x").await;
    worker.set_webhook(&receiver.url).await.unwrap();
    let mut last = worker.snapshot().await.unwrap();
    let journey = mock.control("POST", "/clock/settle?tenant=w1", json!({ "quiet": "10m" }));
    let keeping = async {
        let problem = loop {
            match worker.snapshot().await {
                Ok(id) => last = id,
                Err(Error::Refused(problem)) => break problem,
                Err(other) => panic!("{other}"),
            }
            tokio::task::yield_now().await;
        };
        worker.restore(&last).await.unwrap();
        problem
    };
    let (journey, problem) = tokio::join!(journey, keeping);
    assert_eq!((problem.status, problem.detail.starts_with("time is being moved")), (409, true), "{problem:?}");
    assert!(journey.status == 409 && journey.body["detail"].as_str().unwrap().contains("restore"), "{journey:?}");
}

#[tokio::test]
async fn other_ids_do_not_come_twice_either() {
    let mock = frozen().await;
    let id = snapshot(&mock).await;
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        let fault = mock.done("POST", "/faults", json!({ "kind": "latency", "delay": "1s" })).await;
        let webhook = mock.done("POST", "/webhooks", json!({ "field": "security", "value": {} })).await;
        let file = json!({ "type": "image" });
        mock.done("POST", "/handsets/4915112345678/messages", file).await;
        let body = json!({ "name": "new", "language": "en_US", "category": "UTILITY",
                           "components": [{ "type": "BODY", "text": "Hello" }] });
        let template = mock.graph(Method::POST, "/v23.0/200000000000001/message_templates", body).await;
        let session = "/v23.0/300000000000001/uploads?file_length=10&file_type=image/png";
        let session = mock.graph(Method::POST, session, Value::Null).await;
        let webhooks = mock.done("GET", "/webhooks", Value::Null).await;
        let picture: Value = webhooks["items"].as_array().unwrap().iter().rev().find_map(picture_of).unwrap();
        for id in [&fault["id"], &webhook["webhook"], &template.body["id"], &session.body["id"], &picture] {
            assert!(seen.insert(id.as_str().unwrap().to_owned()), "{id} comes twice");
        }
        restore(&mock, &id).await;
    }
}

/// The id of the picture that a webhook tells of.
fn picture_of(webhook: &Value) -> Option<Value> {
    let body: Value = serde_json::from_str(webhook["body_raw"].as_str()?).ok()?;
    body.pointer("/entry/0/changes/0/value/messages/0/image/id").cloned()
}

#[tokio::test]
async fn what_was_to_be_sent_again_or_together_still_is() {
    let mock = frozen().await;
    let mut receiver = Receiver::start("x").await;
    let hook = json!({ "url": receiver.url, "handshake": false, "batch": 2, "batch_wait": "1h" });
    mock.done("PUT", "/webhook", hook).await;
    receiver.answer_with(500);
    let tell = async |nth: u64| {
        mock.done("POST", "/webhooks", json!({ "field": "security", "value": { "nth": nth } })).await;
    };
    tell(1).await;
    tell(2).await;
    let pair = receiver.next().await;
    mock.done("POST", "/clock/advance", json!({ "by": "1s" })).await;
    tell(3).await;
    let id = snapshot(&mock).await;
    let before = mock.done("GET", "/webhooks", Value::Null).await;
    receiver.answer_with(200);
    for _ in 0..2 {
        while receiver.ready().is_some() {}
        mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
        let log = mock.done("GET", "/webhooks", Value::Null).await;
        assert!(log["items"].as_array().unwrap().iter().all(|webhook| webhook["state"] == "acked"), "{log}");
        let (again, third) = (receiver.next().await, receiver.next().await);
        assert_eq!(again.raw, pair.raw, "two that share a POST come again together");
        assert!(String::from_utf8_lossy(&third.raw).contains(r#""nth":3"#), "one that waited for another");
        assert!(receiver.ready().is_none());
        mock.done("POST", "/reset", Value::Null).await;
        restore(&mock, &id).await;
        assert_eq!(mock.done("GET", "/webhooks", Value::Null).await, before);
    }
}

#[tokio::test]
async fn a_piece_of_a_file_that_is_on_its_way_is_waited_for_or_discarded() {
    let mock = frozen().await;
    let open = "/v23.0/300000000000001/uploads?file_length=10&file_type=image/png";
    let opened = mock.graph(Method::POST, open, Value::Null).await;
    let session = opened.body["id"].as_str().unwrap();
    let id = snapshot(&mock).await;
    let mut stream = TcpStream::connect(mock.whatsapp.base_url().strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /v23.0/{session} HTTP/1.1\r\nHost: x\r\nAuthorization: OAuth {}\r\nfile_offset: 0\r\nContent-Length: 10\r\n\r\n",
        mock.token
    );
    stream.write_all(format!("{head}01234").as_bytes()).await.unwrap();
    let mut last = id;
    let refusing = async {
        loop {
            let kept = mock.control("POST", "/snapshot", Value::Null).await;
            match kept.body["id"].as_str() {
                Some(id) => id.clone_into(&mut last),
                None => return kept,
            }
            tokio::task::yield_now().await;
        }
    };
    let refused = tokio::time::timeout(PATIENCE, refusing).await.expect("the piece begins to come");
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(refused.status == 409 && detail.starts_with("a piece of a file"), "{refused:?}");
    restore(&mock, &last).await;
    stream.write_all(b"56789").await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    let there = mock.graph(Method::GET, &format!("/v23.0/{session}"), Value::Null).await;
    assert_eq!(there.body["file_offset"], 0, "the piece was on its way to what was discarded");
}

#[tokio::test]
async fn telephones_and_faults_count_towards_what_a_snapshot_takes() {
    const MANY: u64 = 2_000;
    let mock = Mock::start().await;
    let items: Vec<Value> = (0..MANY).map(|nth| json!({ "wa_id": 491_511_000_000 + nth, "kind": "blocked" })).collect();
    mock.done("PUT", "/handsets", json!({ "items": items })).await;
    mock.done("POST", "/snapshot", Value::Null).await;
    let fault = json!({ "kind": "outage", "from": "1h", "match": { "body": { "/x": "x".repeat(60_000) } } });
    mock.done("POST", "/faults", fault).await;
    mock.done("POST", "/snapshot", Value::Null).await;
    let listed = mock.done("GET", "/snapshots", Value::Null).await;
    let bytes = |place: usize| listed["items"][place]["bytes"].as_u64().unwrap();
    assert!(bytes(0) > 100 * MANY && bytes(1) > bytes(0) + 60_000, "{listed}");
}
