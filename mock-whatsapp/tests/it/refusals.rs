//! The documented refusals, each with the rule that refused beside it.

use crate::client::{Answer, Mock, sale, template, text};
use hyper::Method;
use serde_json::{Value, json};

/// What a refusal must be: status, code, subcode, message, details.
fn check(answer: &Answer, wanted: (u16, i64, Option<i64>, &str, &str)) {
    let (status, code, subcode, message, details) = wanted;
    assert_eq!((answer.status, answer.error()), (status, (code, subcode, message, details)), "{answer:?}");
    assert!(!answer.header("x-mock-why").is_empty(), "{answer:?}");
    assert!(answer.body["error"]["fbtrace_id"].is_string());
    assert_eq!(answer.header("content-type"), "application/json; charset=UTF-8");
}

fn without(mut message: Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    message.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
    message
}

fn with(mut message: Value, key: &str, value: Value) -> Value {
    message[key] = value;
    message
}

#[tokio::test]
async fn a_call_without_a_token_of_ours_is_190() {
    let mock = Mock::start().await;
    let path = format!("/v23.0/{}/messages", mock.number);
    let wrong = mock.raw(Method::POST, &path, "EAABsomething", b"{}".to_vec()).await.unwrap();
    check(&wrong, (401, 190, None, "Invalid OAuth access token - Cannot parse access token", ""));
    assert!(wrong.header("www-authenticate").starts_with("OAuth \"Facebook Platform\" \"invalid_token\""));
    let missing = mock.raw(Method::POST, &path, "", b"{}".to_vec()).await.unwrap();
    check(&missing, (401, 190, None, "An access token is required to request this resource.", ""));
    let in_query = format!("{path}?access_token=mock-token");
    let message = text("+14155550123", "x").to_string().into_bytes();
    assert_eq!(mock.raw(Method::POST, &in_query, "", message).await.unwrap().status, 200);
}

#[tokio::test]
async fn errors_about_who_calls_say_so_in_a_header_too() {
    let mock = Mock::start().await;
    for (code, kind) in [(0, "invalid_token"), (104, "invalid_request"), (190, "invalid_token")] {
        mock.done("POST", "/faults", json!({ "kind": "error", "code": code, "first": 1 })).await;
        let answer = mock.send(&text("+14155550123", "x")).await;
        assert_eq!((answer.status, answer.error().0), (401, code));
        let wanted = format!("OAuth \"Facebook Platform\" \"{kind}\" \"{}\"", answer.error().2);
        assert_eq!(answer.header("www-authenticate"), wanted);
        mock.done("DELETE", "/faults", Value::Null).await;
    }
}

#[tokio::test]
async fn what_is_not_there_is_100_with_subcode_33() {
    let mock = Mock::start().await;
    let message = text("+14155550123", "x").to_string().into_bytes();
    for (method, path, verb) in [
        (Method::POST, "/v23.0/42/messages", "post"),
        (Method::POST, "/v23.0/100000000000001/nothing", "post"),
        (Method::GET, "/100000000000001/messages", "get"),
    ] {
        let answer = mock.raw(method, path, "mock-token", message.clone()).await.unwrap();
        assert_eq!((answer.status, answer.error().0, answer.error().1), (400, 100, Some(33)), "{path}");
        assert!(answer.error().2.starts_with(&format!("Unsupported {verb} request. Object with ID '")), "{path}");
        assert_eq!(answer.body["error"]["type"], "GraphMethodException");
    }
}

