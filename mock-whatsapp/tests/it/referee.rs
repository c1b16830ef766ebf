//! The referee: a sender that does what it may not is convicted with the evidence, and what only looks like it is not.

use crate::client::{Mock, PATIENCE, sale, template, text};
use crate::receiver::Receiver;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use mock_whatsapp::config::Config;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const ANA: &str = "+14155560001";
const BEN: &str = "+14155560002";

/// What there is about one rule: certain, suspected, the evidence.
struct About {
    certain: u64,
    suspected: u64,
    evidence: Vec<Value>,
}

impl About {
    fn requests(&self, place: usize) -> &Value {
        &self.evidence[place]["requests"]
    }

    fn why(&self) -> &str {
        self.evidence[0]["why"].as_str().unwrap()
    }
}

async fn judgement(mock: &Mock) -> Value {
    mock.done("GET", "/referee", Value::Null).await
}

async fn about(mock: &Mock, name: &str) -> About {
    let judged = judgement(mock).await;
    let rules = judged["rules"].as_array().unwrap();
    let rule = rules.iter().find(|rule| rule["rule"] == name).unwrap();
    let count = |key: &str| rule[key].as_u64().unwrap();
    let about = About {
        certain: count("certain"),
        suspected: count("suspected"),
        evidence: rule["evidence"].as_array().unwrap().clone(),
    };
    let verdict = if rules.iter().any(|rule| rule["certain"] != 0) { "guilty" } else { "clean" };
    assert_eq!(judged["verdict"], verdict, "{judged}");
    about
}

async fn counts(mock: &Mock, name: &str) -> (u64, u64) {
    let about = about(mock, name).await;
    (about.certain, about.suspected)
}

fn called(mut message: Value, callback: &str) -> Value {
    message["biz_opaque_callback_data"] = callback.into();
    message
}

async fn frozen() -> Mock {
    Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await
}

async fn advance(mock: &Mock, by: &str) {
    mock.done("POST", "/clock/advance", json!({ "by": by })).await;
}

async fn fault(mock: &Mock, fault: Value) {
    mock.done("POST", "/faults", fault).await;
}

async fn disarm(mock: &Mock) {
    mock.done("DELETE", "/faults", Value::Null).await;
}

