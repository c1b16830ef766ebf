//! The server as a whole: tenants, resets, the library and the program.

use crate::client::{Mock, text};
use crate::receiver::Receiver;
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn tenant(mock: &Mock, name: &str) -> (String, String) {
    let env = mock_whatsapp::identity::Identity::of(name).unwrap().env(mock.whatsapp.base_url());
    let value = |wanted: &str| env.iter().find(|(name, _)| *name == wanted).unwrap().1.clone();
    (value("WHATSAPP_TOKEN"), value("WHATSAPP_PHONE_NUMBER_ID"))
}

#[tokio::test]
async fn a_token_makes_a_tenant_that_nobody_else_sees() {
    let mut mock = Mock::start().await;
    assert_eq!(mock.control("GET", "/messages?tenant=w1", Value::Null).await.status, 404);
    let default = mock.number.clone();
    (mock.token, mock.number) = tenant(&mock, "w1");
    let one = mock.send(&text("+14155550123", "x")).await.wamid();
    let foreign = mock.raw(Method::POST, &format!("/{default}/messages"), &mock.token, b"{}".to_vec()).await.unwrap();
    assert_eq!(foreign.error().1, Some(33), "another tenant's number is not there");
    (mock.token, mock.number) = tenant(&mock, "w2");
    let two = mock.send(&text("+14155550123", "x")).await.wamid();
    assert_ne!(one, two);
    assert_eq!(mock.messages("?tenant=w1").await.len(), 1);
    assert_eq!(mock.messages("").await.len(), 0);
    assert_eq!(mock.done("GET", "/health", Value::Null).await["tenants"], 3);
    mock.done("POST", "/clock/freeze?tenant=w1", Value::Null).await;
    assert_eq!(mock.done("GET", "/clock", Value::Null).await["mode"], "real");
    mock.done("POST", "/reset", json!({ "tenant": "w1" })).await;
    assert_eq!(mock.messages("?tenant=w1").await.len(), 0);
    assert_eq!(mock.messages("?tenant=w2").await.len(), 1);
    assert_eq!(mock.done("POST", "/reset", json!({ "tenant": "*" })).await["tenants"], 3);
    assert_eq!(mock.messages("?tenant=w2").await.len(), 0);
}

#[tokio::test]
async fn after_a_reset_all_is_new_but_the_ids_and_the_webhook() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let mut receiver = Receiver::of(&mock).await;
    let start = mock.done("GET", "/clock", Value::Null).await["now"].clone();
    mock.done("POST", "/faults", json!({ "kind": "webhook_delay", "delay": "1ms" })).await;
    mock.done("PUT", "/handsets/14155550123", json!({ "kind": "blocked" })).await;
    let before = mock.send(&text("+14155550123", "x")).await.wamid();
    mock.done("POST", "/clock/advance", json!({ "by": "5ms" })).await;
    mock.done("POST", "/reset", Value::Null).await;
    let clock = mock.done("GET", "/clock", Value::Null).await;
    assert_eq!((&clock["due"], &clock["unacked"]), (&json!(0), &json!(0)));
    assert!(
        clock["now"].as_str() > start.as_str(),
        "time begins where real time is: {clock}, and not again at {start}"
    );
    assert_eq!(mock.done("GET", "/faults", Value::Null).await["items"], json!([]));
    assert_eq!(mock.messages("").await, Vec::<Value>::new());
    let after = mock.send(&text("+14155550123", "x")).await.wamid();
    assert_ne!(before, after);
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    assert_eq!(receiver.kinds(3).await, ["sent", "delivered", "read"]);
    assert_eq!(mock.messages("").await[0]["status"], "read");
}

#[tokio::test]
async fn the_library_knows_what_a_sender_needs() {
    let whatsapp = MockWhatsApp::start().await.unwrap();
    let names: Vec<_> = whatsapp.env().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "WHATSAPP_BASE_URL",
            "WHATSAPP_TOKEN",
            "WHATSAPP_PHONE_NUMBER_ID",
            "WHATSAPP_BUSINESS_ACCOUNT_ID",
            "WHATSAPP_APP_ID",
            "WHATSAPP_APP_SECRET",
            "WHATSAPP_VERIFY_TOKEN"
        ]
    );
    assert!(whatsapp.messages().await.unwrap().is_empty());
    assert!(whatsapp.set_webhook("ftp://example.com/").await.is_err());
    let base = whatsapp.base_url().to_owned();
    drop(whatsapp);
    let address = base.strip_prefix("http://").unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "it is closed");
}