#[tokio::test]
async fn a_parameter_that_is_wrong_is_named() {
    let mock = Mock::start().await;
    let good = || text("+14155550123", "x");
    for (message, wanted) in [
        (json!({}), "(#100) The parameter messaging_product is required."),
        (without(good(), "/to"), "(#100) The parameter to is required."),
        (with(good(), "to", json!("")), "(#100) The parameter to is required."),
        (without(good(), "/text/body"), "(#100) The parameter text['body'] is required."),
        (text("+14155550123", &"é".repeat(4_097)), "(#100) Param text['body'] must be at most 4096 characters long."),
        (
            with(good(), "messaging_product", json!("foo")),
            "(#100) Param messaging_product must be one of {WHATSAPP} - got \"foo\".",
        ),
        (
            with(good(), "type", json!("jpeg")),
            "(#100) Param type must be one of {AUDIO, CONTACTS, DOCUMENT, GIF, IMAGE, INTERACTIVE, LINK_PREVIEW, LOCATION, \
             PIN, REACTION, STICKER, TEMPLATE, TEXT, VIDEO} - got \"jpeg\".",
        ),
        (
            with(good(), "biz_opaque_callback_data", json!("é".repeat(513))),
            "(#100) Param biz_opaque_callback_data must be at most 512 characters long.",
        ),
    ] {
        check(&mock.send(&message).await, (400, 100, None, wanted, ""));
    }
    let details = "Parameter 'text' is mandatory for type 'text'";
    let no_object = mock.send(&without(good(), "/text")).await;
    check(&no_object, (400, 100, None, "(#100) Invalid parameter", details));
    let wrong_type = mock.send(&with(good(), "text", json!([1]))).await;
    check(&wrong_type, (400, 100, None, "(#100) Param text must be an object.", ""));
    for (pointer, value, param) in [
        ("/template", json!(["hello_world", { "code": "en_US" }]), "template"),
        ("/template/language", json!(["en_US", null]), "template['language']"),
        ("/template/components/0", json!(["body"]), "template['components'][0]"),
        (
            "/template/components/0/parameters/0",
            json!(["text", null, "Ana"]),
            "template['components'][0]['parameters'][0]",
        ),
        ("/template", json!(r#"["spring_sale",{"code":"en_US"}]"#), "template"),
        ("/context", json!(["wamid.x"]), "context"),
        ("/interactive", json!({ "type": "button", "body": ["x"] }), "interactive['body']"),
    ] {
        let mut message = sale("+14155550123", "Ana");
        match message.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => message[pointer.trim_start_matches('/')] = value,
        }
        let wanted = format!("(#100) Param {param} must be an object.");
        check(&mock.send(&message).await, (400, 100, None, &wanted, ""));
    }
    let mut number = sale("+14155550123", "Ana");
    number["template"]["components"][0]["parameters"][0]["text"] = json!(5);
    let details = "Param template is not of the expected type";
    check(&mock.send(&number).await, (400, 100, None, "(#100) Invalid parameter", details));
    let listed = json!(["whatsapp", "individual", "+491511234567", null, "text", ["x", true]]);
    check(&mock.send(&listed).await, (400, 100, None, "(#100) The parameter messaging_product is required.", ""));
    let receipt =
        json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "x", "typing_indicator": ["text"] });
    check(&mock.send(&receipt).await, (400, 100, None, "(#100) Param typing_indicator must be an object.", ""));
    let path = format!("/{}/messages", mock.number);
    let no_json = mock.raw(Method::POST, &path, "mock-token", b"to=1".to_vec()).await.unwrap();
    check(&no_json, (400, 100, None, "(#100) The parameter messaging_product is required.", ""));
    let no_image = mock.send(&with(good(), "type", json!("image"))).await;
    check(&no_image, (400, 100, None, "(#100) Invalid parameter", "Parameter 'image' is mandatory for type 'image'"));
    assert_eq!(mock.send(&with(good(), "type", json!("pin"))).await.error().0, 131_051);
}

