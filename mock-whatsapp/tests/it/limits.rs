//! WhatsApp's limits: pairs, and the contacts of a portfolio in 24 hours.

use crate::client::{Mock, PATIENCE, events, sale, text};
use crate::receiver::Receiver;
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use mock_whatsapp::config::{Config, Rules};
use mock_whatsapp_model::spec::MessagingLimit;
use serde_json::{Value, json};

fn contact(place: u32) -> String {
    format!("49151110{place:05}")
}

/// Frozen time, and what a configuration file says.
async fn told(file: &str) -> Mock {
    let mut config = Config { pace: Pace::Frozen, ..Config::default() };
    config.read(file).unwrap();
    Mock::of(MockWhatsApp::builder().config(config)).await
}

/// The error of the last message, once all that is due at once has happened; null if it came to its end.
async fn last_error(mock: &Mock) -> Value {
    mock.done("POST", "/clock/settle", json!({ "max": "1m", "quiet": "0s" })).await;
    let last = mock.messages("").await.pop().unwrap();
    assert_eq!(last["status"], if last["error"].is_null() { "read" } else { "failed" }, "{last}");
    last["error"]["code"].clone()
}

async fn advance(mock: &Mock, by: &str) {
    mock.done("POST", "/clock/advance", json!({ "by": by })).await;
}

#[tokio::test]
async fn the_46th_message_to_a_contact_at_once_is_131056() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let message = text(&contact(0), "x");
    for _ in 0..45 {
        mock.send(&message).await.wamid();
    }
    let refused = mock.send(&message).await;
    assert_eq!((refused.status, refused.error().0), (400, 131_056));
    assert_eq!(refused.error().2, "(#131056) (Business Account, Consumer Account) pair rate limit hit");
    assert!(refused.header("x-mock-why").contains("45 messages to 4915111000000 at once"), "{refused:?}");
    mock.send(&text(&contact(1), "x")).await.wamid();
    advance(&mock, "5999ms").await;
    assert_eq!(mock.send(&message).await.error().0, 131_056);
    advance(&mock, "1ms").await;
    mock.send(&message).await.wamid();
    assert_eq!(mock.send(&message).await.error().0, 131_056);
    mock.done("POST", "/reset", Value::Null).await;
    mock.send(&message).await.wamid();
}

#[tokio::test]
async fn a_rule_can_be_switched_off() {
    let rules = Rules { throughput: false, pair: false, window: false, ..Rules::default() };
    let mock = Mock::of(MockWhatsApp::builder().throughput(1).rules(rules)).await;
    for _ in 0..50 {
        mock.send(&text(&contact(0), "x")).await.wamid();
    }
}

#[tokio::test]
async fn beyond_the_messaging_limit_a_message_is_taken_and_fails_with_131048() {
    let mock = told("messaging_limit = 2").await;
    let mut receiver = Receiver::of(&mock).await;
    for place in [0, 1, 0] {
        mock.send(&sale(&contact(place), "Ana")).await.wamid();
        assert_eq!(last_error(&mock).await, Value::Null);
    }
    while receiver.ready().is_some() {}
    let beyond = mock.send(&sale(&contact(2), "Ana")).await;
    assert_eq!(beyond.body["messages"][0]["message_status"], "accepted");
    let wamid = beyond.wamid();
    assert_eq!(last_error(&mock).await, 131_048);
    let failed = receiver.next().await;
    let status = failed.status();
    assert_eq!((&status["id"], &status["status"]), (&json!(wamid), &json!("failed")));
    assert_eq!((&status["errors"][0]["code"], &status["pricing"]), (&json!(131_048), &Value::Null));
    assert_eq!(events(mock.messages("").await.last().unwrap()), ["accepted", "failed"]);
    assert!(receiver.ready().is_none(), "it never arrives");
    let request = mock.done("GET", "/requests/r4", Value::Null).await;
    let why = request["why"].as_str().unwrap();
    for word in ["131048", "2 contacts", "has written to 2;", "`messaging_limit`", "tier", "messaging_limit_told"] {
        assert!(why.contains(word), "{word}: {request}");
    }
    assert_eq!((&request["outcome"], &request["decided_by"]), (&json!("accepted"), &json!("rule")), "{request}");
    mock.done("POST", "/faults", json!({ "kind": "tier", "messaging_limit": 3, "until": "1h" })).await;
    mock.send(&sale(&contact(2), "who counted nothing yet")).await.wamid();
    assert_eq!(last_error(&mock).await, Value::Null);
    mock.send(&sale(&contact(3), "Ana")).await.wamid();
    assert_eq!(last_error(&mock).await, 131_048);
    let hi = json!({ "type": "text", "text": "hi" });
    mock.done("POST", &format!("/handsets/{}/messages", contact(3)), hi).await;
    mock.send(&text(&contact(3), "an answer counts nothing")).await.wamid();
    assert_eq!(last_error(&mock).await, Value::Null);
    advance(&mock, "24h").await;
    for (place, error) in [(4, Value::Null), (5, Value::Null), (6, json!(131_048))] {
        mock.send(&sale(&contact(place), "Ana")).await.wamid();
        assert_eq!(last_error(&mock).await, error, "{place}");
    }
    mock.done("POST", "/reset", Value::Null).await;
    for (place, error) in [(4, Value::Null), (5, Value::Null), (6, json!(131_048))] {
        mock.send(&sale(&contact(place), "Ana")).await.wamid();
        assert_eq!(last_error(&mock).await, error, "{place} after a reset");
    }
}

