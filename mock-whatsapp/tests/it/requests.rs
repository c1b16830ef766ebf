//! The journal: every call of the Graph API with its decision and why, within bounds.

use crate::client::{Mock, sale, text};
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::config::Config;
use serde_json::{Value, json};

fn ids(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// The list, once it is this long.
async fn listed(mock: &Mock, length: usize) -> Value {
    loop {
        let list = mock.done("GET", "/requests", Value::Null).await;
        if ids(&list).len() >= length {
            return list;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn every_call_is_written_down_with_its_decision_and_why() {
    let mock = Mock::start().await;
    let mut first = sale("+1 (415) 555-0123", "Ana");
    first["biz_opaque_callback_data"] = "m1".into();
    let wamid = mock.send(&first).await.wamid();
    mock.send(&json!({ "messaging_product": "whatsapp", "type": "text" })).await;
    let path = format!("/v23.0/{}/messages?access_token={}", mock.number, mock.token);
    mock.raw(Method::POST, &path, "", b"not json".to_vec()).await.unwrap();
    mock.raw(Method::GET, "/v23.0/555", &mock.token, Vec::new()).await.unwrap();
    mock.done("POST", "/faults", json!({ "kind": "lost_reply" })).await;
    let message = text("14155550124", "x");
    let list = tokio::select! {
        answer = mock.try_send(&message) => panic!("the reply is lost: {answer:?}"),
        list = listed(&mock, 5) => list,
    };
    assert_eq!(
        (ids(&list), &list["next"], &list["evicted"]),
        (vec!["r1", "r2", "r3", "r4", "r5"], &Value::Null, &json!(0))
    );
    let items = list["items"].as_array().unwrap();
    let of = |place: usize, key: &str| items[place][key].clone();
    assert_eq!(
        (of(0, "to"), of(0, "type"), of(0, "template")),
        (json!("14155550123"), json!("template"), json!("spring_sale"))
    );
    assert_eq!((of(0, "outcome"), of(0, "status"), of(0, "code")), (json!("accepted"), json!(200), Value::Null));
    assert_eq!((of(0, "callback_data"), of(0, "wamid"), &items[0]["body"]), (json!("m1"), json!(wamid), &first));
    assert_eq!(
        (of(1, "outcome"), of(1, "code"), of(1, "decided_by")),
        (json!("refused"), json!(100), json!("validation"))
    );
    assert!(items[1]["why"].as_str().unwrap().contains("to"), "{:?}", items[1]);
    assert_eq!((of(2, "body"), of(2, "body_raw")), (Value::Null, json!("not json")));
    assert_eq!(of(2, "path"), json!(format!("/v23.0/{}/messages", mock.number)), "no token is written down");
    assert_eq!((of(3, "method"), of(3, "outcome")), (json!("GET"), json!("refused")));
    assert_eq!((of(4, "outcome"), of(4, "status"), of(4, "taken")), (json!("lost"), Value::Null, json!(true)));
}

#[tokio::test]
async fn a_list_is_filtered_and_paged_and_one_request_is_explained() {
    let mock = Mock::start().await;
    for place in 0..5 {
        let mut message = sale(&format!("+1415555010{}", place % 2), "Ana");
        message["biz_opaque_callback_data"] = format!("m{place}").into();
        mock.send(&message).await.wamid();
    }
    mock.send(&text("+14155550100", "")).await;
    for (query, wanted) in [
        ("?to=%2B14155550100", vec!["r1", "r3", "r5", "r6"]),
        ("?template=spring_sale&to=14155550101", vec!["r2", "r4"]),
        ("?callback_data=m3", vec!["r4"]),
        ("?outcome=refused", vec!["r6"]),
        ("?outcome=lost", vec![]),
    ] {
        let list = mock.done("GET", &format!("/requests{query}"), Value::Null).await;
        assert_eq!(ids(&list), wanted, "{query}");
    }
    let page = mock.done("GET", "/requests?limit=2&to=14155550100", Value::Null).await;
    assert_eq!(ids(&page), ["r1", "r3"]);
    let next = format!("/requests?limit=2&to=14155550100&after={}", page["next"].as_str().unwrap());
    assert_eq!(ids(&mock.done("GET", &next, Value::Null).await), ["r5", "r6"]);
    let wrong = mock.control("GET", "/requests?outcome=odd", Value::Null).await;
    assert_eq!((wrong.status, wrong.body["pointer"].as_str()), (400, Some("?outcome")));

    mock.done("POST", "/faults", json!({ "kind": "error", "code": 131_016 })).await;
    mock.send(&sale("+14155550100", "Ana")).await;
    let explained = mock.done("GET", "/requests/r7", Value::Null).await;
    assert_eq!((&explained["decided_by"], &explained["code"]), (&json!("fault"), &json!(131_016)));
    assert!(explained["explanation"].as_str().unwrap().contains("/_mock/faults/f1"), "{explained}");
    assert_eq!((&explained["saw"]["throughput"], &explained["saw"]["faults"]), (&json!(80), &json!(["f1"])));
    let taken = mock.done("GET", "/requests/r1", Value::Null).await;
    assert_eq!(
        (&taken["explanation"], &taken["message"]["callback_data"]),
        (&json!("nothing stood in its way"), &json!("m0"))
    );
    assert_eq!(mock.control("GET", "/requests/r99", Value::Null).await.status, 404);
    assert_eq!(mock.control("GET", "/requests/seven", Value::Null).await.status, 400);
}

#[tokio::test]
async fn what_is_forgotten_is_counted() {
    let config = Config { journal_bytes: 200_000, throughput: 1_000, ..Config::default() };
    let mock = Mock::of(MockWhatsApp::builder().config(config)).await;
    let long = "x".repeat(4_000);
    for place in 0..60 {
        mock.send(&text(&format!("+1415556{place:04}"), &long)).await.wamid();
    }
    let list = mock.done("GET", "/requests?limit=1000", Value::Null).await;
    let evicted = list["evicted"].as_u64().unwrap();
    assert!(evicted > 0, "{evicted}");
    assert_eq!(list["items"].as_array().unwrap().len() as u64 + evicted, 60);
    assert_eq!(mock.control("GET", "/requests/r1", Value::Null).await.status, 410);
    mock.done("POST", "/reset", Value::Null).await;
    let list = mock.done("GET", "/requests", Value::Null).await;
    assert_eq!((ids(&list).len(), &list["evicted"]), (0, &json!(0)));
}

#[tokio::test]
async fn tenants_do_not_see_each_others_calls() {
    let mock = Mock::start().await;
    let other = "/v23.0/1/messages";
    mock.raw(Method::POST, other, "mock-token-w1", b"{}".to_vec()).await.unwrap();
    mock.raw(Method::POST, &format!("/v23.0/{}/messages", mock.number), "wrong", b"{}".to_vec()).await.unwrap();
    assert_eq!(ids(&mock.done("GET", "/requests?tenant=w1", Value::Null).await), ["r1"]);
    let own = mock.done("GET", "/requests", Value::Null).await;
    assert_eq!(own["items"][0]["decided_by"], "token", "a wrong token shows where its number is");
    assert_eq!(ids(&own), ["r1"]);
}