#[tokio::test]
async fn a_key_that_there_is_not_is_refused_in_the_object_of_a_type_unless_it_may_be_there() {
    let mock = Mock::start().await;
    let with_key = |key: &str| {
        let mut message = text("+14155550123", "x");
        message["text"][key] = json!(1);
        message
    };
    let refused = mock.send(&with_key("foo")).await;
    check(&refused, (400, 100, None, "(#100) Unexpected key \"foo\" on param \"text\".", ""));
    assert!(refused.header("x-mock-why").contains("unexpected_keys = false"));
    mock.send(&with(text("+14155550123", "x"), "foo", json!({ "bar": 1 }))).await.wamid();
    let mut image = text("+14155550123", "x");
    image["type"] = json!("image");
    image["image"] = json!({ "link": "https://x.example/a.png", "filename": "a.png" });
    assert_eq!(mock.send(&image).await.error().2, "(#100) Unexpected key \"filename\" on param \"image\".");
    let rules = json!({ "name": "w1", "rules": { "unexpected_keys": false, "window": false } });
    let tenant = mock.done("POST", "/tenants", rules).await;
    let path = format!("/{}/messages", tenant["env"]["WHATSAPP_PHONE_NUMBER_ID"].as_str().unwrap());
    let body = with_key("foo").to_string().into_bytes();
    mock.raw(Method::POST, &path, "mock-token-w1", body).await.unwrap().wamid();
}

#[tokio::test]
async fn words_of_a_list_are_read_in_any_case() {
    let mock = Mock::start().await;
    let row = json!({ "id": "r1", "title": "One" });
    let reply = json!({ "type": "REPLY", "reply": { "id": "y", "title": "Yes" } });
    for (kind, action) in [
        ("LIST", json!({ "button": "Choose", "sections": [{ "rows": [row] }] })),
        ("Button", json!({ "buttons": [reply] })),
        ("Location_Request_Message", json!({ "name": "SEND_LOCATION" })),
    ] {
        let interactive = json!({ "type": kind, "body": { "text": "Well?" }, "action": action });
        mock.send(&json!({ "messaging_product": "WhatsApp", "recipient_type": "INDIVIDUAL", "to": "+14155550123",
                           "type": "INTERACTIVE", "interactive": interactive }))
            .await
            .wamid();
    }
    let post = async |path: &str, body: Value| mock.graph(Method::POST, &format!("/{path}"), body).await;
    let number = &mock.number;
    let code = json!({ "prefilled_message": "Hi", "generate_qr_image": "png" });
    let made = post(&format!("{number}/message_qrdls"), code).await;
    assert!(made.body["qr_image_url"].as_str().is_some_and(|url| url.ends_with(".png")), "{made:?}");
    let profile = json!({ "messaging_product": "WHATSAPP", "vertical": "retail" });
    assert_eq!(post(&format!("{number}/whatsapp_business_profile"), profile).await.body, json!({ "success": true }));
    let body = json!({ "type": "body", "text": "Hello {{1}} there", "example": { "body_text": [["Ana"]] } });
    let template = json!({ "name": "any_case", "language": "EN_us", "category": "utility",
                           "parameter_format": "positional", "components": [body] });
    assert_eq!(post("200000000000001/message_templates", template).await.status, 200);
    let path = "/200000000000001/message_templates?name=any_case&language=en_us&status=approved";
    let found = mock.graph(Method::GET, path, Value::Null).await.body;
    assert_eq!(found["data"][0]["language"], "en_US");
    let wrong = json!({ "prefilled_message": "Hi", "generate_qr_image": "gif" });
    let refused = post(&format!("{number}/message_qrdls"), wrong).await;
    assert_eq!(refused.error().2, "(#100) Param generate_qr_image must be one of {PNG, SVG} - got \"gif\".");
}

#[tokio::test]
async fn what_is_no_phone_number_is_131009() {
    let mock = Mock::start().await;
    let details = "The phone number is malformed: Please use the format: +1234567890.";
    for to in ["123", "+1415555012x", "1234567890123456", "00491511234567"] {
        let wanted = (400, 131_009, None, "(#131009) Parameter value is not valid", details);
        check(&mock.send(&text(to, "x")).await, wanted);
    }
    assert_eq!(mock.send(&text("+15557650001", "to ourselves")).await.error().0, 131_021);
    for to in ["14155550123", "+1 415-555-0123", "(1) 415 555 0123"] {
        assert_eq!(mock.send(&text(to, "x")).await.status, 200, "{to}");
    }
}

