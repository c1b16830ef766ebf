//! Several calls in one, as clients of the Graph API make them.

use crate::client::{Answer, Mock, sale};
use hyper::Method;
use mock_whatsapp::query::encode;
use serde_json::{Value, json};

async fn batch(mock: &Mock, calls: Value) -> Answer {
    mock.graph(Method::POST, "/v23.0/", json!({ "batch": calls })).await
}

/// What the calls of a batch were answered: the code, and the body as JSON.
fn told(answer: &Answer) -> Vec<(i64, Value)> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let read = |told: &Value| match told["code"].as_i64() {
        Some(code) => (code, serde_json::from_str(told["body"].as_str().unwrap()).unwrap()),
        None => (0, told.clone()),
    };
    answer.body.as_array().unwrap().iter().map(read).collect()
}

#[tokio::test]
async fn the_calls_of_a_batch_are_carried_out_one_by_one_and_fail_one_by_one() {
    let mock = Mock::start().await;
    let messages = format!("{}/messages", mock.number);
    let (one, two) = (sale("14155550123", "Ana").to_string(), sale("14155550124", "Bo"));
    let form: Vec<String> = two
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value.as_str().unwrap_or(&value.to_string()))))
        .collect();
    let answer = batch(
        &mock,
        json!([
            { "method": "POST", "relative_url": messages, "body": one },
            { "method": "POST", "relative_url": format!("/v19.0/{messages}"), "body": form.join("&") },
            { "method": "GET", "relative_url": format!("{}?fields=id", mock.number) },
            { "method": "GET", "relative_url": "42" },
            { "method": "post", "relative_url": messages, "body": { "messaging_product": "whatsapp", "to": "1" } },
            { "relative_url": "me?fields=id", "body": "" },
        ]),
    )
    .await;
    let told = told(&answer);
    assert_eq!(told.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [200, 200, 200, 400, 400, 200]);
    assert_eq!(told[2].1, json!({ "id": mock.number }));
    assert_eq!((&told[3].1["error"]["code"], &told[3].1["error"]["error_subcode"]), (&json!(100), &json!(33)));
    let headers = answer.body[1]["headers"].as_array().unwrap();
    assert!(headers.contains(&json!({ "name": "facebook-api-version", "value": "v19.0" })), "{headers:?}");
    assert!(headers.contains(&json!({ "name": "Content-Type", "value": "application/json; charset=UTF-8" })));
    let sent: Vec<Value> = mock.messages("").await.iter().map(|message| message["wamid"].clone()).collect();
    assert_eq!(sent, [&told[0].1, &told[1].1].map(|body| body["messages"][0]["id"].clone()));
    let journal = mock.done("GET", "/requests", Value::Null).await;
    let paths: Vec<&str> = journal["items"].as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap()).collect();
    let (first, second) = (format!("/v23.0/{messages}"), format!("/v19.0/{messages}"));
    assert_eq!((paths.len(), paths[0], paths[1], paths[6]), (7, first.as_str(), second.as_str(), "/v23.0/"));
}

#[tokio::test]
async fn a_call_of_a_batch_can_name_what_an_earlier_one_answered() {
    let mock = Mock::start().await;
    let said = mock.done("POST", "/handsets/14155550123/messages", json!({ "type": "text", "text": "hi" })).await;
    let messages = format!("{}/messages", mock.number);
    let quoting = |name: &str| {
        let mut quoting = sale("14155550123", "Ana");
        quoting["context"] = json!({ "message_id": format!("{{result={name}:$.messages[0].id}}") });
        quoting.to_string()
    };
    let send = json!({ "method": "POST", "relative_url": messages, "body": sale("14155550123", "Ana").to_string() });
    let named = |name: &str, more: Value| {
        let mut named = send.clone();
        named["name"] = name.into();
        named.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        named
    };
    let answer = batch(
        &mock,
        json!([
            named("first", json!({})),
            named("shown", json!({ "omit_response_on_success": false })),
            named("alone", json!({})),
            named("failed", json!({ "body": "{}" })),
            { "method": "POST", "relative_url": messages, "body": quoting("first") },
            { "method": "POST", "relative_url": messages, "body": quoting("shown") },
            { "method": "POST", "relative_url": messages, "body": quoting("failed") },
            { "method": "POST", "relative_url": messages, "body": quoting("later"), "name": "later" },
            { "method": "GET", "name": "numbers",
              "relative_url": format!("{}/phone_numbers", mock.whatsapp.waba_id()) },
            { "method": "GET", "relative_url": "{result=numbers:$.data[*].id}?fields=id" },
            { "method": "POST", "relative_url": messages,
              "body": { "messaging_product": "whatsapp", "status": "read", "message_id": said["wamid"] } },
        ]),
    )
    .await;
    let told = told(&answer);
    let codes: Vec<i64> = told.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [0, 200, 200, 400, 200, 200, 400, 400, 0, 200, 200], "{answer:?}");
    assert!(told[6].1["error"]["message"].as_str().unwrap().contains("{result=failed:$.messages[0].id}"));
    assert_eq!(told[9].1, json!({ "id": mock.number }));
    let sent = mock.messages("").await;
    assert_eq!(sent.len(), 5);
    let first = mock.done("GET", "/requests/r5", Value::Null).await;
    assert_eq!(first["body"]["context"]["message_id"], sent[0]["wamid"], "{first}");
}

