//! The load: sends to ever new contacts over kept connections, one after the other on each, by a client that does as little as
//! possible. It prints how long they took, and how many they were: it may be told to end after some seconds.

use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Runs the load and prints the microseconds that it took, and the number of sends.
#[expect(clippy::print_stdout, reason = "whoever started this process reads its result there")]
#[expect(clippy::disallowed_methods, reason = "a benchmark is what a clock is for")]
pub(crate) fn main(address: &str, requests: &str, connections: &str, first: &str, seconds: &str) {
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let (requests, connections, first) = (number(requests), number(connections), number(first));
    let most = Duration::from_secs(number(seconds) as u64);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (took, sent) = runtime.block_on(async {
        let mut streams = Vec::new();
        for _ in 0..connections {
            let stream = TcpStream::connect(address).await.expect("the server listens");
            stream.set_nodelay(true).expect("it is a TCP stream");
            streams.push(stream);
        }
        let begun = Instant::now();
        let sending: Vec<_> = streams
            .into_iter()
            .enumerate()
            .map(|(place, stream)| {
                let contacts = (place..requests).step_by(connections);
                tokio::spawn(send(stream, first, contacts.take_while(move |_| begun.elapsed() < most)))
            })
            .collect();
        let mut all = 0;
        for sent in sending {
            all += sent.await.expect("every send is answered");
        }
        (begun.elapsed(), all)
    });
    println!("{} {sent}", took.as_micros());
}

async fn send(mut stream: TcpStream, first: usize, contacts: impl Iterator<Item = usize>) -> usize {
    let (mut answer, mut sent) = (Vec::with_capacity(4_096), 0);
    for contact in contacts {
        let body = format!(
            r#"{{"messaging_product":"whatsapp","recipient_type":"individual","to":"+49151{:08}","type":"template","template":{{"name":"spring_sale","language":{{"code":"en_US"}},"components":[{{"type":"body","parameters":[{{"type":"text","text":"Ada"}}]}}]}},"biz_opaque_callback_data":"campaign-1/{contact}"}}"#,
            first + contact
        );
        let head = format!(
            "POST /v25.0/100000000000001/messages HTTP/1.1\r\nHost: graph.facebook.com\r\nAuthorization: Bearer mock-token\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).await.expect("the server takes it");
        read(&mut stream, &mut answer).await;
        sent += 1;
    }
    sent
}

/// Reads one answer, which must be a 200.
async fn read(stream: &mut TcpStream, answer: &mut Vec<u8>) {
    answer.clear();
    loop {
        let read = stream.read_buf(answer).await.expect("an answer comes");
        let text = String::from_utf8_lossy(answer);
        assert!(read > 0, "the connection ended: {text}");
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        assert!(head.starts_with("HTTP/1.1 200"), "{text}");
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
        });
        if body.len() >= length.expect("an answer says its length") {
            return;
        }
    }
}
