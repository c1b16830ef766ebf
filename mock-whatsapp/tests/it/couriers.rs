//! Connections to receivers: how long they are kept, and when they are given up. Time is the runtime's, which jumps when
//! nobody moves.

use crate::seams::call;
use bytes::Bytes;
use cloud_api::time::Timestamp;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use mock_whatsapp::clock::Clock;
use mock_whatsapp::config::Config;
use mock_whatsapp::limits;
use mock_whatsapp::net::{BoxedLink, Connector, Dial, Link, Listener};
use serde_json::json;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

/// How long a connection is kept.
const COURIER_IDLE: Duration = limits::COURIER_IDLE.to_std();

/// Longer than any call of these tests takes.
const HANGS: Duration = Duration::from_secs(600);

/// What receivers see, each by the name of its host.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Connected(String),
    Webhook(String),
    HungUp(String),
}

/// A server on links, and all receivers that there may be.
struct Scene {
    links: mpsc::Sender<BoxedLink>,
    seen: mpsc::UnboundedReceiver<Seen>,
    _stop: watch::Sender<bool>,
}

/// A server: the way to it, its way to receivers, and what it stops by.
fn server() -> (mpsc::Sender<BoxedLink>, mpsc::Receiver<Dial>, watch::Sender<bool>) {
    let (links, accepted) = mpsc::channel(1);
    let (dialled, dials) = mpsc::channel(1);
    let (stop, stopped) = watch::channel(false);
    let clock = Clock::starting_at(Timestamp::from_unix_seconds(1_000_000_000));
    let (listener, connector) = (Listener::Links(accepted), Connector::links(dialled));
    tokio::spawn(mock_whatsapp::run(Config::default(), listener, connector, clock, stopped));
    (links, dials, stop)
}

impl Scene {
    fn new() -> Self {
        let (links, mut dials, stop) = server();
        let (tell, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(dial) = dials.recv().await {
                let (ours, theirs) = tokio::io::duplex(4_096);
                dial.answer.send(Ok(BoxedLink::new(theirs))).unwrap();
                let host = dial.authority.split(':').next().unwrap().to_owned();
                tokio::spawn(receive(ours, host, tell.clone()));
            }
        });
        Self { links, seen, _stop: stop }
    }

    async fn send(&self) {
        let message = json!({ "messaging_product": "whatsapp", "to": "+14155550123", "type": "template",
                             "template": { "name": "hello_world", "language": { "code": "en_US" } } });
        call(&self.links, "POST", "/100000000000001/messages", message).await;
    }

    /// How many connections were made by the time that the webhooks of a message have come to a host.
    async fn connections_for_a_message_to(&mut self, host: &str) -> usize {
        let (mut webhooks, mut connections) = (0, 0);
        while webhooks < 3 {
            match self.seen.recv().await.unwrap() {
                Seen::Connected(to) => connections += usize::from(to == host),
                Seen::Webhook(to) => webhooks += usize::from(to == host),
                Seen::HungUp(_) => {}
            }
        }
        connections
    }

    /// Waits for so many connections to a host to end.
    async fn hung_up(&mut self, host: &str, connections: usize) {
        let mut ended = 0;
        while ended < connections {
            ended += usize::from(self.seen.recv().await.unwrap() == Seen::HungUp(host.to_owned()));
        }
    }
}

async fn receive(link: tokio::io::DuplexStream, host: String, tell: mpsc::UnboundedSender<Seen>) {
    tell.send(Seen::Connected(host.clone())).unwrap();
    let service = service_fn(|request: Request<Incoming>| {
        let mut answer = Response::new(Full::<Bytes>::default());
        if request.method() == Method::GET {
            let query = request.uri().query().unwrap_or_default();
            let challenge = query.split('&').find_map(|pair| pair.strip_prefix("hub.challenge=")).unwrap();
            *answer.body_mut() = Full::new(Bytes::from(challenge.to_owned()));
        } else {
            tell.send(Seen::Webhook(host.clone())).unwrap();
        }
        async { Ok::<_, Infallible>(answer) }
    });
    http1::Builder::new().serve_connection(TokioIo::new(link), service).await.unwrap();
    // The test may be over.
    tell.send(Seen::HungUp(host)).unwrap_or_default();
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "the time is the runtime's, and paused")]
async fn a_connection_over_which_no_webhook_goes_for_a_while_is_closed_and_made_again_for_the_next() {
    let mut scene = Scene::new();
    let webhook = json!({ "url": "http://hooks.example/", "handshake": false });
    call(&scene.links, "PUT", "/_mock/webhook", webhook).await;
    scene.send().await;
    let connections = scene.connections_for_a_message_to("hooks.example").await;
    assert!(connections > 0, "{connections}");
    let begun = Instant::now();
    let closed = timeout(10 * COURIER_IDLE, scene.hung_up("hooks.example", connections)).await;
    assert_eq!(closed, Ok(()), "a receiver's connections are kept for ever");
    let (took, most) = (begun.elapsed(), COURIER_IDLE + Duration::from_secs(1));
    assert!((COURIER_IDLE / 2..most).contains(&took), "{took:?}");

    scene.send().await;
    let connections = scene.connections_for_a_message_to("hooks.example").await;
    assert!(connections > 0, "{connections}");
}

