//! What the HTTP client says became of a POST: never written, written and not answered, or answered. Exactly.
#![expect(clippy::unwrap_used, reason = "a test stops where its surroundings fail")]

use campaign_engine::client::{Base, Client, Exchange};
use campaign_engine::config::{Secret, Timeouts};
use campaign_engine::net::{Connector, Dial};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_secs(5), request: Duration::from_millis(300) };

fn client(url: &str) -> Client {
    Client::new(Connector::tcp(), Base::parse(url).unwrap(), Secret::new("hush"), TIMEOUTS)
}

async fn post(client: &Client) -> Exchange {
    client.post("111/messages", "{}".into()).await
}

async fn listen() -> (TcpListener, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, client(&url))
}

/// Reads one request, head and body, and gives it.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4_096];
    while !text.ends_with("\r\n\r\n{}") {
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the request ended early: {text}");
        text += std::str::from_utf8(&buffer[..count]).unwrap();
    }
    text
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

#[tokio::test]
async fn a_complete_answer_is_given_with_its_status_its_wait_and_its_bytes() {
    let server = MockServer::start().await;
    let refused =
        ResponseTemplate::new(429).insert_header("Retry-After", "7").set_body_raw("{\"error\":{}}", "text/html");
    let sent = method("POST");
    let mock = Mock::given(sent).and(path("/v25.0/111/messages")).and(header("authorization", "Bearer hush"));
    mock.and(header("content-type", "application/json")).respond_with(refused).expect(1).mount(&server).await;
    let Exchange::Answered(reply) = post(&client(&format!("{}/v25.0/", server.uri()))).await else { panic!() };
    assert_eq!((reply.status, reply.retry_after, &reply.body[..]), (429, Some(7), b"{\"error\":{}}".as_slice()));
}

#[tokio::test]
async fn a_gateways_page_is_an_answer_too_and_not_this_layers_to_judge() {
    let server = MockServer::start().await;
    let page = ResponseTemplate::new(502).set_body_raw("<html>Bad Gateway</html>", "text/html");
    Mock::given(method("POST")).respond_with(page).mount(&server).await;
    let Exchange::Answered(reply) = post(&client(&server.uri())).await else { panic!() };
    assert_eq!((reply.status, reply.retry_after), (502, None));
}

#[tokio::test]
async fn a_refused_connection_is_never_written() {
    let (listener, client) = listen().await;
    drop(listener);
    assert!(matches!(post(&client).await, Exchange::NeverWritten(_)));
}

#[tokio::test]
async fn a_connection_that_is_reset_after_the_request_is_unanswered() {
    let (listener, client) = listen().await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        reset(stream);
    };
    let (exchange, ()) = tokio::join!(post(&client), server);
    assert!(matches!(exchange, Exchange::Unanswered(_)), "{exchange:?}");
}

/// Closes a connection so that the other end gets a reset, and no end of stream.
fn reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
    drop(stream);
}

#[tokio::test]
async fn silence_after_the_request_is_unanswered_in_time() {
    let (listener, client) = listen().await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        // The client hangs up; nothing more comes.
        assert_eq!(stream.read(&mut [0; 16]).await.unwrap_or(0), 0);
    };
    let (exchange, ()) = tokio::join!(post(&client), server);
    let Exchange::Unanswered(why) = exchange else { panic!("{exchange:?}") };
    assert!(why.contains("0.3 s"), "{why}");
}

#[tokio::test]
async fn truncated_garbled_and_endless_answers_are_unanswered() {
    let endless = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".as_slice(), &[b'x'; 300_000]].concat();
    let answers: [&[u8]; 4] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"messages\":",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"\x16\x03\x01 what is this\r\n\r\n",
        &endless,
    ];
    for answer in answers {
        let (listener, client) = listen().await;
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            // The client may hang up in the middle of it.
            drop(stream.write_all(answer).await);
        };
        let (exchange, ()) = tokio::join!(post(&client), server);
        assert!(matches!(exchange, Exchange::Unanswered(_)), "{exchange:?}");
    }
}

#[tokio::test]
async fn connections_are_used_again_and_one_that_was_closed_meanwhile_costs_nothing() {
    let (listener, client) = listen().await;
    let server = async {
        let (mut first, _) = listener.accept().await.unwrap();
        for _ in 0..3 {
            read_request(&mut first).await;
            first.write_all(OK).await.unwrap();
        }
        drop(first);
        let (mut second, _) = listener.accept().await.unwrap();
        read_request(&mut second).await;
        second.write_all(OK).await.unwrap();
        second
    };
    let posts = async {
        for nth in 0..4 {
            let exchange = post(&client).await;
            assert!(matches!(exchange, Exchange::Answered(_)), "{nth}: {exchange:?}");
            // Lets the close be seen before the connection is used again; what is seen too late is written too late.
            if nth == 2 {
                client.idle_closed().await;
            }
        }
    };
    let (_second, ()) = tokio::join!(server, posts);
}

#[tokio::test]
async fn a_server_that_closes_every_idle_connection_and_then_listens_no_more_was_never_written_to() {
    let (listener, client) = listen().await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(OK).await.unwrap();
    };
    let (exchange, ()) = tokio::join!(post(&client), server);
    assert!(matches!(exchange, Exchange::Answered(_)));
    drop(listener);
    client.idle_closed().await;
    assert!(matches!(post(&client).await, Exchange::NeverWritten(_)));
}

/// What becomes of a POST over a pipe that holds so many bytes and whose other end is at once gone, or just deaf.
async fn over_a_pipe(holds: usize, is_gone: bool) -> Exchange {
    let (dials, mut dialled) = mpsc::channel::<Dial>(1);
    let base = Base::parse("http://api").unwrap();
    let client = Client::new(Connector::Memory(dials), base, Secret::new("hush"), TIMEOUTS);
    let server = async {
        let dial = dialled.recv().await.unwrap();
        let (near, far) = tokio::io::duplex(holds);
        let far = if is_gone { None } else { Some(far) };
        dial.answer.send(Ok(near)).unwrap();
        far
    };
    let (exchange, _far) = tokio::join!(post(&client), server);
    exchange
}

#[tokio::test]
async fn one_byte_written_is_what_tells_unknown_from_never() {
    let exchange = over_a_pipe(4_096, true).await;
    assert!(matches!(exchange, Exchange::NeverWritten(_)), "gone before the first byte: {exchange:?}");
    let exchange = over_a_pipe(1, false).await;
    assert!(matches!(exchange, Exchange::Unanswered(_)), "one byte went out: {exchange:?}");
    let exchange = over_a_pipe(4_096, false).await;
    assert!(matches!(exchange, Exchange::Unanswered(_)), "all of it went out: {exchange:?}");
}

#[tokio::test]
async fn a_call_that_nobody_takes_is_never_written() {
    let (dials, dialled) = mpsc::channel::<Dial>(1);
    drop(dialled);
    let base = Base::parse("http://api").unwrap();
    let client = Client::new(Connector::Memory(dials), base, Secret::new("hush"), TIMEOUTS);
    assert!(matches!(post(&client).await, Exchange::NeverWritten(_)));
}
