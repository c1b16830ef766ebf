//! The servers that are measured, each in a process of its own that names its address on stdout.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::ffi::OsString;
use tokio::net::TcpListener;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// An answer of the mock's to a send.
const ANSWER: &str = r#"{"messaging_product":"whatsapp","contacts":[{"input":"+4915100000001","wa_id":"4915100000001"}],"messages":[{"id":"wamid.HBgNNDkxNTEwMDAwMDAwMRUCABEYEjhGMUMyRDNFNEI1QTY5NzgwMQA=","message_status":"accepted"}]}"#;

/// The headers of one.
const HEADERS: [(&str, &str); 4] = [
    ("x-mock-time", "2026-03-01T12:00:00.000000Z"),
    ("facebook-api-version", "v25.0"),
    ("x-fb-trace-id", "AbCdEfGh1JkLmN0pQrStUv2"),
    ("x-fb-request-id", "AbCdEfGh1JkLmN0pQrStUv2"),
];

const JSON: &str = "application/json; charset=UTF-8";

/// Runs a server until the process is ended.
pub(crate) fn serve(name: &str) {
    match name {
        "mock" => {
            let arguments = ["mock-whatsapp", "--listen", "127.0.0.1:0", "--config"].map(OsString::from);
            let config = std::env::args_os().next().map(|_| config()).expect("a process has a name");
            mock_whatsapp::cli::main_from(arguments.into_iter().chain([config]));
        }
        "mock-as-it-is" => {
            mock_whatsapp::cli::main_from(["mock-whatsapp", "--listen", "127.0.0.1:0"].map(OsString::from).into_iter());
        }
        "hyper" => runtime().block_on(bare()),
        "wiremock" => runtime().block_on(stub()),
        other => panic!("there is no server {other}"),
    }
}

/// A configuration under which the limits are kept and never reached.
fn config() -> OsString {
    let file = std::env::temp_dir().join(format!("mock_speed-{}.toml", std::process::id()));
    std::fs::write(&file, "throughput = 1000000\nmessaging_limit = 100000000\n").expect("the folder for passing files");
    file.into_os_string()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[expect(clippy::print_stdout, reason = "whoever started this process reads its address there")]
fn tell(address: &std::net::SocketAddr) {
    println!("listening on http://{address}");
}

/// As little as a server can do: it reads the body and answers the same bytes every time.
async fn bare() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    tell(&listener.local_addr().expect("it is bound"));
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).expect("it is a TCP stream");
        tokio::spawn(
            http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), service_fn(same)),
        );
    }
}

async fn same(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes);
    std::hint::black_box(body.unwrap_or_default());
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    Ok(response)
}

/// A stub that answers every POST alike.
async fn stub() {
    let server = MockServer::start().await;
    let mut answer = ResponseTemplate::new(200).set_body_raw(ANSWER, JSON);
    for (name, value) in HEADERS {
        answer = answer.insert_header(name, value);
    }
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    tell(server.address());
    std::future::pending::<()>().await;
}