#[tokio::test]
async fn what_is_beyond_the_messaging_limit_is_still_within_the_others() {
    let mock = told("messaging_limit = 0\nthroughput = 1000000").await;
    for _ in 0..45 {
        mock.send(&sale(&contact(0), "Ana")).await.wamid();
    }
    assert_eq!(mock.send(&sale(&contact(0), "Ana")).await.error().0, 131_056);
    // A fault that would have it fail otherwise, or lose the answer, is not asked first: as where the answer refuses.
    mock.done("POST", "/faults", json!({ "kind": "error", "code": 131_026, "asynchronous": true })).await;
    mock.send(&sale(&contact(1), "Ana")).await.wamid();
    assert_eq!(last_error(&mock).await, 131_048);
}

#[tokio::test]
async fn how_the_messaging_limit_is_told_is_a_setting_of_a_tenant_too() {
    let mock = told("messaging_limit = 1").await;
    let wanted = json!({ "name": "w1", "messaging_limit": 1, "messaging_limit_told": "answer" });
    let made = mock.control("POST", "/tenants", wanted.clone()).await;
    assert_eq!((made.status, &made.body["messaging_limit_told"]), (201, &json!("answer")));
    assert_eq!(mock.control("POST", "/tenants", wanted).await.status, 200);
    let other = json!({ "name": "w1", "messaging_limit": 1 });
    assert_eq!(mock.control("POST", "/tenants", other).await.status, 409, "that is another setting");
    let default = mock.done("GET", "/tenants/default", Value::Null).await;
    assert_eq!(default["messaging_limit_told"], "webhook");
    for (name, beyond) in [("w1", 400), ("default", 200)] {
        let tenant = mock.done("GET", &format!("/tenants/{name}"), Value::Null).await;
        let env = |key: &str| tenant["env"][key].as_str().unwrap().to_owned();
        let path = format!("/v23.0/{}/messages", env("WHATSAPP_PHONE_NUMBER_ID"));
        for (place, status) in [(0, 200), (1, beyond)] {
            let body = sale(&contact(place), "Ana").to_string().into_bytes();
            let sent = mock.raw(Method::POST, &path, &env("WHATSAPP_TOKEN"), body).await.unwrap();
            assert_eq!(sent.status, status, "{name} {place}");
        }
    }
}

