//! Media: in, out, whole and in part, and gone after their time.

use crate::client::{Answer, Mock};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use mock_whatsapp::config::Config;
use serde_json::{Value, json};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnot really";

/// A form with a file, as clients write it.
fn form(fields: &[(&str, &str)], file: Option<(&str, Option<&str>, &[u8])>) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes());
    }
    if let Some((name, mime, bytes)) = file {
        let mime = mime.map_or(String::new(), |mime| format!("Content-Type: {mime}\r\n"));
        let head = format!("--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n{mime}\r\n");
        body.extend(head.into_bytes());
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--B--\r\n");
    body
}

async fn upload(mock: &Mock, body: Vec<u8>) -> Answer {
    let bearer = format!("Bearer {}", mock.token);
    let headers = [("authorization", bearer.as_str()), ("content-type", "multipart/form-data; boundary=B")];
    let path = format!("/v23.0/{}/media", mock.number);
    let (parts, body) = mock.exchange(Method::POST, &path, &headers, body).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

async fn picture(mock: &Mock) -> String {
    let fields = [("messaging_product", "whatsapp"), ("type", "image/png")];
    let answer = upload(mock, form(&fields, Some(("a.png", Some("image/png"), PNG)))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["id"].as_str().unwrap().to_owned()
}

/// The path and query of a media URL.
async fn place(mock: &Mock, id: &str) -> String {
    let answer = mock.graph(Method::GET, &format!("/{id}"), Value::Null).await;
    let url = answer.body["url"].as_str().unwrap();
    url.strip_prefix("http://graph.facebook.com").unwrap().to_owned()
}

async fn download(mock: &Mock, place: &str, token: &str, range: &str) -> (u16, String, Vec<u8>) {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![];
    if !token.is_empty() {
        headers.push(("authorization", bearer.as_str()));
    }
    if !range.is_empty() {
        headers.push(("range", range));
    }
    let (parts, body) = mock.exchange(Method::GET, place, &headers, Vec::new()).await.unwrap();
    let range = parts.headers.get("content-range").map_or("", |value| value.to_str().unwrap()).to_owned();
    (parts.status.as_u16(), range, body.to_vec())
}

#[tokio::test]
async fn what_was_uploaded_can_be_fetched_and_deleted() {
    let mock = Mock::start().await;
    let id = picture(&mock).await;
    let about = mock.graph(Method::GET, &format!("/v23.0/{id}?phone_number_id={}", mock.number), Value::Null).await;
    assert_eq!(about.body["mime_type"], "image/png");
    assert_eq!(about.body["file_size"], json!(PNG.len()), "a number, and no text");
    assert_eq!((&about.body["id"], &about.body["messaging_product"]), (&json!(id), &json!("whatsapp")));
    assert_eq!(about.body["sha256"].as_str().unwrap().len(), 64);
    let place = place(&mock, &id).await;
    assert_eq!(download(&mock, &place, "mock-token", "").await, (200, String::new(), PNG.to_vec()));
    let part = download(&mock, &place, "mock-token", "bytes=1-3").await;
    assert_eq!(part, (206, format!("bytes 1-3/{}", PNG.len()), b"PNG".to_vec()));
    assert_eq!(download(&mock, &place, "mock-token", "bytes=99-").await.0, 416);
    assert_eq!(download(&mock, &place, "", "").await.0, 401);
    assert_eq!(download(&mock, &place, "mock-token-w2", "").await.0, 404);
    assert_eq!(download(&mock, &place.replace("ext=", "ext=9"), "mock-token", "").await.0, 404);

    let elsewhere = mock.graph(Method::DELETE, &format!("/{id}?phone_number_id=1"), Value::Null).await;
    assert_eq!(elsewhere.error().1, Some(33));
    let deleted = mock.graph(Method::DELETE, &format!("/{id}"), Value::Null).await;
    assert_eq!((deleted.status, deleted.body), (200, json!({ "success": true })));
    let gone = mock.graph(Method::GET, &format!("/{id}"), Value::Null).await;
    assert_eq!((gone.status, gone.error().0, gone.error().1), (400, 100, Some(33)));
    assert_eq!(download(&mock, &place, "mock-token", "").await.0, 404);
}

#[tokio::test]
async fn a_url_lives_five_minutes_and_media_thirty_days() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let id = picture(&mock).await;
    let early = place(&mock, &id).await;
    mock.done("POST", "/clock/advance", json!({ "by": "4m59s" })).await;
    assert_eq!(download(&mock, &early, "mock-token", "").await.0, 200);
    mock.done("POST", "/clock/advance", json!({ "by": "2s" })).await;
    assert_eq!(download(&mock, &early, "mock-token", "").await.0, 404);
    let again = place(&mock, &id).await;
    assert_eq!(download(&mock, &again, "mock-token", "").await.0, 200);
    mock.done("POST", "/clock/advance", json!({ "by": "720h" })).await;
    assert_eq!(mock.graph(Method::GET, &format!("/{id}"), Value::Null).await.error().1, Some(33));
}

#[tokio::test]
async fn the_type_is_made_out_as_clients_tell_it() {
    let mock = Mock::start().await;
    let whatsapp = ("messaging_product", "whatsapp");
    for (fields, file, wanted) in [
        (vec![whatsapp], ("a.bin", Some("image/jpeg")), "image/jpeg"),
        (vec![whatsapp, ("type", "image/png")], ("a", None), "image/png"),
        (vec![whatsapp, ("type", "image")], ("a.png", Some("application/octet-stream")), "image/png"),
        (vec![whatsapp, ("type", "document")], ("blob", None), "application/pdf"),
        (vec![whatsapp], ("note.txt", Some("text/plain; charset=utf-8")), "text/plain"),
    ] {
        let answer = upload(&mock, form(&fields, Some((file.0, file.1, PNG)))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let id = answer.body["id"].as_str().unwrap();
        let about = mock.graph(Method::GET, &format!("/{id}"), Value::Null).await;
        assert_eq!(about.body["mime_type"], wanted);
    }
}

#[tokio::test]
async fn what_whatsapp_does_not_take_is_refused_by_its_type_and_size() {
    let mock = Mock::start().await;
    let fields = [("messaging_product", "whatsapp")];
    let zip = upload(&mock, form(&fields, Some(("a.zip", Some("application/zip"), PNG)))).await;
    let (code, _, message, _) = zip.error();
    assert_eq!((zip.status, code), (400, 100));
    assert!(
        message.starts_with("(#100) Param file must be a file with one of the following types: audio/aac, "),
        "{message}"
    );
    assert!(message.ends_with(" Received file of type 'application/zip'."), "{message}");
    let large = vec![b'x'; 5 * 1024 * 1024 + 1];
    let answer = upload(&mock, form(&fields, Some(("a.png", Some("image/png"), &large)))).await;
    assert_eq!((answer.status, answer.error().0), (400, 131_053));
    assert!(answer.error().3.contains("5242880"), "{}", answer.error().3);
    let empty = upload(&mock, form(&fields, Some(("a.png", Some("image/png"), b"")))).await;
    assert_eq!(empty.error().0, 131_053);
    let none = upload(&mock, form(&fields, None)).await;
    assert_eq!(none.error().2, "(#100) The parameter file is required.");
    let product = upload(&mock, form(&[], Some(("a.png", Some("image/png"), PNG)))).await;
    assert_eq!(product.error().2, "(#100) The parameter messaging_product is required.");
    let path = format!("/{}/media", mock.number);
    let no_form = mock.graph(Method::POST, &path, json!({ "messaging_product": "whatsapp" })).await;
    assert!(no_form.header("x-mock-why").contains("multipart/form-data"), "{no_form:?}");
    let elsewhere = mock.raw(Method::POST, "/100000000000009/media", "mock-token", b"{}".to_vec()).await.unwrap();
    assert_eq!(elsewhere.error().1, Some(33));
}

#[tokio::test]
async fn what_a_contact_sends_can_be_fetched_for_seven_days() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let say = json!({ "type": "document", "document": { "filename": "a.pdf", "data": "JVBERi0=" } });
    mock.done("POST", "/handsets/14155550777/messages", say).await;
    let webhooks = mock.done("GET", "/webhooks", Value::Null).await;
    let body: Value = serde_json::from_str(webhooks["items"][0]["body_raw"].as_str().unwrap()).unwrap();
    let document = &body["entry"][0]["changes"][0]["value"]["messages"][0]["document"];
    let id = document["id"].as_str().unwrap();
    let told = document["url"].as_str().unwrap().strip_prefix("http://graph.facebook.com").unwrap();
    assert_eq!(download(&mock, told, "mock-token", "").await, (200, String::new(), b"%PDF-".to_vec()));
    let about = mock.graph(Method::GET, &format!("/{id}"), Value::Null).await.body;
    assert_eq!((&about["mime_type"], &about["file_size"]), (&json!("application/pdf"), &json!(5)));
    mock.done("POST", "/clock/advance", json!({ "by": "167h59m" })).await;
    assert_eq!(mock.graph(Method::GET, &format!("/{id}"), Value::Null).await.status, 200);
    mock.done("POST", "/clock/advance", json!({ "by": "2m" })).await;
    assert_eq!(mock.graph(Method::GET, &format!("/{id}"), Value::Null).await.error().1, Some(33));
    let wrong = json!({ "type": "image", "image": { "data": "***" } });
    let wrong = mock.control("POST", "/handsets/14155550777/messages", wrong).await;
    assert_eq!((wrong.status, wrong.body["pointer"].as_str()), (400, Some("/image/data")));
}

#[tokio::test]
async fn where_media_have_taken_all_room_nothing_more_comes_in() {
    let config = Config { pace: Pace::Frozen, media_bytes: 3 * PNG.len(), ..Config::default() };
    let mock = Mock::of(MockWhatsApp::builder().config(config)).await;
    let fields = [("messaging_product", "whatsapp"), ("type", "image/png")];
    let try_picture = async || upload(&mock, form(&fields, Some(("a.png", Some("image/png"), PNG)))).await;
    let open = format!("/v23.0/300000000000001/uploads?file_length={}&file_type=image/png", 2 * PNG.len());
    let opened = mock.graph(Method::POST, &open, Value::Null);
    let session = opened.await.body["id"].as_str().unwrap().to_owned();
    let (first, _, _) = (picture(&mock).await, picture(&mock).await, picture(&mock).await);
    let full = try_picture().await;
    assert_eq!((full.status, full.error().0, full.error().3), (400, 131_053, "The media could not be stored"));
    let why = full.header("x-mock-why");
    assert!(why.contains("media may take 54 bytes here") && why.contains("media_bytes"), "{why}");
    let data = json!({ "type": "image", "image": { "data": STANDARD.encode(PNG) } });
    let refused = mock.control("POST", "/handsets/14155550123/messages", data.clone()).await;
    assert_eq!((refused.status, refused.header("content-type")), (507, "application/problem+json"));
    let piece = mock.raw(Method::POST, &format!("/v23.0/{session}"), &mock.token, PNG.to_vec()).await.unwrap();
    assert_eq!(piece.error().0, 131_053, "as much as is to come of it is not there");
    mock.graph(Method::DELETE, &format!("/{first}"), Value::Null).await;
    mock.done("POST", "/handsets/14155550123/messages", data).await;
    assert_eq!(try_picture().await.error().0, 131_053);
    mock.done("POST", "/clock/advance", json!({ "by": "721h" })).await;
    assert_eq!(try_picture().await.status, 200, "what is too old makes room");
}
