//! The cap on marketing for a contact, which a tenant keeps by rule.

use crate::client::{Mock, sale, template, text};
use crate::receiver::Receiver;
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use mock_whatsapp::config::Config;
use serde_json::{Value, json};

const ANA: &str = "+14155560001";
const BEN: &str = "+14155560002";

/// Frozen time, and what a configuration file says.
async fn told(file: &str) -> Mock {
    let mut config = Config { pace: Pace::Frozen, ..Config::default() };
    config.read(file).unwrap();
    Mock::of(MockWhatsApp::builder().config(config)).await
}

async fn settle(mock: &Mock) {
    mock.done("POST", "/clock/settle", json!({ "max": "1m", "quiet": "0s" })).await;
}

/// Sends, and what became of it in the end: the error's code, or 0.
async fn end_of(mock: &Mock, message: &Value) -> i64 {
    let wamid = mock.send(message).await.wamid();
    settle(mock).await;
    let messages = mock.messages("").await;
    let message = messages.iter().find(|message| message["wamid"] == wamid).unwrap();
    message["error"]["code"].as_i64().unwrap_or_default()
}

async fn advance(mock: &Mock, by: &str) {
    mock.done("POST", "/clock/advance", json!({ "by": by })).await;
}

async fn writes(mock: &Mock, to: &str) {
    let hi = json!({ "type": "text", "text": "hi" });
    mock.done("POST", &format!("/handsets/{to}/messages"), hi).await;
}

#[tokio::test]
async fn more_marketing_than_the_cap_in_24_hours_is_taken_and_fails_with_131049() {
    let mock = told("marketing_cap = 2").await;
    let mut receiver = Receiver::of(&mock).await;
    assert_eq!(end_of(&mock, &sale(ANA, "1")).await, 0);
    advance(&mock, "1h").await;
    assert_eq!(end_of(&mock, &sale(ANA, "2")).await, 0);
    while receiver.ready().is_some() {}
    let wamid = mock.send(&sale(ANA, "3")).await.wamid();
    settle(&mock).await;
    let failed = receiver.next().await;
    let status = failed.status();
    assert_eq!((&status["id"], &status["status"]), (&json!(wamid), &json!("failed")));
    assert_eq!(status["errors"][0]["code"], 131_049);
    assert!(receiver.ready().is_none(), "it never arrives");
    let request = mock.done("GET", "/requests/r3", Value::Null).await;
    let why = request["why"].as_str().unwrap();
    assert!(why.contains("131049") && why.contains("`marketing_cap`") && why.contains(" 2 "), "{request}");
    assert_eq!((&request["outcome"], &request["decided_by"]), (&json!("accepted"), &json!("rule")));
    assert_eq!(end_of(&mock, &template(ANA, "hello_world", &[])).await, 0, "it is no marketing");
    assert_eq!(end_of(&mock, &text(ANA, "nor is this")).await, 0);
    assert_eq!(end_of(&mock, &sale(BEN, "1")).await, 0, "each contact has a cap of its own");
    advance(&mock, "22h59m").await;
    assert_eq!(end_of(&mock, &sale(ANA, "4")).await, 131_049);
    advance(&mock, "1m").await;
    assert_eq!(end_of(&mock, &sale(ANA, "5")).await, 0, "the first is a day ago, and what failed does not count");
    assert_eq!(end_of(&mock, &sale(ANA, "6")).await, 131_049);
}

#[tokio::test]
async fn there_is_no_cap_unless_one_is_set() {
    for file in ["", "marketing_cap = \"off\""] {
        let mock = told(file).await;
        for name in ["1", "2", "3", "4", "5", "6"] {
            assert_eq!(end_of(&mock, &sale(ANA, name)).await, 0, "{file}");
        }
    }
}

