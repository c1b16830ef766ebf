//! A JSON client for the programs' own control and operator APIs: one request a connection, loopback only.

use super::Broken;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// The most that is read of an answer.
const ANSWER_MOST: usize = 64 << 20;

/// One program's API.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    port: u16,
}

impl Client {
    pub(super) fn new(port: u16) -> Self {
        Self { port }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, Broken> {
        self.call(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Broken> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Value, Broken> {
        self.call(Method::PUT, path, Some(body)).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Broken> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(connection);
        let bytes = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let request = Request::builder()
            .method(&method)
            .uri(path)
            .header(HOST, format!("127.0.0.1:{}", self.port))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(bytes)))?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_MOST).collect().await;
        let body = body.map_err(|error| Broken(format!("{method} {path}: {error}")))?.to_bytes();
        driver.abort();
        if !status.is_success() {
            return Err(Broken(format!("{method} {path}: {status} {}", String::from_utf8_lossy(&body))));
        }
        Ok(serde_json::from_slice(&body)?)
    }

    /// Every item of a paged list.
    pub(super) async fn all(&self, path: &str) -> Result<Vec<Value>, Broken> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.get(&format!("{path}?limit=1000{after}")).await?;
            all.extend(items(&page)?);
            after = match &page["next"] {
                Value::String(next) => format!("&after={next}"),
                Value::Number(next) => format!("&after={next}"),
                _ => return Ok(all),
            };
        }
    }
}

/// The items of a list, which may stand alone or under `items`.
pub(super) fn items(page: &Value) -> Result<Vec<Value>, Broken> {
    let list = page.as_array().or_else(|| page["items"].as_array());
    list.cloned().ok_or_else(|| Broken(format!("not a list: {page}")))
}