#[tokio::test(start_paused = true)]
async fn connections_to_a_numbers_former_webhook_are_closed_at_once() {
    let mut scene = Scene::new();
    for host in ["old.example", "new.example"] {
        let url = json!({ "webhook_configuration": {
            "override_callback_uri": format!("http://{host}/"), "verify_token": "secret",
        } });
        call(&scene.links, "POST", "/100000000000001", url).await;
        if host == "old.example" {
            scene.send().await;
            let connections = scene.connections_for_a_message_to(host).await - 1;
            assert!(connections > 0, "one was the handshake's, others are kept");
            assert!(timeout(COURIER_IDLE / 10, scene.hung_up(host, 1)).await.is_err(), "they are kept for a while");
        }
    }
    let closed = timeout(COURIER_IDLE / 10, scene.hung_up("old.example", 1)).await;
    assert_eq!(closed, Ok(()), "nobody will ever need them again");
}

#[tokio::test]
async fn the_names_of_headers_are_written_as_whatsapp_writes_them() {
    let (links, mut dials, _stop) = server();
    call(&links, "PUT", "/_mock/webhook", json!({ "url": "http://hooks.example/", "handshake": false })).await;
    call(&links, "POST", "/_mock/webhooks", json!({ "field": "account_update", "value": {} })).await;
    let (mut ours, theirs) = tokio::io::duplex(4_096);
    dials.recv().await.unwrap().answer.send(Ok(BoxedLink::new(theirs))).unwrap();
    let mut head = String::new();
    while !head.contains("\r\n\r\n") {
        head.push(char::from(ours.read_u8().await.unwrap()));
    }
    for name in ["Content-Type", "Content-Length", "User-Agent", "X-Hub-Signature", "X-Hub-Signature-256"] {
        assert!(head.contains(&format!("\r\n{name}: ")), "{name} is not in {head}");
    }
}

/// A connection that takes down whoever uses it.
struct Trap;

impl AsyncRead for Trap {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        panic!("planted")
    }
}

impl AsyncWrite for Trap {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        panic!("planted")
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        panic!("planted")
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        panic!("planted")
    }
}

impl Link for Trap {}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_a_panic_ends_has_failed_and_is_made_again() {
    let (links, mut dials, _stop) = server();
    tokio::spawn(async move {
        while let Some(dial) = dials.recv().await {
            dial.answer.send(Ok(BoxedLink::new(Trap))).unwrap();
        }
    });
    // With TLS, it is the courier who speaks first.
    let webhook = json!({ "url": "https://hooks.example/", "handshake": false, "tls": "insecure" });
    call(&links, "PUT", "/_mock/webhook", webhook).await;
    call(&links, "POST", "/_mock/clock/freeze", json!({})).await;
    let says = json!({ "type": "text", "text": "hi" });
    call(&links, "POST", "/_mock/handsets/14155550123/messages", says).await;
    let advanced = timeout(HANGS, call(&links, "POST", "/_mock/clock/advance", json!({ "by": "6s" }))).await;
    advanced.expect("time moves on");
    let told = call(&links, "GET", "/_mock/webhooks", json!({})).await;
    let told = &told["items"][0];
    // At once, and again after 100 ms and 5 s.
    assert_eq!((&told["state"], told["attempts"].as_array().unwrap().len()), (&json!("retrying"), 3), "{told}");
    let why = told["attempts"][0]["failure"].as_str().unwrap();
    assert!(why.contains("planted") && why.contains("please report"), "{why}");
    let settled = timeout(HANGS, call(&links, "POST", "/_mock/clock/settle", json!({ "max": "200h" }))).await;
    assert_eq!(settled.expect("time settles")["settled"], true);
    assert_eq!(call(&links, "GET", "/_mock/webhooks", json!({})).await["items"][0]["state"], "gave_up");
}