#[tokio::test]
async fn on_request_the_answer_refuses_what_is_beyond_the_messaging_limit() {
    let mock = told("messaging_limit = 2\nmessaging_limit_told = \"answer\"").await;
    for place in [0, 1, 0] {
        mock.send(&sale(&contact(place), "Ana")).await.wamid();
    }
    let refused = mock.send(&sale(&contact(2), "Ana")).await;
    assert_eq!((refused.status, refused.error().0), (400, 131_048));
    let why = refused.header("x-mock-why");
    assert!(why.contains("2 contacts") && why.contains("`messaging_limit`") && why.contains("tier"), "{why}");
    let hi = json!({ "type": "text", "text": "hi" });
    mock.done("POST", &format!("/handsets/{}/messages", contact(3)), hi).await;
    mock.send(&text(&contact(3), "an answer counts nothing")).await.wamid();
    assert_eq!(mock.messages("").await.len(), 4);
    advance(&mock, "24h").await;
    mock.send(&sale(&contact(2), "Ana")).await.wamid();
    mock.send(&sale(&contact(3), "Ana")).await.wamid();
    assert_eq!(mock.send(&sale(&contact(4), "Ana")).await.error().0, 131_048);
}

#[tokio::test]
async fn a_tier_raises_and_lowers_the_messaging_limit_for_a_while() {
    let builder = MockWhatsApp::builder().clock(Pace::Frozen).messaging_limit(1).refuse_beyond_messaging_limit();
    let mock = Mock::of(builder).await;
    mock.send(&sale(&contact(0), "Ana")).await.wamid();
    assert_eq!(mock.send(&sale(&contact(1), "Ana")).await.error().0, 131_048);
    let raised = json!({ "kind": "tier", "messaging_limit": 3, "until": "1h", "sender": mock.number });
    mock.done("POST", "/faults", raised).await;
    mock.send(&sale(&contact(1), "Ana")).await.wamid();
    mock.send(&sale(&contact(2), "Ana")).await.wamid();
    assert_eq!(mock.send(&sale(&contact(3), "Ana")).await.error().0, 131_048);
    advance(&mock, "1h").await;
    let lowered = mock.send(&sale(&contact(3), "Ana")).await;
    assert!(lowered.header("x-mock-why").contains("1 contacts"), "{lowered:?}");
    mock.send(&sale(&contact(2), "who counts already")).await.wamid();
    mock.done("POST", "/faults", json!({ "kind": "tier", "messaging_limit": "unlimited" })).await;
    mock.send(&sale(&contact(3), "Ana")).await.wamid();
}

#[tokio::test]
async fn a_limit_that_comes_later_counts_the_contacts_of_before() {
    let mock = told("messaging_limit_told = \"answer\"").await;
    for place in 0..3 {
        mock.send(&sale(&contact(place), "Ana")).await.wamid();
    }
    mock.done("POST", "/faults", json!({ "kind": "tier", "messaging_limit": 3 })).await;
    assert_eq!(mock.send(&sale(&contact(3), "Ana")).await.error().0, 131_048);
}

#[tokio::test]
async fn a_rise_that_is_no_more_to_come_keeps_time_from_nothing() {
    let rules = Rules { tier_upgrade: true, ..Rules::default() };
    let unlimited = json!({ "messaging_limit": "unlimited" });
    for by_hand in [true, false] {
        let builder = MockWhatsApp::builder().clock(Pace::Frozen).messaging_limit(250).rules(rules);
        let mock = Mock::of(builder).await;
        for place in 0..130 {
            mock.send(&sale(&contact(place), "Ana")).await.wamid();
            // 80 a second, and not one more.
            if place % 80 == 79 {
                advance(&mock, "2s").await;
            }
        }
        advance(&mock, "1h").await;
        if by_hand {
            mock.done("PUT", &format!("/numbers/{}", mock.number), unlimited.clone()).await;
            let clock = mock.done("GET", "/clock", Value::Null).await;
            assert_eq!(clock["due"], 0, "nothing rises any more: {clock}");
        } else {
            let until = json!({ "kind": "tier", "messaging_limit": "unlimited", "until": "24h" });
            mock.done("POST", "/faults", until).await;
        }
        let settled = mock.done("POST", "/clock/settle", json!({ "quiet": "0s" }));
        let settled = tokio::time::timeout(PATIENCE, settled).await.expect("time settles");
        assert_eq!(settled["settled"], true, "{settled}");
        let shown = mock.done("GET", &format!("/numbers/{}", mock.number), Value::Null).await;
        assert_eq!(shown["messaging_limit"], "unlimited");
        assert_eq!(mock.done("GET", "/clock", Value::Null).await["due"], 0);
    }
}

