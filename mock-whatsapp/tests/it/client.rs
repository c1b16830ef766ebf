//! A small HTTP client, and the requests that most tests make.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::http::response::Parts;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use mock_whatsapp::{Builder, MockWhatsApp};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The error's code, subcode, message and details.
    pub(crate) fn error(&self) -> (i64, Option<i64>, &str, &str) {
        let error = &self.body["error"];
        let text = |value: &'static str| error.pointer(value).and_then(Value::as_str).unwrap_or_default();
        (
            error["code"].as_i64().unwrap(),
            error["error_subcode"].as_i64(),
            text("/message"),
            text("/error_data/details"),
        )
    }

    pub(crate) fn wamid(&self) -> String {
        assert_eq!(self.status, 200, "{:?}", self.body);
        self.body["messages"][0]["id"].as_str().unwrap().to_owned()
    }
}

/// A mock and the ways to talk to it.
#[derive(Debug)]
pub(crate) struct Mock {
    pub(crate) whatsapp: MockWhatsApp,
    pub(crate) token: String,
    pub(crate) number: String,
}

impl Mock {
    pub(crate) async fn start() -> Self {
        Self::of(MockWhatsApp::builder()).await
    }

    /// Without the rule on service windows, so that tests of other things can send what they like.
    pub(crate) async fn of(builder: Builder) -> Self {
        Self::strict(builder.window(false)).await
    }

    pub(crate) async fn strict(builder: Builder) -> Self {
        let whatsapp = builder.start().await.unwrap();
        let (token, number) = (whatsapp.token().to_owned(), whatsapp.phone_number_id().to_owned());
        Self { whatsapp, token, number }
    }

    /// One request over a connection of its own; an error if the connection ends without an answer.
    pub(crate) async fn raw(&self, method: Method, path: &str, token: &str, body: Vec<u8>) -> Result<Answer, String> {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str())];
        let headers = if token.is_empty() { &headers[..0] } else { &headers[..] };
        let (parts, body) = self.exchange(method, path, headers, body).await?;
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// The same with any headers, and with the bytes of the answer.
    pub(crate) async fn exchange(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<(Parts, Bytes), String> {
        let authority = self.whatsapp.base_url().strip_prefix("http://").unwrap();
        let stream = TcpStream::connect(authority).await.map_err(|error| error.to_string())?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        request.headers_mut().insert("host", HeaderValue::from_static("graph.facebook.com"));
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        Ok((parts, body.collect().await.map_err(|error| error.to_string())?.to_bytes()))
    }

    /// A call of the Graph API with the tenant's token.
    pub(crate) async fn graph(&self, method: Method, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.raw(method, path, &self.token, body).await.unwrap()
    }

    /// A call of the control API.
    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.raw(method, &format!("/_mock{path}"), "", body).await.unwrap()
    }

    /// A call of the control API that must succeed.
    pub(crate) async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.control(method, path, body).await;
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        answer.body
    }

    /// Sends a message.
    pub(crate) async fn send(&self, message: &Value) -> Answer {
        self.try_send(message).await.unwrap()
    }

    /// Sends a message that may get no answer.
    pub(crate) async fn try_send(&self, message: &Value) -> Result<Answer, String> {
        let path = format!("/v23.0/{}/messages", self.number);
        self.raw(Method::POST, &path, &self.token, message.to_string().into_bytes()).await
    }

    /// What became of the messages, once all that is due has happened.
    pub(crate) async fn settled(&self, query: &str) -> Vec<Value> {
        let waiting = async {
            loop {
                let clock = self.done("GET", &format!("/clock{query}"), Value::Null).await;
                if clock["due"] == 0 && clock["unacked"] == 0 {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("nothing more is due in the end");
        self.messages(query).await
    }

    /// The messages as the control API shows them.
    pub(crate) async fn messages(&self, query: &str) -> Vec<Value> {
        let list = self.done("GET", &format!("/messages{query}"), Value::Null).await;
        list["items"].as_array().unwrap().clone()
    }
}

/// A text message.
pub(crate) fn text(to: &str, body: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "to": to, "type": "text", "text": { "body": body } })
}

/// The template with one variable.
pub(crate) fn sale(to: &str, name: &str) -> Value {
    template(to, "spring_sale", &[name])
}

/// Any template.
pub(crate) fn template(to: &str, template: &str, parameters: &[&str]) -> Value {
    let parameters: Vec<Value> = parameters.iter().map(|text| json!({ "type": "text", "text": text })).collect();
    json!({
        "messaging_product": "whatsapp", "to": to, "type": "template",
        "template": { "name": template, "language": { "code": "en_US" },
                      "components": [{ "type": "body", "parameters": parameters }] },
    })
}

/// The events of a message, in order.
pub(crate) fn events(message: &Value) -> Vec<&str> {
    message["timeline"].as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect()
}
