//! What the mock says of a session is a scenario that can be read, and run.
#![expect(clippy::unwrap_used, reason = "a test stops where its surroundings fail")]

use campaign_sim::scenario::Scenario;
use mock_whatsapp::MockWhatsApp;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

fn call(mock: &MockWhatsApp, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(mock.base_url().strip_prefix("http://").unwrap()).unwrap();
    let token = mock.token();
    let request = format!(
        "{head} HTTP/1.1\r\nHost: mock\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 20"), "{answer}");
    body.to_owned()
}

#[tokio::test]
async fn a_session_of_two_numbers_is_a_scenario_of_two_senders() {
    let mut config = mock_whatsapp::config::Config::default();
    config.read("[[number]]\nphone_number = \"+442079460188\"\nportfolio = \"uk\"\n").unwrap();
    let mock = MockWhatsApp::builder().config(config).start().await.unwrap();
    let numbers = call(&mock, "GET /v25.0/200000000000001/phone_numbers?fields=id", "");
    let ids: Vec<&str> = numbers.split("\"id\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for id in &ids {
        let body = r#"{"messaging_product":"whatsapp","to":"4915112345678","type":"template","template":{"name":"hello_world","language":{"code":"en_US"}}}"#;
        call(&mock, &format!("POST /v25.0/{id}/messages"), body);
        call(&mock, "POST /_mock/faults", &format!(r#"{{"kind":"throttle","rate":5,"until":"1h","sender":"{id}"}}"#));
    }
    let exported = call(&mock, "GET /_mock/export", "");
    let scenario = Scenario::parse(&exported, "session.toml", Path::new(".")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((ids.len(), scenario.senders.len(), scenario.campaigns.len(), scenario.faults.len()), (2, 2, 2, 2));
    assert_ne!(scenario.senders[0].portfolio, scenario.senders[1].portfolio);
}

#[tokio::test]
async fn a_session_is_a_scenario() {
    let mock = MockWhatsApp::start().await.unwrap();
    let send = format!("POST /v25.0/{}/messages", mock.phone_number_id());
    for contact in ["4915112345678", "14155550404", "14155550425"] {
        let body = format!(
            r#"{{"messaging_product":"whatsapp","to":"{contact}","type":"template","template":{{"name":"hello_world","language":{{"code":"en_US"}}}}}}"#
        );
        call(&mock, &send, &body);
    }
    call(&mock, "POST /_mock/faults", r#"{"kind":"error","code":131000,"share":0.5,"until":"1h"}"#);
    let exported = call(&mock, "GET /_mock/export", "");
    let scenario = Scenario::parse(&exported, "session.toml", Path::new(".")).unwrap_or_else(|error| panic!("{error}"));
    let campaign = &scenario.campaigns[0];
    assert_eq!((campaign.template.as_str(), campaign.people.size()), ("hello_world", 3));
    assert_eq!((scenario.groups.len(), scenario.faults.len()), (2, 1));
}
