//! A session as a scenario file. That `campaign-sim` takes it is tried in `sim`.

use crate::client::{Mock, sale, template};
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use serde_json::{Value, json};

#[tokio::test]
async fn a_session_becomes_a_scenario() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    assert_eq!(mock.control("GET", "/export", Value::Null).await.status, 409, "nothing was sent yet");
    mock.send(&template("+14155560000", "hello_world", &[])).await.wamid();
    mock.done("POST", "/clock/advance", json!({ "by": "1h" })).await;
    mock.done("POST", "/faults", json!({ "kind": "latency", "delay": "10ms", "from": "10m", "until": "20m" })).await;
    mock.done("POST", "/faults", json!({ "kind": "template_paused", "template": "never_sent" })).await;
    for to in ["+14155550404", "+14155560001", "+14155560001", "+14155550429"] {
        mock.send(&sale(to, "A")).await;
    }
    mock.done("POST", "/handsets/14155560001/block", Value::Null).await;
    let (parts, exported) = mock.exchange(Method::GET, "/_mock/export", &[], Vec::new()).await.unwrap();
    assert_eq!(parts.headers["content-type"], "application/toml");
    let exported = String::from_utf8(exported.to_vec()).unwrap();
    assert!(exported.contains("# Fault f2 is left out"), "{exported}");
    let file: toml::Table = exported.parse().unwrap();
    let campaigns: Vec<(&str, i64, &str)> = file["campaign"]
        .as_array()
        .unwrap()
        .iter()
        .map(|campaign| {
            let text = |key: &str| campaign[key].as_str().unwrap();
            (text("template"), campaign["contacts"].as_integer().unwrap(), text("start"))
        })
        .collect();
    assert_eq!(campaigns, [("hello_world", 1, "0s"), ("spring_sale", 2, "1h")]);
    assert_eq!(file["contacts"][0]["kind"].as_str(), Some("blocked"));
    assert_eq!(file["contacts"][1]["kind"].as_str(), Some("not_on_whatsapp"));
    assert_eq!((file["fault"][0]["from"].as_str(), file["fault"][0]["until"].as_str()), (Some("1h10m"), Some("1h20m")));
    assert_eq!(file["handset"]["sent_after"].as_str(), Some("20ms"));
}