#[tokio::test]
async fn a_template_must_be_known_and_filled() {
    let mock = Mock::start().await;
    let to = "+14155550123";
    let unknown = mock.send(&template(to, "autumn_sale", &[])).await;
    assert_eq!(
        (unknown.error().0, unknown.error().3),
        (132_001, "template name (autumn_sale) does not exist in en_US")
    );
    assert!(unknown.header("x-mock-why").contains("unknown_templates"));
    let count = mock.send(&template(to, "spring_sale", &["a", "b"])).await;
    let details = "body: number of localizable_params (2) does not match the expected number of params (1)";
    check(
        &count,
        (400, 132_000, None, "(#132000) Number of parameters does not match the expected number of params", details),
    );
    let none = json!({ "messaging_product": "whatsapp", "to": to, "type": "template",
                       "template": { "name": "spring_sale", "language": { "code": "en_US" } } });
    assert_eq!(mock.send(&none).await.error().0, 132_000);
    for broken in ["a\nb", "a\tb", "a     b"] {
        let answer = mock.send(&sale(to, broken)).await;
        assert_eq!(answer.error().0, 132_018, "{broken:?}");
        assert!(answer.error().3.starts_with("Param text cannot have new-line/tab characters"));
    }
    let nameless = json!({ "messaging_product": "whatsapp", "to": to, "type": "template" });
    assert_eq!(mock.send(&nameless).await.error().3, "Parameter 'template' is mandatory for type 'template'");
    assert_eq!(mock.send(&template(to, "hello_world", &[])).await.status, 200);
    assert!(mock.messages("").await.len() == 1, "what is refused is no message");
}

#[tokio::test]
async fn unknown_templates_are_taken_on_request() {
    let mock = Mock::of(mock_whatsapp::MockWhatsApp::builder().accept_unknown_templates()).await;
    mock.send(&template("+14155550123", "autumn_sale", &["Ana", "20%"])).await.wamid();
    let messages = mock.settled("").await;
    assert_eq!(
        (&messages[0]["template"], &messages[0]["rendered"]),
        (&json!("autumn_sale"), &json!("autumn_sale: Ana | 20%"))
    );
}

#[tokio::test]
async fn the_control_api_says_where_a_body_is_wrong() {
    let mock = Mock::start().await;
    for (method, path, body, pointer) in [
        ("PUT", "/webhook", json!({ "url": "http://x/", "handshke": false }), "/handshke"),
        ("PUT", "/webhook", json!({ "url": 5 }), "/url"),
        ("PUT", "/webhook", json!({}), "/url"),
        ("PUT", "/handsets/14155550123", json!({ "kind": "sleepy" }), "/kind"),
        ("PUT", "/handsets/14155550123", json!({ "kind": "offline" }), "/for"),
        ("PUT", "/handsets/14155550123", json!({ "reply": { "txt": "ok" } }), "/reply/txt"),
        (
            "PUT",
            "/handsets",
            json!({ "items": [{ "wa_id": "14155550123" }, { "wa_id": "14155550124", "x": 1 }] }),
            "/items/1/x",
        ),
        ("POST", "/faults", json!({ "kind": "latency", "dealy": "1s" }), "/dealy"),
        ("POST", "/faults", json!({ "kind": "latency", "delay": "soon" }), "/delay"),
        ("POST", "/faults", json!({ "share": 1 }), "/kind"),
        ("POST", "/clock/advance", json!({ "by": "12" }), "/by"),
        ("POST", "/clock/run", json!({ "factor": 0 }), "/factor"),
        ("GET", "/messages?limt=1", Value::Null, "?limt"),
        ("GET", "/messages?after=x", Value::Null, "?after"),
    ] {
        let answer = mock.control(method, path, body).await;
        assert_eq!((answer.status, answer.body["pointer"].as_str()), (400, Some(pointer)), "{path}: {answer:?}");
        assert!(answer.body["expected"].is_string(), "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert_eq!(mock.control("GET", "/nothing", Value::Null).await.status, 404);
    assert_eq!(mock.control("POST", "/messages", Value::Null).await.status, 405);
}
