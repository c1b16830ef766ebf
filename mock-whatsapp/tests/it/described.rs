//! The description of the control API has examples, and they are ones: each can be sent as it stands.

use crate::client::{Mock, sale};
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use serde_json::{Value, json};

/// A mock in which there is one of everything that a path can name.
async fn full(wamid: &mut String) -> Mock {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    *wamid = mock.send(&sale("14155550123", "Ana")).await.wamid();
    mock.done("POST", "/handsets/14155550123/messages", json!({ "type": "text", "text": "hello" })).await;
    mock.done("POST", "/faults", json!({ "kind": "latency", "delay": "1s", "share": 0.0 })).await;
    mock.done("POST", "/snapshot", Value::Null).await;
    mock.done("POST", "/tenants", json!({ "name": "w1", "clock": "frozen" })).await;
    mock
}

#[tokio::test]
async fn every_example_can_be_sent_as_it_stands() {
    let document = Mock::start().await.done("GET", "/openapi.json", Value::Null).await;
    let (mut tried, mut with_body) = (0, 0);
    for (path, item) in document["paths"].as_object().unwrap() {
        // It has no end.
        for (method, operation) in item.as_object().unwrap().iter().filter(|_| path != "/_mock/events") {
            let mut wamid = String::new();
            let bodies = match operation.pointer("/requestBody/content/application~1json/examples") {
                Some(examples) => examples.as_object().unwrap().values().map(|it| it["value"].clone()).collect(),
                None => vec![Value::Null],
            };
            for body in bodies {
                let mock = full(&mut wamid).await;
                let mut path = path.strip_prefix("/_mock").unwrap().to_owned();
                for parameter in operation["parameters"].as_array().unwrap().iter().filter(|it| it["in"] == "path") {
                    let name = parameter["name"].as_str().unwrap();
                    let example = parameter["example"].as_str().unwrap();
                    // Which messages there are, nobody knows beforehand.
                    let value = if name == "wamid" { wamid.replace('=', "%3D") } else { example.to_owned() };
                    path = path.replace(&format!("{{{name}}}"), &value);
                }
                let answer = mock.control(&method.to_uppercase(), &path, body.clone()).await;
                assert!(answer.status < 400, "{method} {path} {body}: {answer:?}");
                tried += 1;
                with_body += usize::from(!body.is_null());
            }
        }
    }
    assert!(tried > 60 && with_body > 30, "{tried} {with_body}");
}
