//! Uploads that can be resumed.

use crate::client::{Answer, Mock};
use hyper::Method;
use serde_json::{Value, json};

const APP: &str = "300000000000001";

async fn open(mock: &Mock, query: &str) -> Answer {
    mock.graph(Method::POST, &format!("/v23.0/{APP}/uploads?{query}"), Value::Null).await
}

async fn send(mock: &Mock, session: &str, offset: Option<&str>, body: &[u8]) -> Answer {
    let token = format!("OAuth {}", mock.token);
    let mut headers = vec![("authorization", token.as_str())];
    headers.extend(offset.map(|offset| ("file_offset", offset)));
    let (parts, body) =
        mock.exchange(Method::POST, &format!("/v23.0/{session}"), &headers, body.to_vec()).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

#[tokio::test]
async fn a_file_comes_in_pieces_and_gets_a_handle() {
    let mock = Mock::start().await;
    let session = open(&mock, "file_name=a.png&file_length=10&file_type=image/png").await;
    let session = session.body["id"].as_str().unwrap().to_owned();
    assert!(session.starts_with("upload:"), "{session}");
    let part = send(&mock, &session, Some("0"), b"01234").await;
    assert_eq!((part.status, &part.body["file_offset"]), (200, &json!(5)));
    let offset = mock.graph(Method::GET, &format!("/v23.0/{session}"), Value::Null).await;
    assert_eq!(offset.body, json!({ "id": session, "file_offset": 5 }));
    let wrong = send(&mock, &session, Some("3"), b"34567").await;
    assert_eq!((wrong.status, wrong.error().2), (400, "(#100) Invalid file_offset: expected 5, got 3."));
    let long = send(&mock, &session, Some("5"), b"5678901").await;
    assert_eq!(long.error().0, 100);
    let whole = send(&mock, &session, Some("5"), b"56789").await;
    let handle = whole.body["h"].as_str().unwrap().to_owned();
    assert!(handle.starts_with("4::"), "{handle}");
    let again = send(&mock, &session, Some("5"), b"56789").await;
    assert_eq!(again.body["h"], json!(handle), "sent again because the answer was lost");
    let escaped = session.replace(':', "%3A");
    assert_eq!(mock.graph(Method::GET, &format!("/{escaped}"), Value::Null).await.body["file_offset"], 10);
}

#[tokio::test]
async fn a_session_says_what_it_wants() {
    let mock = Mock::start().await;
    for (query, wanted) in [
        ("file_type=image/png", "(#100) The parameter file_length is required."),
        ("file_length=5", "(#100) The parameter file_type is required."),
        ("file_length=x&file_type=image/png", "(#100) Param file_length must be an integer - got \"x\"."),
        (
            "file_length=9999999999&file_type=image/png",
            "(#100) Param file_length must be at most 5242880 for image/png.",
        ),
    ] {
        assert_eq!(open(&mock, query).await.error().2, wanted);
    }
    assert_eq!(open(&mock, "file_length=5&file_type=application/zip").await.error().0, 100);
    let unknown = send(&mock, "upload:bm9uZQ", None, b"x").await;
    assert_eq!((unknown.status, unknown.error().1), (400, Some(33)));
    let open = open(&mock, "file_length=1&file_type=image/jpg").await;
    let session = open.body["id"].as_str().unwrap();
    assert_eq!(send(&mock, session, Some("x"), b"x").await.error().0, 100);
    assert!(send(&mock, session, None, b"x").await.body["h"].is_string());
}