/// Sends what gets no answer, until the mock has decided on it.
async fn lost(mock: &Mock, message: &Value) {
    let before = judgement(mock).await["sends"].clone();
    let decided = async {
        while judgement(mock).await["sends"] == before {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = mock.try_send(message) => panic!("the reply is lost: {answer:?}"),
        decided = tokio::time::timeout(PATIENCE, decided) => decided.unwrap(),
    }
}

#[tokio::test]
async fn the_same_message_twice_is_a_duplicate() {
    let mock = frozen().await;
    mock.send(&called(sale(ANA, "A"), "m1")).await.wamid();
    mock.send(&called(sale(BEN, "A"), "m1")).await.wamid();
    assert_eq!(counts(&mock, "duplicate").await, (0, 0), "another contact");
    advance(&mock, "1h").await;
    mock.send(&called(sale(ANA, "A"), "m1")).await.wamid();
    let about = about(&mock, "duplicate").await;
    assert_eq!((about.certain, about.suspected, about.requests(0)), (1, 0, &json!(["r1", "r3"])));
    assert_eq!(about.evidence[0]["to"], "14155560001");
    assert!(about.why().contains("1h later") && about.why().contains("same callback data"), "{}", about.why());
    advance(&mock, "73h").await;
    mock.send(&called(sale(ANA, "A"), "m1")).await.wamid();
    assert_eq!(counts(&mock, "duplicate").await, (1, 0), "days later it may be meant");
    // Two attempts of one message, by their names.
    mock.send(&called(sale(BEN, "B"), "c1|m7|1")).await.wamid();
    mock.send(&called(sale(BEN, "B"), "c1|m7|2")).await.wamid();
    assert_eq!(counts(&mock, "duplicate").await, (2, 0));
}

#[tokio::test]
async fn what_may_be_another_message_is_only_suspected_and_only_for_a_while() {
    let mock = frozen().await;
    for (message, suspected) in [
        (sale(ANA, "A"), 0),
        (sale(ANA, "A"), 1),
        (sale(ANA, "B"), 2),
        (template(ANA, "hello_world", &[]), 2),
        (called(template(ANA, "hello_world", &[]), "m1"), 3),
        (called(sale(ANA, "C"), "m1"), 4),
    ] {
        mock.send(&message).await.wamid();
        assert_eq!(counts(&mock, "duplicate").await, (0, suspected), "{message}");
    }
    advance(&mock, "10m").await;
    mock.send(&sale(ANA, "A")).await.wamid();
    assert_eq!(counts(&mock, "duplicate").await, (0, 4));
    mock.done("PUT", "/referee", json!({ "duplicate_window": "1h" })).await;
    advance(&mock, "30m").await;
    mock.send(&sale(ANA, "A")).await.wamid();
    assert_eq!(counts(&mock, "duplicate").await, (0, 5));
}

#[tokio::test]
async fn who_was_told_of_a_failure_may_send_again() {
    let mock = frozen().await;
    let _receiver = Receiver::of(&mock).await;
    fault(&mock, json!({ "kind": "error", "code": 131_000, "asynchronous": true })).await;
    mock.send(&called(sale(ANA, "A"), "m1")).await.wamid();
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    disarm(&mock).await;
    advance(&mock, "5s").await;
    mock.send(&called(sale(ANA, "A"), "m1")).await.wamid();
    assert_eq!(judgement(&mock).await["verdict"], "clean");
    assert_eq!(counts(&mock, "duplicate").await, (0, 0));
}

#[tokio::test]
async fn a_resend_into_the_unknown_is_blind_unless_it_waited() {
    for (callbacks, certain) in
        [(["m1", "m1"], 1), (["", ""], 1), (["c1|m1|1", "c1|m1|2"], 1), (["sale-1", "news-7"], 0)]
    {
        let mock = frozen().await;
        fault(&mock, json!({ "kind": "lost_reply" })).await;
        lost(&mock, &called(sale(ANA, "A"), callbacks[0])).await;
        disarm(&mock).await;
        mock.send(&called(sale(ANA, "A"), callbacks[1])).await.wamid();
        let about = about(&mock, "blind_resend").await;
        assert_eq!((about.certain, about.suspected), (certain, 1 - certain), "{callbacks:?}");
        assert_eq!(about.requests(0), &json!(["r1", "r2"]));
        assert!(about.why().contains("had been accepted") && about.why().contains("10m"), "{}", about.why());
    }
    let mock = frozen().await;
    for kind in
        [json!({ "kind": "reset" }), json!({ "kind": "garbled_reply" }), json!({ "kind": "reset", "accepted": true })]
    {
        fault(&mock, kind.clone()).await;
        drop(mock.try_send(&called(sale(ANA, "A"), "m1")).await);
        disarm(&mock).await;
        advance(&mock, "10m").await;
        drop(mock.try_send(&called(sale(BEN, "A"), "m1")).await);
        advance(&mock, "10m").await;
    }
    assert_eq!(counts(&mock, "blind_resend").await, (0, 0), "each waited, or went to somebody else");
    let mock = Mock::start().await;
    fault(&mock, json!({ "kind": "reset" })).await;
    mock.try_send(&called(sale(ANA, "A"), "m1")).await.unwrap_err();
    mock.try_send(&called(sale(ANA, "A"), "m1")).await.unwrap_err();
    assert_eq!(counts(&mock, "blind_resend").await, (1, 0), "that nothing was taken, nobody could know");
}

#[tokio::test]
async fn who_waited_for_evidence_that_never_came_is_not_convicted() {
    let mock = frozen().await;
    let _receiver = Receiver::of(&mock).await;
    fault(&mock, json!({ "kind": "lost_reply" })).await;
    fault(&mock, json!({ "kind": "webhook_loss" })).await;
    lost(&mock, &called(sale(ANA, "A"), "m1")).await;
    advance(&mock, "1s").await;
    disarm(&mock).await;
    advance(&mock, "10m").await;
    mock.send(&called(sale(ANA, "A"), "m1")).await.wamid();
    let about = about(&mock, "duplicate").await;
    assert_eq!((about.certain, about.suspected), (0, 1));
    assert!(about.why().contains("so was the evidence"), "{}", about.why());
    assert_eq!(counts(&mock, "blind_resend").await, (0, 0));
}

#[tokio::test]
async fn who_had_the_evidence_and_sent_again_made_a_duplicate() {
    let mock = frozen().await;
    let receiver = Receiver::of(&mock).await;
    fault(&mock, json!({ "kind": "lost_reply" })).await;
    lost(&mock, &called(sale(ANA, "A"), "m1")).await;
    receiver.answer_with(503);
    lost(&mock, &called(sale(BEN, "A"), "m2")).await;
    mock.done("POST", "/clock/advance", json!({ "by": "1s" })).await;
    receiver.answer_with(200);
    disarm(&mock).await;
    advance(&mock, "12m").await;
    mock.send(&called(sale(ANA, "A"), "m1")).await.wamid();
    let about = about(&mock, "duplicate").await;
    assert_eq!((about.certain, about.requests(0)), (1, &json!(["r1", "r3"])));
    assert!(about.why().contains("acknowledged a webhook"), "{}", about.why());
}

#[tokio::test]
async fn a_retry_keeps_the_wait_that_its_error_asks_for() {
    let mock = frozen().await;
    let _receiver = Receiver::of(&mock).await;
    let message = called(sale(ANA, "A"), "m1");
    fault(&mock, json!({ "kind": "error", "code": 131_056 })).await;
    mock.send(&message).await;
    advance(&mock, "1s").await;
    mock.send(&message).await;
    assert_eq!(counts(&mock, "retry_too_early").await, (0, 0), "4^0 seconds");
    advance(&mock, "3s").await;
    mock.send(&message).await;
    let early = about(&mock, "retry_too_early").await;
    assert_eq!((early.certain, early.requests(0)), (1, &json!(["r2", "r3"])));
    assert!(early.why().contains("131056") && early.why().contains("4s"), "{}", early.why());
    disarm(&mock).await;

    mock.done("POST", "/reset", Value::Null).await;
    mock.done("PUT", "/handsets/14155560001", json!({ "kind": "marketing_capped" })).await;
    mock.send(&message).await.wamid();
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    advance(&mock, "25h").await;
    mock.send(&message).await.wamid();
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    assert_eq!(counts(&mock, "retry_too_early").await, (0, 0));
    advance(&mock, "23h").await;
    mock.send(&message).await.wamid();
    assert_eq!(counts(&mock, "retry_too_early").await, (1, 0), "a day after 131049");

    mock.done("POST", "/reset", Value::Null).await;
    mock.done("PUT", "/handsets/14155560001", json!({ "kind": "plain" })).await;
    fault(&mock, json!({ "kind": "error", "code": 131_016 })).await;
    mock.send(&message).await;
    mock.send(&message).await;
    assert_eq!(counts(&mock, "retry_too_early").await, (0, 1), "no documented wait: unwise, and no more");
}

#[tokio::test]
async fn above_the_rate_of_its_own_number_a_sender_is_guilty_and_not_above_a_hidden_one() {
    let mock = Mock::of(MockWhatsApp::builder().throughput(1)).await;
    let messages: Vec<Value> = (0..8).map(|place| sale(&format!("+1415556{place:04}"), "A")).collect();
    let sent = messages.iter().map(|message| mock.send(message));
    for answer in join_all(sent).await {
        assert!(matches!(answer.status, 200 | 400 | 429), "{answer:?}");
    }
    let about = about(&mock, "over_throughput").await;
    assert!(about.certain >= 1 && about.why().contains("1 messages a second"), "{} {}", about.certain, about.why());

    let mock = Mock::start().await;
    fault(&mock, json!({ "kind": "throttle", "rate": 1 })).await;
    for answer in join_all(messages.iter().map(|message| mock.send(message))).await {
        assert!(matches!(answer.status, 200 | 400 | 429), "{answer:?}");
    }
    assert_eq!(counts(&mock, "over_throughput").await, (0, 0));
}

/// All at once.
async fn join_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = pinned.iter().map(|_| None).collect();
    std::future::poll_fn(move |cx| {
        for (future, done) in pinned.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *done = Some(value);
            }
        }
        match done.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(done.iter_mut().filter_map(Option::take).collect()),
            false => std::task::Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn more_to_one_contact_than_the_pair_may_is_held_against_the_sender() {
    let mock = frozen().await;
    for place in 0..46 {
        mock.send(&called(sale(ANA, &format!("{place}")), &format!("m{place}"))).await;
    }
    let pair = about(&mock, "over_pair").await;
    assert_eq!((pair.certain, pair.requests(0)), (1, &json!(["r46"])));
    mock.done("POST", "/reset", Value::Null).await;
    fault(&mock, json!({ "kind": "error", "code": 131_056 })).await;
    mock.send(&sale(ANA, "A")).await;
    assert_eq!(counts(&mock, "over_pair").await, (0, 0), "an error that somebody armed");
}

#[tokio::test]
async fn one_contact_too_many_is_held_against_the_sender_unless_the_limit_was_lowered_in_secret() {
    // However it is told.
    for told in ["webhook", "answer"] {
        let mut config = Config { pace: Pace::Frozen, ..Config::default() };
        config.read(&format!("messaging_limit = 2\nmessaging_limit_told = \"{told}\"")).unwrap();
        let mock = Mock::of(MockWhatsApp::builder().config(config)).await;
        let _receiver = Receiver::of(&mock).await;
        for to in [ANA, BEN, ANA, "+14155560003"] {
            mock.send(&sale(to, "A")).await;
        }
        mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
        let beyond = about(&mock, "over_messaging_limit").await;
        assert_eq!(
            (beyond.certain, beyond.requests(0), &beyond.evidence[0]["to"]),
            (1, &json!(["r4"]), &json!("14155560003")),
            "{told}"
        );
        advance(&mock, "30m").await;
        mock.send(&sale("+14155560003", "A")).await;
        mock.send(&sale("+14155560004", "A")).await;
        assert_eq!(counts(&mock, "over_messaging_limit").await, (3, 0), "{told}: it goes on");
        assert_eq!(counts(&mock, "retry_too_early").await, (1, 0), "{told}: the same within an hour");
        mock.done("POST", "/reset", Value::Null).await;
        fault(&mock, json!({ "kind": "tier", "messaging_limit": 1 })).await;
        for to in [ANA, BEN] {
            mock.send(&sale(to, "A")).await;
        }
        assert_eq!(counts(&mock, "over_messaging_limit").await, (0, 1), "{told}");
        mock.done("POST", "/reset", Value::Null).await;
        fault(&mock, json!({ "kind": "error", "code": 131_048, "asynchronous": true })).await;
        mock.send(&sale(ANA, "A")).await.wamid();
        mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
        assert_eq!(counts(&mock, "over_messaging_limit").await, (0, 0), "{told}: an error that somebody armed");
    }
}

#[tokio::test]
async fn nothing_more_after_an_opt_out_that_the_sender_acknowledged() {
    let mock = frozen().await;
    let receiver = Receiver::of(&mock).await;
    let who = "+14155550451";
    receiver.answer_with(503);
    mock.send(&called(sale(who, "A"), "m1")).await.wamid();
    advance(&mock, "2s").await;
    mock.send(&called(sale(who, "B"), "m2")).await.wamid();
    assert_eq!(counts(&mock, "sent_after_opt_out").await, (0, 0), "it was not acknowledged");
    receiver.answer_with(200);
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    mock.send(&called(sale(who, "C"), "m3")).await.wamid();
    let opted = about(&mock, "sent_after_opt_out").await;
    assert_eq!(
        (opted.certain, opted.requests(0), &opted.evidence[0]["to"]),
        (1, &json!(["r3"]), &json!("14155550451"))
    );
}

#[tokio::test]
async fn an_opt_out_of_marketing_is_of_marketing_and_one_message_may_confirm_a_stop() {
    let mock = frozen().await;
    let _receiver = Receiver::of(&mock).await;
    mock.send(&sale(ANA, "A")).await.wamid();
    mock.done("POST", "/handsets/14155560001/opt-out", Value::Null).await;
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    mock.send(&template(ANA, "hello_world", &[])).await.wamid();
    assert_eq!(counts(&mock, "sent_after_opt_out").await, (0, 0), "it is no marketing");
    mock.send(&sale(ANA, "B")).await.wamid();
    assert_eq!(counts(&mock, "sent_after_opt_out").await, (1, 0));
    mock.done("POST", "/handsets/14155560001/opt-in", Value::Null).await;
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    mock.send(&sale(ANA, "C")).await;
    assert_eq!(counts(&mock, "sent_after_opt_out").await, (1, 0), "who opts in again may be written to");

    mock.done("POST", "/handsets/14155560002/messages", json!({ "type": "text", "text": "stop " })).await;
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    mock.send(&text(BEN, "You will hear nothing more.")).await.wamid();
    assert_eq!(counts(&mock, "sent_after_opt_out").await, (1, 1));
    mock.send(&text(BEN, "Really.")).await.wamid();
    assert_eq!(counts(&mock, "sent_after_opt_out").await, (2, 1));
}

#[tokio::test]
async fn a_block_that_nobody_tells_of_is_only_suspected() {
    let mock = frozen().await;
    let _receiver = Receiver::of(&mock).await;
    mock.send(&sale("+14155550403", "A")).await.wamid();
    mock.done("POST", "/handsets/14155560001/block", Value::Null).await;
    mock.send(&sale(ANA, "A")).await.wamid();
    assert_eq!(counts(&mock, "sent_to_blocked").await, (0, 2));
    fault(&mock, json!({ "kind": "error", "code": 130_403, "asynchronous": true })).await;
    mock.send(&sale(BEN, "A")).await.wamid();
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    disarm(&mock).await;
    mock.send(&sale(BEN, "B")).await.wamid();
    let blocked = about(&mock, "sent_to_blocked").await;
    assert_eq!((blocked.certain, blocked.requests(0)), (1, &json!(["r4"])));
}

#[tokio::test]
async fn what_nobody_could_take_is_malformed_and_what_somebody_armed_is_not() {
    let mock = Mock::start().await;
    fault(&mock, json!({ "kind": "error", "code": 131_009 })).await;
    mock.send(&sale(ANA, "A")).await;
    disarm(&mock).await;
    assert_eq!(counts(&mock, "malformed").await, (0, 0));
    mock.send(&text(ANA, "")).await;
    mock.send(&template(ANA, "spring_sale", &[])).await;
    mock.send(&template(ANA, "no_such_template", &[])).await;
    let malformed = about(&mock, "malformed").await;
    assert_eq!((malformed.certain, malformed.requests(1)), (3, &json!(["r3"])));
    assert!(malformed.evidence[1]["why"].as_str().unwrap().contains("132000"), "{:?}", malformed.evidence);
    assert_eq!(judgement(&mock).await["sends"], 4);
}

#[tokio::test]
async fn what_can_only_be_refused_again_is_wasteful() {
    let mock = frozen().await;
    let _receiver = Receiver::of(&mock).await;
    mock.send(&called(sale("+14155550404", "A"), "m1")).await.wamid();
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    mock.send(&called(sale("+14155550404", "B"), "m2")).await.wamid();
    assert_eq!(counts(&mock, "wasteful").await, (0, 1), "another message, which may be worth a try");
    mock.send(&called(sale("+14155550404", "A"), "m1")).await.wamid();
    let wasteful = about(&mock, "wasteful").await;
    assert_eq!((wasteful.certain, wasteful.requests(0)), (1, &json!(["r1", "r3"])));
    assert!(wasteful.why().contains("131026"), "{}", wasteful.why());
}

#[tokio::test]
async fn who_goes_on_after_the_account_was_shut_is_wasteful_and_who_was_under_way_is_not() {
    let mock = Mock::start().await;
    fault(&mock, json!({ "kind": "token_revoked" })).await;
    for place in 0..20 {
        mock.send(&sale(&format!("+1415556{place:04}"), "A")).await;
    }
    assert_eq!(counts(&mock, "wasteful").await, (0, 0), "a quarter of a second's worth");
    for place in 20..24 {
        mock.send(&sale(&format!("+1415556{place:04}"), "A")).await;
    }
    let wasteful = about(&mock, "wasteful").await;
    assert!(wasteful.certain == 4 && wasteful.why().contains("190"), "{} {}", wasteful.certain, wasteful.why());
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_in_time_is_slow() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    mock.send(&sale(ANA, "A")).await.wamid();
    receiver.kinds(3).await;
    mock.settled("").await;
    assert_eq!(counts(&mock, "webhook_slow").await.0, 0);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let webhook = json!({ "url": url, "handshake": false, "timeout": "20ms", "retry": "none" });
    mock.done("PUT", "/webhook", webhook).await;
    mock.send(&sale(BEN, "A")).await.wamid();
    mock.settled("").await;
    let slow = about(&mock, "webhook_slow").await;
    assert!(slow.certain == 3 && slow.why().contains("not answered within"), "{} {}", slow.certain, slow.why());
}

#[tokio::test]
async fn a_receiver_must_take_what_is_in_order_and_may_say_not_now() {
    let mock = frozen().await;
    let receiver = Receiver::of(&mock).await;
    receiver.answer_with(503);
    mock.send(&sale(ANA, "A")).await.wamid();
    advance(&mock, "1s").await;
    let (certain, suspected) = counts(&mock, "webhook_refused").await;
    assert!(certain == 0 && suspected >= 3, "{certain} {suspected}");
    receiver.answer_with(200);
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    fault(&mock, json!({ "kind": "webhook_forged" })).await;
    mock.done("POST", "/webhooks", json!({ "field": "security", "value": {} })).await;
    assert_eq!(counts(&mock, "webhook_refused").await.0, 0);
    disarm(&mock).await;
    receiver.answer_with(403);
    mock.send(&sale(BEN, "A")).await.wamid();
    advance(&mock, "1s").await;
    let refused = about(&mock, "webhook_refused").await;
    assert!(
        refused.certain >= 3 && refused.evidence[0]["why"].as_str().unwrap().contains("403"),
        "{:?}",
        refused.evidence
    );
}

#[tokio::test]
async fn rules_can_be_ignored_and_what_decides_outlives_the_journal() {
    let config = Config { journal_bytes: 200_000, throughput: 1_000, ..Config::default() };
    let mock = Mock::of(MockWhatsApp::builder().config(config)).await;
    mock.send(&called(sale(ANA, "A"), "m1")).await.wamid();
    let long = "x".repeat(1_000);
    for place in 0..250 {
        mock.send(&sale(&format!("+1415557{place:04}"), &long)).await.wamid();
    }
    assert_eq!(mock.control("GET", "/requests/r1", Value::Null).await.status, 410);
    mock.send(&called(sale(ANA, "A"), "m1")).await.wamid();
    let duplicate = about(&mock, "duplicate").await;
    assert_eq!((duplicate.certain, duplicate.requests(0)), (1, &json!(["r1", "r252"])));
    let set = mock.done("PUT", "/referee", json!({ "ignore": ["duplicate", "wasteful"] })).await;
    assert_eq!(set["ignore"], json!(["duplicate", "wasteful"]));
    let judged = judgement(&mock).await;
    assert_eq!((&judged["verdict"], &judged["rules"][0]["certain"]), (&json!("clean"), &json!(1)));
    for (body, pointer) in [
        (json!({ "ignore": ["duplicates"] }), "/ignore/0"),
        (json!({ "duplicate_window": 10 }), "/duplicate_window"),
        (json!({ "window": "10m" }), "/window"),
    ] {
        let answer = mock.control("PUT", "/referee", body).await;
        assert_eq!((answer.status, answer.body["pointer"].as_str()), (400, Some(pointer)));
    }
    mock.done("POST", "/reset", Value::Null).await;
    let judged = judgement(&mock).await;
    assert_eq!((&judged["sends"], &judged["rules"][0]["certain"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn a_good_sender_is_acquitted_of_everything() {
    let mock = frozen().await;
    let receiver = Receiver::of(&mock).await;
    let settle = || mock.done("POST", "/clock/settle", json!({ "quiet": "0s" }));
    // Lost replies: it waits for the evidence, which comes for one of them.
    fault(&mock, json!({ "kind": "lost_reply" })).await;
    lost(&mock, &called(sale(ANA, "A"), "c1|m1|1")).await;
    settle().await;
    disarm(&mock).await;
    fault(&mock, json!({ "kind": "reset" })).await;
    mock.try_send(&called(sale(BEN, "A"), "c1|m2|1")).await.unwrap_err();
    disarm(&mock).await;
    advance(&mock, "11m").await;
    mock.send(&called(sale(BEN, "A"), "c1|m2|2")).await.wamid();
    // Errors: it waits as long as they ask for.
    for (code, wait) in [(131_000, "2s"), (130_429, "2s"), (131_056, "4s"), (131_048, "12h")] {
        let to = format!("+1415557{:04}", code % 10_000);
        fault(&mock, json!({ "kind": "error", "code": code })).await;
        mock.send(&called(sale(&to, "A"), &format!("c1|m{code}|1"))).await;
        disarm(&mock).await;
        advance(&mock, wait).await;
        mock.send(&called(sale(&to, "A"), &format!("c1|m{code}|2"))).await.wamid();
    }
    // A bad contact, an opt-out, a block: nothing more to any of them that they would hold against it.
    mock.send(&called(sale("+14155550404", "A"), "c1|m5|1")).await.wamid();
    mock.send(&called(sale("+14155550451", "A"), "c1|m6|1")).await.wamid();
    mock.send(&called(sale("+14155550403", "A"), "c1|m7|1")).await.wamid();
    // Its receiver is down for a while, and says so.
    receiver.answer_with(503);
    mock.send(&called(sale("+14155560009", "A"), "c1|m8|1")).await.wamid();
    advance(&mock, "10s").await;
    receiver.answer_with(200);
    settle().await;
    let judged = judgement(&mock).await;
    assert_eq!(judged["verdict"], "clean", "{judged}");
    let by_library = mock.whatsapp.referee().await.unwrap();
    assert!(by_library.is_clean() && by_library.rule("duplicate").is_some_and(|rule| rule.suspected == 0));
}