#[tokio::test]
async fn inside_an_open_window_marketing_is_neither_counted_nor_capped() {
    let mock = told("marketing_cap = 1").await;
    writes(&mock, "14155560001").await;
    for name in ["1", "2"] {
        assert_eq!(end_of(&mock, &sale(ANA, name)).await, 0);
    }
    advance(&mock, "23h").await;
    assert_eq!(end_of(&mock, &sale(ANA, "3")).await, 0, "the window is still open");
    advance(&mock, "1h").await;
    assert_eq!(end_of(&mock, &sale(ANA, "4")).await, 0, "and nothing of that counts when it is shut");
    assert_eq!(end_of(&mock, &sale(ANA, "5")).await, 131_049);
    writes(&mock, "14155560001").await;
    assert_eq!(end_of(&mock, &sale(ANA, "6")).await, 0, "an answer opens it again");
    // Who opts out is told so, and whom a number has a meaning for does what it means.
    mock.done("POST", "/handsets/14155560002/opt-out", Value::Null).await;
    assert_eq!(end_of(&mock, &sale(BEN, "1")).await, 131_050);
    for name in ["1", "2"] {
        assert_eq!(end_of(&mock, &sale("+14155550200", name)).await, 0);
    }
    assert_eq!(end_of(&mock, &sale("+14155560003", "1")).await, 0);
    for (kind, error) in [("not_on_whatsapp", 131_026), ("plain", 131_049)] {
        mock.done("PUT", "/handsets/14155560003", json!({ "kind": kind })).await;
        assert_eq!(end_of(&mock, &sale("+14155560003", kind)).await, error);
    }
}

#[tokio::test]
async fn what_is_on_its_way_counts_and_what_will_never_arrive_does_not() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen).marketing_cap(1)).await;
    mock.send(&sale(ANA, "1")).await.wamid();
    assert_eq!(end_of(&mock, &sale(ANA, "2")).await, 131_049, "the first had not arrived yet");
    mock.done("POST", "/handsets/14155560002/offline", Value::Null).await;
    assert_eq!(end_of(&mock, &sale(BEN, "1")).await, 0);
    assert_eq!(end_of(&mock, &sale(BEN, "2")).await, 131_049, "the first waits for the telephone");
    let eve = "+14155560003";
    mock.done("POST", "/handsets/14155560003/block", Value::Null).await;
    assert_eq!(end_of(&mock, &sale(eve, "1")).await, 0);
    mock.done("POST", "/handsets/14155560003/unblock", Value::Null).await;
    assert_eq!(end_of(&mock, &sale(eve, "2")).await, 0, "the first was lost");
    assert_eq!(end_of(&mock, &sale(eve, "3")).await, 131_049);
    // On its way when it is blocked.
    let flo = "+14155560004";
    mock.done("POST", "/handsets/14155560004/offline", Value::Null).await;
    assert_eq!(end_of(&mock, &sale(flo, "1")).await, 0);
    for act in ["block", "online"] {
        mock.done("POST", &format!("/handsets/14155560004/{act}"), Value::Null).await;
        settle(&mock).await;
    }
    mock.done("POST", "/handsets/14155560004/unblock", Value::Null).await;
    assert_eq!(end_of(&mock, &sale(flo, "2")).await, 0, "the first was lost");
    mock.done("POST", "/faults", json!({ "kind": "error", "code": 131_026, "asynchronous": true, "until": "1s" }))
        .await;
    let gus = "+14155560005";
    mock.send(&sale(gus, "fails")).await.wamid();
    advance(&mock, "2s").await;
    assert_eq!(end_of(&mock, &sale(gus, "1")).await, 0, "what failed does not count");
}

#[tokio::test]
async fn all_numbers_of_a_tenant_share_the_cap() {
    let mut mock = told("marketing_cap = 1\n\n[[number]]\nphone_number = \"+44 20 7946 0188\"\n").await;
    let numbers = mock.graph(Method::GET, "/200000000000001/phone_numbers", Value::Null).await.body;
    assert_eq!(end_of(&mock, &sale(ANA, "1")).await, 0);
    mock.number = numbers["data"][1]["id"].as_str().unwrap().to_owned();
    assert_eq!(end_of(&mock, &sale(ANA, "2")).await, 131_049);
    let hi = json!({ "type": "text", "text": "hi", "phone_number_id": mock.number });
    mock.done("POST", "/handsets/14155560001/messages", hi).await;
    assert_eq!(end_of(&mock, &sale(ANA, "3")).await, 0, "its window with this number is open");
}

