//! A session as a scenario file. That `campaign-sim` takes it is tried in `sim`.

use crate::client::{Mock, sale, template};
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use mock_whatsapp::config::Config;
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

/// Everything that a list of tables has under a key.
fn each<'a>(file: &'a toml::Table, list: &str, key: &str) -> Vec<&'a str> {
    file[list]
        .as_array()
        .unwrap()
        .iter()
        .map(|table| table.get(key).and_then(toml::Value::as_str).unwrap_or(""))
        .collect()
}

#[tokio::test]
async fn every_number_that_sent_is_a_sender() {
    let mut config = Config::default();
    config.read("[[number]]\nphone_number = \"+442079460188\"\ncoexistence = true\nportfolio = \"uk\"\n").unwrap();
    let mut mock = Mock::of(MockWhatsApp::builder().config(config).clock(Pace::Frozen)).await;
    let numbers = mock.graph(Method::GET, "/200000000000001/phone_numbers", Value::Null).await.body;
    let further = numbers["data"][1]["id"].as_str().unwrap().to_owned();
    mock.done("POST", "/faults", json!({ "kind": "throttle", "rate": 5, "sender": further })).await;
    mock.send(&sale("+14155560001", "A")).await.wamid();
    let export = async |mock: &Mock| -> toml::Table {
        let (_, exported) = mock.exchange(Method::GET, "/_mock/export", &[], Vec::new()).await.unwrap();
        String::from_utf8(exported.to_vec()).unwrap().parse().unwrap()
    };
    let one = export(&mock).await;
    assert_eq!((each(&one, "sender", "name"), each(&one, "campaign", "name")), (vec!["main"], vec!["of-spring_sale"]));
    assert!(one.get("fault").is_none(), "it is about a number that sent nothing: {one}");

    mock.number.clone_from(&further);
    mock.send(&sale("+14155560001", "A")).await.wamid();
    mock.send(&sale("+14155560002", "B")).await.wamid();
    mock.send(&template("+14155560003", "hello_world", &[])).await.wamid();
    let two = export(&mock).await;
    let name = format!("number-{further}");
    assert_eq!(each(&two, "sender", "name"), ["main", &name]);
    assert_eq!(each(&two, "sender", "portfolio"), ["", "of-uk"]);
    let throughputs: Vec<_> = two["sender"].as_array().unwrap().iter().map(|sender| &sender["throughput"]).collect();
    assert_eq!(throughputs, [&toml::Value::Integer(80), &toml::Value::Integer(20)]);
    assert_eq!(each(&two, "campaign", "name"), ["of-hello_world", "of-spring_sale-1", "of-spring_sale-2"]);
    assert_eq!(each(&two, "campaign", "sender"), [&name, "main", &name]);
    assert_eq!(two["campaign"][2]["contacts"].as_integer(), Some(2));
    assert_eq!(each(&two, "fault", "sender"), [&name]);
}

#[tokio::test]
async fn what_a_scenario_cannot_say_of_limits_stands_in_comments() {
    let mut config = Config { pace: Pace::Frozen, ..Config::default() };
    config.read("messaging_limit = 5\nmarketing_cap = 2\n").unwrap();
    let mock = Mock::of(MockWhatsApp::builder().config(config)).await;
    mock.send(&sale("+14155560000", "Ana")).await.wamid();
    let (_, exported) = mock.exchange(Method::GET, "/_mock/export", &[], Vec::new()).await.unwrap();
    let exported = String::from_utf8(exported.to_vec()).unwrap();
    assert!(exported.contains("messaging_limit = 5"), "{exported}");
    for note in ["# Webhooks told what went beyond the messaging limit", "# The cap of 2 marketing messages"] {
        assert!(exported.contains(note), "{note}: {exported}");
    }
}
