//! The server on links and a clock that are somebody else's, as a simulator has them.

use bytes::Bytes;
use cloud_api::time::Timestamp;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mock_whatsapp::clock::Clock;
use mock_whatsapp::config::Config;
use mock_whatsapp::net::{BoxedLink, Connector, Listener};
use serde_json::{Value, json};
use std::convert::Infallible;
use tokio::sync::{mpsc, watch};

/// A call over a connection of its own.
pub(crate) async fn call(links: &mpsc::Sender<BoxedLink>, method: &str, path: &str, body: Value) -> Value {
    let (ours, theirs) = tokio::io::duplex(4_096);
    links.send(BoxedLink::new(theirs)).await.unwrap();
    let (mut sender, connection) = client::handshake(TokioIo::new(ours)).await.unwrap();
    tokio::spawn(connection);
    let request =
        Request::builder().method(method).uri(path).header("host", "x").header("authorization", "Bearer mock-token");
    let request = request.body(Full::new(Bytes::from(body.to_string()))).unwrap();
    let body = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn the_server_needs_no_sockets_and_no_machine_clock() {
    let (links, accepted) = mpsc::channel(1);
    let (dialled, mut dials) = mpsc::channel(1);
    let (stop, stopped) = watch::channel(false);
    let clock = Clock::starting_at(Timestamp::from_unix_seconds(1_000_000_000));
    let listener = Listener::Links(accepted);
    let running =
        tokio::spawn(mock_whatsapp::run(Config::default(), listener, Connector::links(dialled), clock, stopped));
    let webhook = json!({ "url": "http://hooks.example/", "handshake": false });
    call(&links, "PUT", "/_mock/webhook", webhook).await;
    let message = json!({ "messaging_product": "whatsapp", "to": "+14155550123", "type": "template",
                         "template": { "name": "hello_world", "language": { "code": "en_US" } } });
    let sent = call(&links, "POST", "/100000000000001/messages", message).await;
    let dial = dials.recv().await.unwrap();
    assert_eq!(dial.authority, "hooks.example:80");
    let (ours, theirs) = tokio::io::duplex(4_096);
    dial.answer.send(Ok(BoxedLink::new(theirs))).unwrap();
    let (seen, mut webhooks) = mpsc::unbounded_channel();
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let seen = seen.clone();
        async move {
            seen.send(request.into_body().collect().await.unwrap().to_bytes()).unwrap();
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    tokio::spawn(server::Builder::new().serve_connection(TokioIo::new(ours), service));
    for kind in ["sent", "delivered", "read"] {
        let webhook: Value = serde_json::from_slice(&webhooks.recv().await.unwrap()).unwrap();
        let status = &webhook["entry"][0]["changes"][0]["value"]["statuses"][0];
        assert_eq!((&status["status"], &status["id"]), (&json!(kind), &sent["messages"][0]["id"]));
        let at: u64 = status["timestamp"].as_str().unwrap().parse().unwrap();
        assert!((1_000_000_000..1_000_000_060).contains(&at), "{at}");
    }
    stop.send_replace(true);
    running.await.unwrap();
}
