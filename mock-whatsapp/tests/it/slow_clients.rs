//! Clients that take their time: none can hold a connection for ever. Time is the runtime's, which jumps when nobody moves.

use cloud_api::time::Timestamp;
use mock_whatsapp::clock::Clock;
use mock_whatsapp::config::Config;
use mock_whatsapp::limits::{BODY_WAIT, HEAD_BYTES, HEAD_WAIT, IDLE_WAIT, READER_WAIT};
use mock_whatsapp::net::{BoxedLink, Connector, Listener};
use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// A server in this runtime's time, and a client's end of a connection to it that holds so many bytes on their way.
async fn connected(on_their_way: usize) -> (DuplexStream, watch::Sender<bool>) {
    let (links, accepted) = mpsc::channel(1);
    let (dialled, _) = mpsc::channel(1);
    let (stop, stopped) = watch::channel(false);
    let clock = Clock::starting_at(Timestamp::from_unix_seconds(1_000_000_000));
    tokio::spawn(mock_whatsapp::run(
        Config::default(),
        Listener::Links(accepted),
        Connector::links(dialled),
        clock,
        stopped,
    ));
    let (ours, theirs) = tokio::io::duplex(on_their_way);
    links.send(BoxedLink::new(theirs)).await.unwrap();
    // The listener stays open as long as somebody could still send a link.
    tokio::spawn(async move { links.closed().await });
    (ours, stop)
}

/// What comes until the connection ends, and how long that takes.
#[expect(clippy::disallowed_methods, reason = "the time is the runtime's, and paused")]
async fn rest(client: &mut DuplexStream) -> (String, Duration) {
    let begun = Instant::now();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap_or_default();
    (String::from_utf8(answer).unwrap(), begun.elapsed())
}

