//! A receiver of webhooks that hangs, and who has to wait for it. Time is the runtime's, which jumps when nobody moves.

use bytes::Bytes;
use cloud_api::time::Timestamp;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use mock_whatsapp::clock::Clock;
use mock_whatsapp::config::Config;
use mock_whatsapp::limits::{CALLS_WAIT, WEBHOOKS_AT_ONCE, WEBHOOKS_WAITING};
use mock_whatsapp::net::{BoxedLink, Connector, Listener};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// A call to the server, which must succeed; how long its answer took.
#[expect(clippy::disallowed_methods, reason = "the time is the runtime's, and paused")]
async fn call(to: &mut SendRequest<Full<Bytes>>, token: &str, method: Method, path: &str, body: Value) -> Duration {
    let mut request = Request::new(Full::new(Bytes::from(body.to_string())));
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let begun = Instant::now();
    to.ready().await.unwrap();
    let answer = to.send_request(request).await.unwrap();
    assert!(answer.status().is_success(), "{path}: {answer:?}");
    begun.elapsed()
}

/// Sends a message to a contact of its own.
async fn send(to: &mut SendRequest<Full<Bytes>>, tenant: &str, contact: usize) -> Duration {
    let number = mock_whatsapp::identity::Identity::of(tenant).unwrap().phone_number_id;
    let message = json!({
        "messaging_product": "whatsapp", "to": format!("+49151{contact:08}"), "type": "template",
        "template": { "name": "hello_world", "language": { "code": "en_US" } },
    });
    call(to, &format!("mock-token-{tenant}"), Method::POST, &format!("/v25.0/{number}/messages"), message).await
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_hangs_holds_up_the_sends_of_its_own_tenant_and_of_nobody_else() {
    let (links, accepted) = mpsc::channel(1);
    let (dials, _nobody_picks_up) = mpsc::channel(WEBHOOKS_AT_ONCE);
    let (_stop, stopped) = watch::channel(false);
    let clock = Clock::starting_at(Timestamp::from_unix_seconds(1_000_000_000));
    let config = Config { throughput: 1_000_000, ..Config::default() };
    tokio::spawn(mock_whatsapp::run(config, Listener::Links(accepted), Connector::links(dials), clock, stopped));
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    links.send(BoxedLink::new(theirs)).await.unwrap();
    let (mut server, connection) = http1::handshake(TokioIo::new(ours)).await.unwrap();
    tokio::spawn(connection);

    for tenant in ["hung", "other"] {
        call(&mut server, "", Method::POST, "/_mock/tenants", json!({ "name": tenant })).await;
    }
    let webhook = json!({ "url": "http://receiver/", "handshake": false });
    call(&mut server, "", Method::PUT, "/_mock/webhook?tenant=hung", webhook).await;
    // Each makes three webhooks.
    for contact in 0..(WEBHOOKS_WAITING + WEBHOOKS_AT_ONCE) / 3 + 1 {
        send(&mut server, "hung", contact).await;
    }
    // What is due late makes what follows from it due later.
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(1)).await;
        call(&mut server, "", Method::GET, "/_mock/health", Value::Null).await;
    }
    let mut waited = Duration::ZERO;
    for contact in 90_000_000..90_000_003 {
        waited += send(&mut server, "hung", contact).await;
    }
    let (least, most) = (CALLS_WAIT.to_std(), 4 * CALLS_WAIT.to_std());
    assert!((least..most).contains(&waited), "too many webhooks wait, and no sender waits for long: {waited:?}");
    assert_eq!(send(&mut server, "other", 1).await, Duration::ZERO);
}