#[tokio::test]
async fn the_cap_is_a_tenants_and_is_put_back_and_reset_with_it() {
    let mut mock = told("").await;
    let wanted = json!({ "name": "w1", "clock": "frozen", "marketing_cap": 1 });
    let made = mock.control("POST", "/tenants", wanted.clone()).await;
    assert_eq!((made.status, &made.body["marketing_cap"]), (201, &json!(1)));
    assert_eq!(mock.control("POST", "/tenants", wanted).await.status, 200);
    assert_eq!(mock.control("POST", "/tenants", json!({ "name": "w1", "clock": "frozen" })).await.status, 409);
    assert_eq!(mock.done("GET", "/tenants/default", Value::Null).await["marketing_cap"], "off");
    for cap in [json!("none"), json!(-1), json!(1.5), json!(true)] {
        let refused = mock.control("POST", "/tenants", json!({ "name": "w2", "marketing_cap": cap })).await;
        assert_eq!((refused.status, refused.body["pointer"].as_str()), (400, Some("/marketing_cap")), "{cap}");
    }
    mock.token = "mock-token-w1".to_owned();
    mock.number = made.body["env"]["WHATSAPP_PHONE_NUMBER_ID"].as_str().unwrap().to_owned();
    // What became of the newest of the tenant's messages.
    let end = async |name: &str| {
        mock.send(&sale(ANA, name)).await.wamid();
        mock.done("POST", "/clock/settle?tenant=w1", json!({ "max": "1m", "quiet": "0s" })).await;
        mock.messages("?tenant=w1").await.pop().unwrap()["error"]["code"].as_i64().unwrap_or_default()
    };
    let empty = mock.done("POST", "/snapshot?tenant=w1", Value::Null).await["id"].clone();
    assert_eq!(end("1").await, 0);
    let used = mock.done("POST", "/snapshot?tenant=w1", Value::Null).await["id"].clone();
    assert_eq!(end("2").await, 131_049);
    for (id, first) in [(empty, 0), (used, 131_049)] {
        mock.done("POST", "/restore?tenant=w1", json!({ "id": id })).await;
        assert_eq!(end("3").await, first);
        assert_eq!(end("4").await, 131_049);
    }
    mock.done("POST", "/reset?tenant=w1", Value::Null).await;
    assert_eq!((end("5").await, end("6").await), (0, 131_049));
}

#[tokio::test]
async fn who_comes_again_within_24_hours_of_the_cap_is_too_early() {
    let mock = told("marketing_cap = 1").await;
    let _receiver = Receiver::of(&mock).await;
    let too_early = async || {
        let judged = mock.done("GET", "/referee", Value::Null).await;
        let rules = judged["rules"].as_array().unwrap();
        let rule = rules.iter().find(|rule| rule["rule"] == "retry_too_early").unwrap();
        (judged["verdict"].as_str().unwrap().to_owned(), rule["certain"].as_u64().unwrap())
    };
    let called = |name: &str| {
        let mut message = sale(ANA, name);
        message["biz_opaque_callback_data"] = name.into();
        message
    };
    assert_eq!(end_of(&mock, &called("m1")).await, 0);
    assert_eq!(end_of(&mock, &called("m2")).await, 131_049);
    advance(&mock, "24h").await;
    assert_eq!(end_of(&mock, &called("m2")).await, 0);
    assert_eq!(too_early().await, ("clean".to_owned(), 0));
    assert_eq!(end_of(&mock, &called("m3")).await, 131_049);
    advance(&mock, "23h").await;
    assert_eq!(end_of(&mock, &called("m3")).await, 131_049);
    assert_eq!(too_early().await, ("guilty".to_owned(), 1));
}