/// Lets the server do what it can.
async fn others_go_on() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn about(took: Duration, wanted: Duration) {
    assert!((wanted..wanted + Duration::from_secs(1)).contains(&took), "{took:?} in place of {wanted:?}");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_not_completed_gets_408() {
    let (mut client, _stop) = connected(4_096).await;
    client.write_all(b"GET /_mock/health HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    let (answer, took) = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    about(took, HEAD_WAIT);
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_idle_for_longer_than_a_head_may_take() {
    let (mut client, _stop) = connected(4_096).await;
    client.write_all(b"GET /_mock/health HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let (answer, took) = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && !answer.contains("408"), "{answer}");
    about(took, IDLE_WAIT);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_completed_gets_408() {
    for (path, wanted) in [("/_mock/reset", "application/problem+json"), ("/100000000000001/messages", "\"code\"")] {
        let (mut client, _stop) = connected(4_096).await;
        let head = format!("POST {path} HTTP/1.1\r\nAuthorization: Bearer mock-token\r\nContent-Length: 10\r\n\r\n{{");
        client.write_all(head.as_bytes()).await.unwrap();
        let (answer, took) = rest(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains(wanted), "{answer}");
        about(took, BODY_WAIT);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_taken_in_ends_the_connection() {
    let (mut client, _stop) = connected(16).await;
    client.write_all(b"GET /_mock/health HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'H');
    others_go_on().await;
    tokio::time::advance(READER_WAIT + Duration::from_secs(1)).await;
    others_go_on().await;
    let (answer, _) = rest(&mut client).await;
    assert!(answer.len() <= 17, "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_too_long_gets_431() {
    let (mut client, _stop) = connected(1024 * 1024).await;
    let long = "x".repeat(4 * HEAD_BYTES);
    let head = format!("GET /_mock/health HTTP/1.1\r\nHost: x\r\nX-Long: {long}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    let (answer, _) = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_is_answered_when_the_server_stops() {
    let (mut client, stop) = connected(4_096).await;
    client.write_all(b"POST /_mock/reset HTTP/1.1\r\nContent-Length: 2\r\n\r\n{").await.unwrap();
    tokio::time::advance(Duration::from_millis(1)).await;
    stop.send_replace(true);
    client.write_all(b"}").await.unwrap();
    let (answer, _) = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_goes_on_may_be_silent_for_longer_than_a_connection_may_idle() {
    let (mut client, stop) = connected(4_096).await;
    client.write_all(b"GET /_mock/events HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut begin = [0; 4_096];
    let read = client.read(&mut begin).await.unwrap();
    assert!(begin[..read].starts_with(b"HTTP/1.1 200 "));
    tokio::time::advance(3 * IDLE_WAIT).await;
    stop.send_replace(true);
    let (rest, _) = rest(&mut client).await;
    assert!(rest.ends_with("0\r\n\r\n"), "the stream ends in order: {rest}");
}

/// Calls over a client's end of a connection, and gives the body of the answer.
async fn call(client: &mut DuplexStream, head: &str, body: &[u8]) -> String {
    let length = body.len();
    let head = format!("{head}\r\nHost: x\r\nAuthorization: Bearer mock-token\r\nContent-Length: {length}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(body).await.unwrap();
    let mut answer = vec![0; length_of_answer(client).await];
    client.read_exact(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// Reads the head of an answer, and tells how long its body is.
async fn length_of_answer(client: &mut DuplexStream) -> usize {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_take_longer_than_a_connection_may_idle_while_it_is_taken_in() {
    const AT_A_TIME: usize = 64 * 1024;
    let (mut client, _stop) = connected(AT_A_TIME).await;
    let long = "x".repeat(2 * 1024 * 1024);
    let form =
        [("messaging_product", "", "whatsapp"), ("file", "; filename=\"a.txt\"\r\nContent-Type: text/plain", &long)]
            .map(|(name, more, text)| {
                format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{text}\r\n")
            });
    let head = "POST /100000000000001/media HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=B";
    let uploaded = call(&mut client, head, format!("{}--B--\r\n", form.concat()).as_bytes()).await;
    let uploaded: Value = serde_json::from_str(&uploaded).unwrap();
    let about = call(&mut client, &format!("GET /{} HTTP/1.1", uploaded["id"].as_str().unwrap()), b"").await;
    let about: Value = serde_json::from_str(&about).unwrap();
    let (_, place) = about["url"].as_str().unwrap().split_once("/whatsapp_business").unwrap();

    let head = format!("GET /whatsapp_business{place} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer mock-token\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    let length = length_of_answer(&mut client).await;
    assert_eq!(length, long.len());
    let (mut piece, mut came, pause) = (vec![0; AT_A_TIME], 0, Duration::from_secs(20));
    while came < length {
        others_go_on().await;
        tokio::time::advance(pause).await;
        let read = client.read(&mut piece).await.unwrap();
        assert!(read > 0, "the answer broke off after {came} of {length} bytes");
        came += read;
    }
    // It idles from when the last of it was taken from the server.
    let (answer, took) = rest(&mut client).await;
    assert!(answer.is_empty() && (IDLE_WAIT - 2 * pause..=IDLE_WAIT).contains(&took), "{took:?}: {answer}");
}

#[tokio::test(start_paused = true)]
async fn a_head_has_its_time_for_itself_when_it_begins_with_the_end_of_another() {
    let (mut client, _stop) = connected(4_096).await;
    client.write_all(b"GET /_mock/health HTTP/1.1\r\nHo").await.unwrap();
    others_go_on().await;
    tokio::time::advance(HEAD_WAIT / 2).await;
    client.write_all(b"st: x\r\n\r\nGET /_mock/health HTTP/1.1\r\nHo").await.unwrap();
    let mut first = vec![0; length_of_answer(&mut client).await];
    client.read_exact(&mut first).await.unwrap();
    others_go_on().await;
    tokio::time::advance(3 * HEAD_WAIT / 4).await;
    others_go_on().await;
    client.write_all(b"st: x\r\n\r\n").await.unwrap();
    let mut second = vec![0; length_of_answer(&mut client).await];
    client.read_exact(&mut second).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_head_that_begins_behind_another_and_is_not_completed_gets_408() {
    let (mut client, _stop) = connected(4_096).await;
    client.write_all(b"GET /_mock/health HTTP/1.1\r\nHost: x\r\n\r\nGET ").await.unwrap();
    let mut first = vec![0; length_of_answer(&mut client).await];
    client.read_exact(&mut first).await.unwrap();
    client.write_all(b"/_mock").await.unwrap();
    let (answer, took) = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    about(took, HEAD_WAIT);
}
