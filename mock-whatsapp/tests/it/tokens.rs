//! Tokens that are good for less than everything.

use crate::client::{Mock, text};
use hyper::Method;
use serde_json::json;

async fn token(mock: &Mock, kind: &str, query: &str) -> String {
    let made = mock.done("POST", &format!("/tokens{query}"), json!({ "kind": kind })).await;
    made["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn tokens_of_every_kind_are_refused_in_their_way() {
    let mock = Mock::start().await;
    let message = || text("+14155550123", "x").to_string().into_bytes();
    let (send, subscribe) = (format!("/{}/messages", mock.number), "/200000000000001/subscribed_apps".to_owned());
    for (kind, path, status, code, subcode) in [
        ("expired", &send, 401, 190, Some(463)),
        ("revoked", &send, 401, 190, Some(460)),
        ("no_messaging", &send, 403, 10, None),
        ("no_management", &subscribe, 403, 200, None),
        ("expired", &subscribe, 401, 190, Some(463)),
    ] {
        let answer = mock.raw(Method::POST, path, &token(&mock, kind, "").await, message()).await.unwrap();
        assert_eq!((answer.status, answer.error().0, answer.error().1), (status, code, subcode), "{kind} {path}");
        assert_eq!(answer.header("www-authenticate").is_empty(), code != 190, "{kind}");
        assert!(answer.header("x-mock-why").contains("/_mock/tokens"));
    }
    let may_send = token(&mock, "no_management", "").await;
    assert_eq!(mock.raw(Method::POST, &send, &may_send, message()).await.unwrap().status, 200);
    let may_manage = token(&mock, "no_messaging", "").await;
    assert_eq!(mock.raw(Method::POST, &subscribe, &may_manage, b"{}".to_vec()).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_expired_token_tells_when_it_expired() {
    let mock = Mock::of(mock_whatsapp::MockWhatsApp::builder().clock(mock_whatsapp::clock::Pace::Frozen)).await;
    mock.done("POST", "/clock/freeze", json!({ "at": "2030-01-01T12:30:00Z" })).await;
    let path = format!("/{}/messages", mock.number);
    let expired = mock.raw(Method::POST, &path, &token(&mock, "expired", "").await, Vec::new()).await.unwrap();
    assert_eq!(
        expired.error().2,
        "Error validating access token: Session has expired on Tuesday, 01-Jan-30 03:30:00 PST. The current time is Tuesday, \
         01-Jan-30 04:30:00 PST."
    );
}

#[tokio::test]
async fn a_kind_of_token_must_be_known() {
    let mock = Mock::start().await;
    let answer = mock.control("POST", "/tokens", json!({ "kind": "stolen" })).await;
    assert_eq!((answer.status, answer.body["pointer"].as_str()), (400, Some("/kind")));
    assert!(answer.body["expected"].as_str().unwrap().contains("\"no_messaging\""));
    assert_eq!(mock.control("POST", "/tokens?tenant=nobody", json!({ "kind": "expired" })).await.status, 404);
}

#[tokio::test]
async fn a_token_of_letters_and_digits_alone_is_the_same_as_the_usual_one() {
    let mock = Mock::start().await;
    for (usual, plain) in [("mock-token", "EAAmocktoken"), ("mock-token-w1", "EAAmocktokenw1")] {
        let me = async |token: &str| {
            mock.raw(Method::GET, "/me?fields=id", token, Vec::new()).await.unwrap().body["id"].clone()
        };
        assert!(me(usual).await.is_string());
        assert_eq!(me(usual).await, me(plain).await);
    }
    let unknown = mock.raw(Method::GET, "/me", "EAAB", Vec::new()).await.unwrap();
    assert_eq!((unknown.status, unknown.error().0), (401, 190));
    assert!(unknown.header("x-mock-why").contains("EAAmocktoken"));
}
