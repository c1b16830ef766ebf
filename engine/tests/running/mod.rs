//! An engine on real sockets and a real file, for tests, and what is needed to talk to it.
#![expect(dead_code, reason = "each test file uses a part of it")]

use campaign_engine::clock::Clock;
use campaign_engine::config::{Layers, Settings};
use campaign_engine::driver::Failure;
use campaign_engine::net::{Connector, Listener};
use campaign_engine::service::{Handle, Progress, Seams, Service};
use campaign_engine::store::{Keeper, Store};
use std::net::SocketAddr;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) const APP_SECRET: &str = "mock-app-secret";
pub(crate) const VERIFY_TOKEN: &str = "mock-verify-token";
pub(crate) const NUMBER: &str = "100000000000001";
pub(crate) const STORE_ID: u64 = 0xCE;

/// An engine at work. Dropped, it is gone like a process that was killed.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    pub(crate) address: SocketAddr,
    pub(crate) service: JoinHandle<Result<(), Failure>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.service.abort();
    }
}

/// Settings for an API at this URL, 1,000 messages a second, and what `more` says.
pub(crate) fn settings(base_url: &str, more: &[(&str, &str)]) -> Settings {
    let usual = [
        ("WHATSAPP_BASE_URL", base_url),
        ("WHATSAPP_TOKEN", "mock-token"),
        ("WHATSAPP_PHONE_NUMBER_ID", NUMBER),
        ("WHATSAPP_BUSINESS_ACCOUNT_ID", "200000000000001"),
        ("WHATSAPP_APP_SECRET", APP_SECRET),
        ("WHATSAPP_VERIFY_TOKEN", VERIFY_TOKEN),
        ("CAMPAIGN_ENGINE_THROUGHPUT", "1000"),
    ];
    let read = |name: &str| {
        let set = more.iter().chain(&usual).find(|(known, _)| *known == name);
        set.map(|(_, value)| (*value).to_owned())
    };
    Layers::read(None, &read).unwrap().settings().unwrap()
}

impl Running {
    /// Starts an engine on the store file. Its campaigns run once the webhook is registered.
    pub(crate) async fn start(store: &Path, settings: Settings) -> Self {
        let store = Store::open_sqlite(store, Some(STORE_ID)).unwrap();
        let store_id = store.id();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seams = Seams {
            listener: Listener::Tcp(listener),
            connector: Connector::tcp(),
            clock: Clock::real(),
            keeper: Keeper::thread(store).unwrap(),
            store_id,
        };
        let (service, handle) = Service::new(settings, seams, true).unwrap();
        Self { handle, address, service: tokio::spawn(service.run()) }
    }

    /// The same, and waits until campaigns run.
    pub(crate) async fn ready(store: &Path, settings: Settings) -> Self {
        let mut running = Self::start(store, settings).await;
        while running.handle.progress() != Progress::Running {
            running.handle.progressed().await.unwrap();
        }
        running
    }

    /// One request to the engine's own server.
    pub(crate) async fn http(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
        http(self.address, method, path, headers, body).await
    }

    /// A webhook with the right signature.
    pub(crate) async fn webhook(&self, body: &str) -> (u16, String) {
        self.try_webhook(body).await.expect("an answer")
    }

    /// The same, where the engine may hang up without an answer.
    pub(crate) async fn try_webhook(&self, body: &str) -> Option<(u16, String)> {
        let signature = cloud_api::signature::sign(APP_SECRET, body.as_bytes());
        let headers = [("X-Hub-Signature-256", signature.as_str())];
        try_http(self.address, "POST", "/webhook", &headers, body.as_bytes()).await
    }
}

/// One request over a connection of its own.
pub(crate) async fn http(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> (u16, String) {
    try_http(address, method, path, headers, body).await.expect("an answer")
}

/// The same, where the engine may hang up without an answer.
pub(crate) async fn try_http(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<(u16, String)> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("Content-Length: {}\r\n\r\n", body.len());
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server that refuses a long body need not read it.
    drop(stream.write_all(body).await);
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

/// A webhook with one status of a message.
pub(crate) fn status_webhook(wamid: &str, status: &str, callback: Option<&str>) -> String {
    statuses_webhook(wamid, status, callback, 1)
}

/// The same status, so many times in one POST.
pub(crate) fn statuses_webhook(wamid: &str, status: &str, callback: Option<&str>, times: usize) -> String {
    let mut one = serde_json::json!({
        "id": wamid, "status": status, "timestamp": "1767261601", "recipient_id": "14155560000",
    });
    if let Some(callback) = callback {
        one["biz_opaque_callback_data"] = callback.into();
    }
    webhook_of("messages", &serde_json::json!({"statuses": vec![one; times]}))
}

/// A webhook of one change, whose value is `beside` and what every value has.
pub(crate) fn webhook_of(field: &str, beside: &serde_json::Value) -> String {
    let mut value = beside.clone();
    value["messaging_product"] = "whatsapp".into();
    value["metadata"] = serde_json::json!({"display_phone_number": "15557654321", "phone_number_id": NUMBER});
    serde_json::json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "200000000000001", "changes": [{"field": field, "value": value}]}],
    })
    .to_string()
}

/// A list of `size` contacts with one variable.
pub(crate) fn list(size: u32) -> String {
    let lines = (0..size).map(|nth| format!("+1415556{nth:04},Name {nth}\n"));
    std::iter::once("phone,name\n".to_owned()).chain(lines).collect()
}