#[tokio::test]
async fn whoever_opens_the_address_in_a_browser_is_told_where_things_are() {
    let mock = Mock::start().await;
    let accept = [("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")];
    let (parts, page) = mock.exchange(Method::GET, "/", &accept, Vec::new()).await.unwrap();
    assert_eq!(
        (parts.status.as_u16(), &parts.headers["content-type"]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    let page = String::from_utf8(page.to_vec()).unwrap();
    let links: Vec<&str> = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(links.contains(&"/_mock/openapi.json"), "{page}");
    for link in links {
        assert_eq!(mock.exchange(Method::GET, link, &accept, Vec::new()).await.unwrap().0.status, 200, "{link}");
    }
    for (path, headers) in [("/", &[("accept", "*/*")][..]), ("/v25.0/100000000000001", &accept[..])] {
        let (parts, _) = mock.exchange(Method::GET, path, headers, Vec::new()).await.unwrap();
        assert_eq!(parts.status, 401, "{path} is the Graph API's to a client of it");
    }
}

#[tokio::test]
async fn lists_come_in_pages() {
    let mock = Mock::start().await;
    for body in ["a", "b", "c"] {
        mock.send(&text("+14155550123", body)).await.wamid();
    }
    let first = mock.done("GET", "/messages?limit=2&to=%2B14155550123", Value::Null).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    assert_eq!(first["evicted"], 0);
    let rest = format!("/messages?limit=2&after={}", first["next"].as_str().unwrap());
    let rest = mock.done("GET", &rest, Value::Null).await;
    assert_eq!((&rest["items"][0]["rendered"], &rest["next"]), (&json!("c"), &Value::Null));
}

#[tokio::test]
async fn a_body_may_come_in_chunks_and_a_connection_may_be_kept() {
    let mock = Mock::start().await;
    let address = mock.whatsapp.base_url().strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let body = text("+14155550123", "x").to_string();
    let (one, two) = body.split_at(20);
    let chunks = format!("{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n", one.len(), two.len());
    let head = format!(
        "POST /v25.0/{}/messages HTTP/1.1\r\nHost: any.example\r\nAuthorization: bearer mock-token\r\n",
        mock.number
    );
    let first = format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}");
    let second = format!("{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    stream.write_all(format!("{first}{second}").as_bytes()).await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
}

#[tokio::test]
async fn whoever_sends_far_too_long_a_body_hears_so_and_not_only_that_the_connection_breaks() {
    let mock = Mock::start().await;
    let address = mock.whatsapp.base_url().strip_prefix("http://").unwrap();
    let graph = format!("/{}/messages", mock.number);
    for (path, length) in [(graph.as_str(), 20_000_000), ("/_mock/reset", 40_000_000)] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nAuthorization: Bearer mock-token\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b' '; length]).await.expect("all of it is taken in");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 413 "), "{path}: {answer}");
    }
}

#[tokio::test]
async fn what_can_be_read_can_be_asked_for_by_its_head_alone_as_probes_do() {
    let mock = Mock::start().await;
    for path in ["/_mock/health", "/_mock/messages", "/_mock/openapi.json", "/_mock/events", "/_mock/tenants/default"] {
        let (parts, body) = mock.exchange(Method::HEAD, path, &[], Vec::new()).await.unwrap();
        assert_eq!((parts.status.as_u16(), body.len()), (200, 0), "{path}");
    }
    for (path, status) in [("/_mock/reset", 405), ("/_mock/nowhere", 404), ("/_mock/tenants/nobody", 404)] {
        let (parts, _) = mock.exchange(Method::HEAD, path, &[], Vec::new()).await.unwrap();
        assert_eq!(parts.status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn what_is_refused_is_told_in_words_of_its_own_world() {
    let mock = Mock::start().await;
    for (path, body, wanted) in [
        (
            "/faults",
            json!({ "kind": "tier", "messaging_limit": -1 }),
            "a number from 0 to 4294967295, or \"unlimited\"",
        ),
        (
            "/faults",
            json!({ "kind": "error", "code": 99_999_999_999_u64 }),
            "expected a whole number from 0 to 4294967295",
        ),
        ("/faults", json!({ "kind": "webhook_duplicate", "copies": 256 }), "expected a whole number from 0 to 255"),
        ("/clock/run", json!({ "factor": 1e300 }), "1e300 is no factor"),
        ("/tenants", json!({ "name": "w1", "clock": true }), "`true` is no clock"),
        ("/reset", json!({ "tenant": "a/b" }), "`a/b` can be no tenant's name"),
    ] {
        let refused = mock.control("POST", path, body).await;
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(refused.status >= 400 && detail.contains(wanted), "{path}: {refused:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let mock = Mock::start().await;
    let path = format!("/{}/messages", mock.number);
    let refused = mock.raw(Method::POST, &path, "mock-token", vec![b' '; 1024 * 1024 + 1]).await.unwrap();
    assert_eq!((refused.status, refused.error().0), (413, 100));
}
