//! A receiver of webhooks: it hands every POST to the test, and answers as the test says.

use crate::client::{Mock, PATIENCE};
use bytes::Bytes;
use cloud_api::signature;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// A webhook as it came.
#[derive(Debug)]
pub(crate) struct Webhook {
    pub(crate) signature: String,
    /// `X-Hub-Signature`, the older one.
    pub(crate) sha1: String,
    pub(crate) length: String,
    pub(crate) user_agent: String,
    pub(crate) raw: Bytes,
    pub(crate) body: Value,
}

impl Webhook {
    fn value(&self) -> &Value {
        &self.body["entry"][0]["changes"][0]["value"]
    }

    pub(crate) fn status(&self) -> &Value {
        &self.value()["statuses"][0]
    }

    pub(crate) fn message(&self) -> &Value {
        &self.value()["messages"][0]
    }

    /// What it tells, in a word.
    pub(crate) fn kind(&self) -> &str {
        let kind = self.status()["status"].as_str().or(self.message()["type"].as_str());
        kind.unwrap_or_else(|| panic!("neither a status nor a message: {}", self.body))
    }

    pub(crate) fn is_signed_with(&self, app_secret: &str) -> bool {
        signature::verify(app_secret, &self.signature, &self.raw).is_ok()
    }
}

/// A receiver.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    webhooks: mpsc::UnboundedReceiver<Webhook>,
    status: Arc<AtomicU16>,
    connections: Arc<AtomicUsize>,
}

impl Receiver {
    /// One whose handshake knows the token.
    pub(crate) async fn start(verify_token: &str) -> Self {
        Self::start_behind(verify_token, None).await
    }

    /// The same behind TLS, if there is any.
    pub(crate) async fn start_behind(verify_token: &str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}/hooks?x=1", listener.local_addr().unwrap());
        let (sender, webhooks) = mpsc::unbounded_channel();
        let (status, connections) = (Arc::new(AtomicU16::new(200)), Arc::new(AtomicUsize::new(0)));
        let (answered, counted, token) = (status.clone(), connections.clone(), verify_token.to_owned());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let (sender, answered, token) = (sender.clone(), answered.clone(), token.clone());
                let service = service_fn(move |request| {
                    let (sender, answered, token) = (sender.clone(), answered.clone(), token.clone());
                    async move { Ok::<_, Infallible>(take(request, &sender, &answered, &token).await) }
                });
                match tls.clone() {
                    None => {
                        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
                    }
                    Some(tls) => {
                        tokio::spawn(async move {
                            // Whoever does not trust the certificate hangs up.
                            let Ok(stream) = tls.accept(stream).await else { return Ok(()) };
                            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
                        });
                    }
                }
            }
        });
        Self { url, webhooks, status, connections }
    }

    /// One to which the mock's webhooks go.
    pub(crate) async fn of(mock: &Mock) -> Self {
        let receiver = Self::start(mock.whatsapp.verify_token()).await;
        mock.whatsapp.set_webhook(&receiver.url).await.unwrap();
        receiver
    }

    /// What webhooks are answered with from now on.
    pub(crate) fn answer_with(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// The next webhook.
    pub(crate) async fn next(&mut self) -> Webhook {
        let next = tokio::time::timeout(PATIENCE, self.webhooks.recv()).await;
        next.expect("a webhook comes").unwrap()
    }

    /// The next webhooks' kinds.
    pub(crate) async fn kinds(&mut self, count: usize) -> Vec<String> {
        let mut kinds = Vec::new();
        for _ in 0..count {
            kinds.push(self.next().await.kind().to_owned());
        }
        kinds
    }

    /// A webhook that is already here.
    pub(crate) fn ready(&mut self) -> Option<Webhook> {
        self.webhooks.try_recv().ok()
    }
}

async fn take(
    request: Request<Incoming>,
    sender: &mpsc::UnboundedSender<Webhook>,
    answered: &AtomicU16,
    token: &str,
) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    if parts.method == Method::GET {
        let query = parts.uri.query().unwrap().to_owned();
        let parameter = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap_or_default();
        let right = parameter("hub.mode=") == "subscribe" && parameter("hub.verify_token=") == token;
        let mut response = Response::new(Full::new(Bytes::from(parameter("hub.challenge=").to_owned())));
        if !right {
            *response.status_mut() = 403.try_into().unwrap();
        }
        return response;
    }
    let raw = body.collect().await.unwrap().to_bytes();
    let header = |name: &str| parts.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let (signature, user_agent) = (header("x-hub-signature-256"), header("user-agent"));
    let (sha1, length) = (header("x-hub-signature"), header("content-length"));
    let body = serde_json::from_slice(&raw).unwrap();
    // Whoever does not listen any more has seen enough.
    sender.send(Webhook { signature, sha1, length, user_agent, raw, body }).unwrap_or_default();
    let mut response = Response::new(Full::default());
    *response.status_mut() = answered.load(Ordering::Relaxed).try_into().unwrap();
    response
}