/// The code that a message from a number is refused with; 0 if it is accepted.
async fn code_of(mock: &mut Mock, number: &str, to: u32) -> i64 {
    number.clone_into(&mut mock.number);
    let sent = mock.send(&sale(&contact(to), "Ana")).await;
    if sent.status == 200 { 0 } else { sent.error().0 }
}

#[tokio::test]
async fn numbers_of_different_portfolios_have_limits_of_their_own() {
    let mut config = Config { pace: Pace::Frozen, messaging_limit: MessagingLimit::Contacts(2), ..Config::default() };
    let numbers = "messaging_limit_told = \"answer\"\n\n[[number]]\nphone_number = \"+44 20 7946 0188\"\n\n\
                   [[number]]\nphone_number = \"+49 151 1234567\"\nportfolio = \"other\"\n";
    config.read(numbers).unwrap();
    let mut mock = Mock::of(MockWhatsApp::builder().config(config)).await;
    let listed = mock.graph(Method::GET, "/200000000000001/phone_numbers", Value::Null).await.body;
    let id = |nth: usize| listed["data"][nth]["id"].as_str().unwrap();
    let (first, second, other) = (id(0), id(1), id(2));
    let shown = mock.done("GET", &format!("/numbers/{first}"), Value::Null).await;
    let own = shown["portfolio"].as_str().unwrap();
    assert!(own.len() == 15 && own.starts_with('6'), "{own}");
    for (number, to, code, why) in [
        (first, 0, 0, ""),
        (second, 1, 0, ""),
        (second, 2, 131_048, "numbers of an account share a limit"),
        (other, 2, 0, "another portfolio has its own"),
        (other, 3, 0, ""),
        (other, 4, 131_048, ""),
    ] {
        assert_eq!(code_of(&mut mock, number, to).await, code, "{number} to {to}: {why}");
    }
    let raised = mock.done("PUT", &format!("/numbers/{other}"), json!({ "messaging_limit": 3 })).await;
    assert_eq!((&raised["portfolio"], &raised["messaging_limit"]), (&json!("other"), &json!(3)));
    assert_eq!(code_of(&mut mock, other, 4).await, 0);
    assert_eq!(code_of(&mut mock, first, 4).await, 131_048, "only that of the number's portfolio was raised");
    let fields = mock.graph(Method::GET, &format!("/{other}?fields=messaging_limit_tier"), Value::Null).await;
    assert_eq!(fields.body["messaging_limit_tier"], "TIER_3");
    let moved = mock.done("PUT", &format!("/numbers/{second}"), json!({ "portfolio": "third" })).await;
    assert_eq!((&moved["portfolio"], &moved["messaging_limit"]), (&json!("third"), &json!(2)));
    assert_eq!(code_of(&mut mock, second, 2).await, 0);
    mock.done("PUT", &format!("/numbers/{second}"), json!({ "portfolio": own })).await;
    assert_eq!(code_of(&mut mock, second, 3).await, 131_048, "it is back, and so is what was used there");
    mock.done("POST", "/reset", Value::Null).await;
    assert_eq!(mock.done("GET", &format!("/numbers/{other}"), Value::Null).await["portfolio"], "other");
    let wrong = mock.control("PUT", &format!("/numbers/{second}"), json!({ "portfolio": "a b" })).await;
    assert_eq!((wrong.status, wrong.body["pointer"].as_str()), (400, Some("/portfolio")));
    for nth in 0..18 {
        mock.done("PUT", &format!("/numbers/{second}"), json!({ "portfolio": format!("p{nth}") })).await;
    }
    let full = mock.control("PUT", &format!("/numbers/{second}"), json!({ "portfolio": "one-more" })).await;
    assert_eq!((full.status, full.body["detail"].as_str().unwrap().contains("20 portfolios")), (409, true), "{full:?}");
    let wrong = Config::default().read("[[number]]\nphone_number = \"+49 151 1234567\"\nportfolio = \"a b\"\n");
    let wrong = wrong.unwrap_err();
    assert_eq!((wrong.line, wrong.message.starts_with("`portfolio` is a name")), (3, true), "{wrong}");
}