#[tokio::test]
async fn a_batch_is_at_most_fifty_calls_and_none_of_them_another() {
    let mock = Mock::start().await;
    let get = json!({ "method": "GET", "relative_url": format!("{}?fields=id", mock.number) });
    let most = batch(&mock, vec![get.clone(); 50].into()).await;
    assert!(told(&most).iter().all(|(code, _)| *code == 200));
    let refused = batch(&mock, vec![get.clone(); 51].into()).await;
    assert_eq!((refused.status, refused.error().0), (400, 100));
    for wrong in [json!("x"), json!({}), Value::Null] {
        let refused = batch(&mock, wrong).await;
        assert_eq!((refused.status, refused.error().0), (400, 100));
        assert!(refused.header("x-mock-why").contains("relative_url"));
    }
    let odd = [
        json!({ "method": "POST", "relative_url": "", "body": { "batch": [] } }),
        json!({ "method": "POST", "relative_url": "v23.0/?batch=[]" }),
        json!({ "method": "POST", "relative_url": format!("{}/media", mock.number), "attached_files": "file0" }),
        json!({ "method": "G T", "relative_url": mock.number }),
        json!({ "method": "GET", "relative_url": "a b" }),
        json!("x"),
        json!(7),
    ];
    assert!(told(&batch(&mock, odd.to_vec().into()).await).iter().all(|(code, _)| *code == 400));
    // Nor does one that goes through a word that can be both.
    let nested = json!([{ "method": "POST", "relative_url": "me", "body": { "batch": [get] } }]);
    assert_eq!(told(&batch(&mock, nested).await)[0].0, 400);
}

#[tokio::test]
async fn a_batch_may_stand_in_the_query_and_be_asked_of_me() {
    let mock = Mock::start().await;
    let calls = encode(&json!([{ "method": "GET", "relative_url": "me?fields=id" }]).to_string());
    let query = format!("batch={calls}&include_headers=false");
    let answer = mock.graph(Method::POST, &format!("/v23.0/me?{query}"), Value::Null).await;
    let me = mock.graph(Method::GET, "/me?fields=id", Value::Null).await.body;
    assert_eq!(told(&answer), [(200, me)]);
    assert!(answer.body[0]["headers"].is_null());
}

#[tokio::test]
async fn each_call_of_a_batch_may_have_a_token_of_its_own() {
    let mock = Mock::start().await;
    let url = |token: &str| format!("me?fields=id&access_token={token}");
    let calls = json!([
        { "method": "GET", "relative_url": "me?fields=id" },
        { "method": "GET", "relative_url": url("mock-token-other") },
        { "method": "GET", "relative_url": url("nobody") },
        { "method": "GET", "relative_url": "me", "body": "fields=id&access_token=mock-token-other" },
    ]);
    let form = format!("access_token=mock-token&include_headers=false&batch={}", encode(&calls.to_string()));
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let (parts, body) = mock.exchange(Method::POST, "/", &headers, form.into_bytes()).await.unwrap();
    let answer =
        Answer { status: parts.status.as_u16(), headers: parts.headers, body: serde_json::from_slice(&body).unwrap() };
    assert!(answer.body[0]["headers"].is_null());
    let told = told(&answer);
    assert_eq!((told[0].0, told[1].0, told[2].0, told[3].0), (200, 200, 401, 200));
    assert!(told[0].1 != told[1].1 && told[1].1 == told[3].1, "{answer:?}");
    let refused = mock.raw(Method::POST, "/", "", br#"{"batch":[]}"#.to_vec()).await.unwrap();
    assert_eq!((refused.status, refused.error().0), (401, 190));
}

#[tokio::test]
async fn a_call_of_a_batch_that_gets_no_answer_is_null() {
    let mock = Mock::start().await;
    mock.done("POST", "/faults", json!({ "kind": "close", "form": "before", "first": 1 })).await;
    let send = json!({ "method": "POST", "relative_url": format!("{}/messages", mock.number),
                       "body": sale("14155550123", "Ana").to_string() });
    let answer = batch(&mock, json!([send, send])).await;
    let codes: Vec<i64> = told(&answer).iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [0, 200]);
}

#[tokio::test]
async fn what_calls_name_of_others_cannot_make_them_grow_without_end() {
    let mock = Mock::start().await;
    let all = "{result=all:$}".repeat(20_000);
    let number = json!({ "method": "GET", "relative_url": mock.number, "name": "all" });
    let large = json!({ "method": "POST", "relative_url": format!("{}/messages", mock.number), "body": all });
    let answer = batch(&mock, json!([number, large, { "relative_url": "me?fields=id" }])).await;
    let told = told(&answer);
    assert_eq!([1, 2].map(|place| told[place].0), [400, 200]);
    let message = told[1].1["error"]["message"].as_str().unwrap();
    assert!(message.contains("too large"), "{message}");
}
