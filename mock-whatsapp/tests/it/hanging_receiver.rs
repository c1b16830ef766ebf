//! Receivers of webhooks that hang or are slow, and who has to wait for them. Time is the runtime's, which jumps when nobody
//! moves.

use bytes::Bytes;
use cloud_api::time::Timestamp;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use mock_whatsapp::clock::Clock;
use mock_whatsapp::config::Config;
use mock_whatsapp::limits::{CALLS_WAIT, WEBHOOKS_AT_ONCE, WEBHOOKS_WAITING};
use mock_whatsapp::net::{BoxedLink, Connector, Dial, Listener};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
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

/// A server whose webhooks nobody picks up yet.
struct Scene {
    links: mpsc::Sender<BoxedLink>,
    dials: mpsc::Receiver<Dial>,
    _stop: watch::Sender<bool>,
}

impl Scene {
    fn new() -> Self {
        let (links, accepted) = mpsc::channel(1);
        let (dialled, dials) = mpsc::channel(WEBHOOKS_AT_ONCE);
        let (stop, stopped) = watch::channel(false);
        let clock = Clock::starting_at(Timestamp::from_unix_seconds(1_000_000_000));
        let config = Config { throughput: 1_000_000, ..Config::default() };
        tokio::spawn(mock_whatsapp::run(config, Listener::Links(accepted), Connector::links(dialled), clock, stopped));
        Self { links, dials, _stop: stop }
    }

    async fn connect(&self) -> SendRequest<Full<Bytes>> {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        self.links.send(BoxedLink::new(theirs)).await.unwrap();
        let (server, connection) = http1::handshake(TokioIo::new(ours)).await.unwrap();
        tokio::spawn(connection);
        server
    }

    /// Makes a tenant of which so many webhooks wait that its calls do, and so many messages' more.
    async fn crowd(&self, server: &mut SendRequest<Full<Bytes>>, tenant: &str, more: usize) {
        call(server, "", Method::POST, "/_mock/tenants", json!({ "name": tenant })).await;
        let webhook = json!({ "url": "http://receiver/", "handshake": false });
        call(server, "", Method::PUT, &format!("/_mock/webhook?tenant={tenant}"), webhook).await;
        // Each makes three webhooks.
        for contact in 0..(WEBHOOKS_WAITING + WEBHOOKS_AT_ONCE) / 3 + 1 + more {
            send(server, tenant, contact).await;
        }
        // What is due late makes what follows from it due later.
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(1)).await;
            call(server, "", Method::GET, "/_mock/health", Value::Null).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_hangs_holds_up_nobody_for_nothing_is_won_by_waiting_for_it() {
    let scene = Scene::new();
    let mut server = scene.connect().await;
    call(&mut server, "", Method::POST, "/_mock/tenants", json!({ "name": "other" })).await;
    scene.crowd(&mut server, "hung", 0).await;
    for contact in 90_000_000..90_000_100 {
        assert_eq!(send(&mut server, "hung", contact).await, Duration::ZERO, "{contact}");
    }
    assert_eq!(send(&mut server, "other", 1).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_slow_holds_up_no_send_for_long() {
    const SENDERS: usize = 16;
    let mut scene = Scene::new();
    let mut server = scene.connect().await;
    scene.crowd(&mut server, "slow", 10 * SENDERS).await;
    let mut senders = Vec::new();
    for _ in 0..SENDERS {
        senders.push(scene.connect().await);
    }
    // One answer a millisecond: too few for more than a call in four.
    let answers = Arc::new(Semaphore::new(0));
    let given = answers.clone();
    tokio::spawn(async move {
        let mut now_and_then = tokio::time::interval(Duration::from_millis(1));
        loop {
            now_and_then.tick().await;
            given.add_permits(1);
        }
    });
    tokio::spawn(async move {
        while let Some(dial) = scene.dials.recv().await {
            let (ours, theirs) = tokio::io::duplex(4_096);
            dial.answer.send(Ok(BoxedLink::new(theirs))).unwrap();
            let answers = answers.clone();
            let service = service_fn(move |_: Request<Incoming>| {
                let answers = answers.clone();
                async move {
                    answers.acquire().await.unwrap().forget();
                    Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(ours), service));
        }
    });
    // Whoever comes after a pause need not wait.
    send(&mut server, "slow", 80_000_000).await;
    let mut sends = JoinSet::new();
    for (contact, mut sender) in (90_000_000..).zip(senders) {
        sends.spawn(async move { send(&mut sender, "slow", contact).await });
    }
    let waited = sends.join_all().await;
    // The timer is as fine as a millisecond.
    let most = CALLS_WAIT.to_std() + Duration::from_millis(2);
    assert!(waited.iter().all(|waited| *waited <= most), "{waited:?}");
    assert!(waited.iter().any(|waited| !waited.is_zero()), "nobody had to wait: {waited:?}");
}
