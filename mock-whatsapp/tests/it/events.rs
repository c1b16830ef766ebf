//! The stream of events: what happens is told as it happens, to those who listen.

use crate::client::{Mock, PATIENCE, sale};
use crate::receiver::Receiver;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;

struct Listening(Lines<BufReader<TcpStream>>);

impl Listening {
    async fn to(mock: &Mock, path: &str) -> Self {
        let mut stream = TcpStream::connect(mock.whatsapp.base_url().strip_prefix("http://").unwrap()).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: mock\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut listening = Self(BufReader::new(stream).lines());
        while !listening.line().await.contains("listening") {}
        listening
    }

    async fn line(&mut self) -> String {
        tokio::time::timeout(PATIENCE, self.0.next_line()).await.unwrap().unwrap().expect("the stream goes on")
    }

    /// The next event: its name and what it says.
    async fn next(&mut self) -> (String, Value) {
        loop {
            if let Some(name) = self.line().await.strip_prefix("event: ") {
                let name = name.to_owned();
                let data = self.line().await;
                return (name, serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap());
            }
        }
    }
}

#[tokio::test]
async fn calls_and_webhooks_are_told_as_they_happen() {
    let mock = Mock::start().await;
    let _receiver = Receiver::of(&mock).await;
    let mut listening = Listening::to(&mock, "/_mock/events").await;
    let mut other = Listening::to(&mock, "/_mock/events").await;
    let wamid = mock.send(&sale("+14155550123", "Ana")).await.wamid();
    let (name, request) = listening.next().await;
    assert_eq!((name.as_str(), &request["id"], &request["wamid"]), ("request", &"r1".into(), &wamid.clone().into()));
    let mut webhooks = Vec::new();
    for _ in 0..6 {
        let (name, webhook) = listening.next().await;
        assert_eq!((name.as_str(), &webhook["wamid"]), ("webhook", &wamid.clone().into()));
        webhooks.push(format!("{} {}", webhook["kind"].as_str().unwrap(), webhook["state"].as_str().unwrap()));
    }
    webhooks.sort();
    let wanted = ["delivered acked", "delivered due", "read acked", "read due", "sent acked", "sent due"];
    assert_eq!(webhooks, wanted.map(|end| format!("status.{end}")));
    assert_eq!(other.next().await.1["id"], "r1", "everybody is told");
    assert_eq!(mock.control("GET", "/events?tenant=nobody", Value::Null).await.status, 404);
    assert_eq!(mock.control("POST", "/events", Value::Null).await.status, 405);
}
