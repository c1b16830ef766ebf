//! Templates: sends are compared with what is stored, and what is stored is made, reviewed, paused and deleted.

use crate::client::{Answer, Mock, sale, template, text};
use crate::receiver::{Receiver, Webhook};
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use serde_json::{Value, json};

const TO: &str = "+14155550123";

impl Mock {
    /// A call of the Graph API.
    async fn manage(&self, method: Method, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.raw(method, &format!("/v24.0/{path}"), &self.token, body).await.unwrap()
    }

    async fn templates(&self, query: &str) -> Answer {
        let path = format!("{}/message_templates{query}", self.whatsapp.waba_id());
        self.manage(Method::GET, &path, Value::Null).await
    }

    async fn create(&self, body: Value) -> Answer {
        self.manage(Method::POST, &format!("{}/message_templates", self.whatsapp.waba_id()), body).await
    }

    /// Creates a template that must be fine; its id.
    async fn made(&self, name: &str, components: Value) -> String {
        let answer = self.create(draft(name, components)).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("APPROVED")), "{answer:?}");
        answer.body["id"].as_str().unwrap().to_owned()
    }
}

fn draft(name: &str, components: Value) -> Value {
    json!({ "name": name, "language": "en_US", "category": "MARKETING", "components": components })
}

fn body(text: &str, examples: &[&str]) -> Value {
    json!({ "type": "BODY", "text": text, "example": { "body_text": [examples] } })
}

fn send_of(name: &str, components: Value) -> Value {
    json!({ "messaging_product": "whatsapp", "to": TO, "type": "template",
            "template": { "name": name, "language": { "code": "en_US" }, "components": components } })
}

fn names(answer: &Answer) -> Vec<&str> {
    answer.body["data"].as_array().unwrap().iter().map(|template| template["name"].as_str().unwrap()).collect()
}

/// The next webhook of another field than `messages`: the field, and what it carries.
async fn news(receiver: &mut Receiver) -> (String, Value, Webhook) {
    let webhook = receiver.next().await;
    let entry = webhook.body["entry"][0].clone();
    assert!(entry["time"].is_u64(), "news of an account have a time: {entry}");
    let change = &entry["changes"][0];
    (change["field"].as_str().unwrap().to_owned(), change["value"].clone(), webhook)
}

#[tokio::test]
async fn every_part_of_a_template_is_filled_and_counted() {
    let mock = Mock::start().await;
    let url = json!({ "type": "URL", "text": "Open", "url": "https://shop.example/{{1}}", "example": ["https://shop.example/x"] });
    let quick = json!({ "type": "QUICK_REPLY", "text": "Stop promotions" });
    let components = json!([
        { "type": "HEADER", "format": "TEXT", "text": "Hi {{1}}", "example": { "header_text": ["Ana"] } },
        body("Hello {{1}}, {{2}} off until Sunday.", &["Ana", "20%"]),
        { "type": "FOOTER", "text": "Ferry Shop" },
        { "type": "BUTTONS", "buttons": [url, quick] },
    ]);
    mock.made("big_sale", components).await;
    let text = |text: &str| json!({ "type": "text", "text": text });
    let header = json!({ "type": "header", "parameters": [text("Ana")] });
    let filled = json!({ "type": "BODY", "parameters": [text("Ana"), text("20%")] });
    let button = json!({ "type": "button", "sub_type": "url", "index": 0, "parameters": [text("c17")] });
    let payload = json!({ "type": "button", "sub_type": "quick_reply", "index": "1", "parameters": [{ "type": "payload", "payload": "STOP" }] });
    let sent = mock.send(&send_of("big_sale", json!([header, filled, button, payload]))).await;
    assert_eq!(sent.body["messages"][0]["message_status"], "accepted");
    assert_eq!(mock.messages("").await[0]["rendered"], "Hi Ana\nHello Ana, 20% off until Sunday.\nFerry Shop");
    let mut pressed = payload.clone();
    pressed["index"] = json!("0");
    for (components, code, details) in [
        (
            json!([filled, button]),
            132_000,
            "header: number of localizable_params (0) does not match the expected number of params (1)",
        ),
        (
            json!([header, button]),
            132_000,
            "body: number of localizable_params (0) does not match the expected number of params (2)",
        ),
        (json!([header, filled]), 131_008, "buttons: Button at index 0 of type Url requires a parameter"),
        (
            json!([header, filled, button, pressed]),
            132_012,
            "buttons: index 0: Format mismatch, expected URL, received QUICK_REPLY",
        ),
        (
            json!([header, { "type": "body", "parameters": [text("Ana"), text("")] }, button]),
            131_008,
            "body: parameter at index 1 has no text",
        ),
        (
            json!([header, { "type": "body", "parameters": [text("Ana"), { "type": "image", "image": { "id": "1" } }] }, button]),
            132_012,
            "body: Format mismatch, expected TEXT, received IMAGE",
        ),
        (
            json!([header, { "type": "body", "parameters": [text("Ana"), text(&"x".repeat(1_024))] }, button]),
            132_005,
            "body: 1053 characters, at most 1024",
        ),
    ] {
        let answer = mock.send(&send_of("big_sale", components)).await;
        assert_eq!((answer.error().0, answer.error().3), (code, details), "{answer:?}");
    }
}

#[tokio::test]
async fn media_headers_need_a_medium_in_every_send() {
    let mock = Mock::start().await;
    let header = json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::abc"] } });
    mock.made("with_image", json!([header, { "type": "BODY", "text": "See?" }])).await;
    mock.made("with_place", json!([{ "type": "HEADER", "format": "LOCATION" }, { "type": "BODY", "text": "Here." }]))
        .await;
    let with = |parameter: Value| json!([{ "type": "header", "parameters": [parameter] }]);
    mock.send(&send_of("with_image", with(json!({ "type": "image", "image": { "link": "https://x/y.jpg" } }))))
        .await
        .wamid();
    let place =
        json!({ "type": "location", "location": { "latitude": 1, "longitude": 2, "name": "x", "address": "y" } });
    mock.send(&send_of("with_place", with(place.clone()))).await.wamid();
    for (name, components, details) in [
        ("with_image", Value::Null, "header: Format mismatch, expected IMAGE, received UNKNOWN"),
        (
            "with_image",
            with(json!({ "type": "video", "video": { "link": "https://x/y" } })),
            "header: Format mismatch, expected IMAGE, received VIDEO",
        ),
        ("with_place", json!([]), "header: Format mismatch, expected LOCATION, received UNKNOWN"),
    ] {
        let answer = mock.send(&send_of(name, components)).await;
        assert_eq!((answer.error().0, answer.error().3), (132_012, details));
    }
    let unknown = mock.send(&send_of("with_image", with(json!({ "type": "image", "image": { "id": "42" } })))).await;
    assert_eq!((unknown.error().0, unknown.error().3), (131_009, "header: media id 42 is not known"));
}

#[tokio::test]
async fn variables_can_have_names() {
    let mock = Mock::start().await;
    let example = json!({ "body_text_named_params": [{ "param_name": "first_name", "example": "Ana" }, { "param_name": "day", "example": "Sunday" }] });
    let components = json!([{ "type": "BODY", "text": "Hello {{first_name}}, until {{day}}.", "example": example }]);
    let id = mock.made("named", components).await;
    let shown = mock.manage(Method::GET, &id, Value::Null).await;
    assert_eq!(shown.body["parameter_format"], "NAMED");
    let of = |name: &str, text: &str| json!({ "type": "text", "parameter_name": name, "text": text });
    let send = |parameters: Value| send_of("named", json!([{ "type": "body", "parameters": parameters }]));
    mock.send(&send(json!([of("day", "Monday"), of("first_name", "Ben")]))).await.wamid();
    assert_eq!(mock.messages("").await[0]["rendered"], "Hello Ben, until Monday.");
    let nameless = mock.send(&send(json!([{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }]))).await;
    assert_eq!((nameless.error().0, nameless.error().3), (100, "Parameter name is missing or empty"));
    let wrong = mock.send(&send(json!([of("day", "Monday"), of("name", "Ben")]))).await;
    assert_eq!((wrong.error().0, wrong.error().3), (132_012, "body: parameter first_name is missing"));
}

#[tokio::test]
async fn codes_offers_and_cards_are_templates_too() {
    let mock = Mock::start().await;
    let otp = json!({ "type": "OTP", "otp_type": "COPY_CODE", "text": "Copy" });
    let mut code = draft(
        "login",
        json!([{ "type": "BODY", "add_security_recommendation": true }, { "type": "FOOTER", "code_expiration_minutes": 10 },
                                         { "type": "BUTTONS", "buttons": [otp] }]),
    );
    code["category"] = json!("AUTHENTICATION");
    assert_eq!(mock.create(code).await.status, 200);
    let text = |text: &str| json!({ "type": "text", "text": text });
    let fill = |code: &str| json!([{ "type": "body", "parameters": [text(code)] }, { "type": "button", "sub_type": "url", "index": "0", "parameters": [text(code)] }]);
    mock.send(&send_of("login", fill("123456"))).await.wamid();
    let shown = "*123456* is your verification code. For your security, do not share this code.\nThis code expires in 10 minutes.";
    assert_eq!(mock.messages("").await[0]["rendered"], shown);
    assert_eq!(mock.send(&send_of("login", fill("1234567890123456"))).await.error().0, 131_009);

    let offer =
        json!({ "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "Soon over", "has_expiration": true } });
    let copy = json!({ "type": "COPY_CODE", "example": "SPRING" });
    mock.made("offer", json!([offer, { "type": "BODY", "text": "Buy." }, { "type": "BUTTONS", "buttons": [copy] }]))
        .await;
    let coupon = json!({ "type": "button", "sub_type": "copy_code", "index": 0, "parameters": [{ "type": "coupon_code", "coupon_code": "SPRING" }] });
    let ends = json!({ "type": "limited_time_offer", "parameters": [{ "type": "limited_time_offer", "limited_time_offer": { "expiration_time_ms": 1_767_225_600_000_u64 } }] });
    mock.send(&send_of("offer", json!([coupon, ends]))).await.wamid();
    assert_eq!(mock.send(&send_of("offer", json!([coupon]))).await.error().0, 131_008);
    assert_eq!(
        mock.send(&send_of("offer", json!([ends]))).await.error().3,
        "buttons: Button at index 0 of type CopyCode requires a parameter"
    );

    let image = json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::a"] } });
    let quick = json!({ "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "More" }] });
    let card = json!({ "components": [image, body("Only {{1}} left today", &["3"]), quick] });
    mock.made("cards", json!([{ "type": "BODY", "text": "Look:" }, { "type": "CAROUSEL", "cards": [card, card] }]))
        .await;
    let card = |place: u32| {
        json!({ "card_index": place, "components": [
        { "type": "header", "parameters": [{ "type": "image", "image": { "link": "https://x/y.jpg" } }] },
        { "type": "body", "parameters": [{ "type": "text", "text": format!("{place}") }] } ] })
    };
    mock.send(&send_of("cards", json!([{ "type": "carousel", "cards": [card(1), card(0)] }]))).await.wamid();
    assert_eq!(mock.messages("").await[2]["rendered"], "Look:\nOnly 0 left today\nOnly 1 left today");
    assert_eq!(
        mock.send(&send_of("cards", json!([{ "type": "carousel", "cards": [card(0)] }]))).await.error().0,
        132_012
    );
}

#[tokio::test]
async fn what_is_wrong_inside_a_parameter_has_the_code_of_the_version() {
    let mock = Mock::start().await;
    let broken = sale(TO, "a\nb").to_string().into_bytes();
    for (version, code) in [("v22.0", 100), ("v23.0", 132_018)] {
        let path = format!("/{version}/{}/messages", mock.number);
        assert_eq!(mock.raw(Method::POST, &path, "mock-token", broken.clone()).await.unwrap().error().0, code);
    }
}

#[tokio::test]
async fn a_send_names_only_parts_that_there_are() {
    let mock = Mock::start().await;
    let odd = mock.send(&send_of("hello_world", json!([{ "type": "body" }, { "type": "foot" }]))).await;
    assert_eq!((odd.status, odd.error().0), (400, 100));
    assert!(
        odd.error().2.starts_with("(#100) Param template['components'][1]['type'] must be one of {BODY, "),
        "{odd:?}"
    );
    assert!(odd.error().2.ends_with(" - got \"foot\"."), "{odd:?}");
    let empty = json!([{ "type": "FOOTER", "parameters": [] }, { "type": "HEADER" }]);
    assert_eq!(mock.send(&send_of("hello_world", empty)).await.status, 200);
}

#[tokio::test]
async fn examples_of_media_are_shown_by_their_addresses() {
    let mock = Mock::start().await;
    let header = json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::aW1hZ2U=:x"] } });
    let card = json!({ "components": [header, { "type": "BODY", "text": "x" }] });
    let parts = json!([header, { "type": "BODY", "text": "x" }, { "type": "CAROUSEL", "cards": [card, card] }]);
    let id = mock.made("pictures", parts).await;
    let shown = mock.manage(Method::GET, &id, Value::Null).await.body["components"].clone();
    for pointer in ["/0", "/2/cards/1/components/0"] {
        let address = &shown.pointer(pointer).unwrap()["example"]["header_handle"][0];
        assert!(address.as_str().unwrap().starts_with("https://scontent.whatsapp.net/"), "{shown}");
    }
    // What was shown can be handed in again.
    let edited = mock.manage(Method::POST, &id, json!({ "components": shown })).await;
    assert_eq!(edited.status, 200, "{edited:?}");
    assert_eq!(mock.manage(Method::GET, &id, Value::Null).await.body["components"], shown);
}

#[tokio::test]
async fn templates_are_created_shown_edited_and_deleted() {
    let mock = Mock::start().await;
    let id = mock.made("autumn_sale", json!([body("Hello {{1}}, buy now!", &["Ana"])])).await;
    let shown = mock.manage(Method::GET, &id, Value::Null).await.body;
    for field in ["name", "language", "status", "category", "components", "parameter_format", "id"] {
        assert!(shown.get(field).is_some(), "{field}: {shown}");
    }
    let some = mock
        .manage(Method::GET, &format!("{id}?fields=name,quality_score{{score}},rejected_reason"), Value::Null)
        .await
        .body;
    let mut fields: Vec<&String> = some.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["id", "name", "quality_score", "rejected_reason"]);
    assert_eq!(some["quality_score"]["score"], "UNKNOWN");
    assert_eq!(mock.manage(Method::GET, &format!("{id}?fields=colour"), Value::Null).await.error().0, 100);
    let behind = format!("{}/message_templates/{id}", mock.whatsapp.waba_id());
    assert_eq!(mock.manage(Method::GET, &behind, Value::Null).await.body["id"], json!(id));
    let missing = mock.manage(Method::GET, "500000000000042", Value::Null).await;
    assert_eq!((missing.error().0, missing.error().1), (100, Some(33)));

    let edit = json!({ "components": [body("Dear {{1}}, buy now!", &["Ana"])] });
    let edited = mock.manage(Method::POST, &id, edit.clone()).await;
    assert_eq!(edited.body, json!({ "success": true, "id": id, "name": "autumn_sale", "category": "MARKETING" }));
    mock.send(&template(TO, "autumn_sale", &["Ana"])).await.wamid();
    assert_eq!(mock.messages("").await[0]["rendered"], "Dear Ana, buy now!");
    let again = mock.manage(Method::POST, &id, edit).await;
    assert_eq!(again.error().0, 100, "an approved template is edited once a day");
    assert!(again.body["error"]["error_user_msg"].as_str().unwrap().contains("24 hours"));

    let account = mock.whatsapp.waba_id().to_owned();
    let deleted =
        mock.manage(Method::DELETE, &format!("{account}/message_templates?name=autumn_sale"), Value::Null).await;
    assert_eq!(deleted.body, json!({ "success": true }));
    assert_eq!(mock.send(&template(TO, "autumn_sale", &["Ana"])).await.error().0, 132_001);
    let twice =
        mock.manage(Method::DELETE, &format!("{account}/message_templates?name=autumn_sale"), Value::Null).await;
    assert_eq!((twice.status, twice.error().0), (400, 100));
    let locked = mock.create(draft("autumn_sale", json!([{ "type": "BODY", "text": "x" }]))).await;
    assert_eq!((locked.error().0, locked.error().1), (100, Some(2_388_023)));
}

#[tokio::test]
async fn what_no_template_can_be_is_refused_with_a_subcode() {
    let mock = Mock::start().await;
    let fine = json!([{ "type": "BODY", "text": "x" }]);
    for (body, subcode, message) in [
        (json!({}), None, "(#100) The parameter name is required."),
        (draft("Big", fine.clone()), None, "(#100) Param name must match the regular expression ^[a-z0-9_]+$"),
        (
            json!({ "name": "a", "category": "MARKETING", "components": fine }),
            None,
            "(#100) The parameter language is required.",
        ),
        (
            json!({ "name": "a", "category": "FUN", "language": "de", "components": fine }),
            None,
            "(#100) Param category must be one of {AUTHENTICATION, MARKETING, UTILITY} - got \"FUN\".",
        ),
        (draft("hello_world", fine.clone()), Some(2_388_024), "(#100) Invalid parameter"),
        (
            draft("a", json!([{ "type": "BODY", "text": "x".repeat(1_025) }])),
            Some(2_388_040),
            "(#100) Invalid parameter",
        ),
        (draft("a", json!([body("{{1}} at the start", &["a"])])), Some(2_388_299), "(#100) Invalid parameter"),
        (draft("a", json!([{ "type": "BODY", "text": "a {{1}} b" }])), Some(2_388_043), "(#100) Invalid parameter"),
        (
            draft(
                "a",
                json!([{ "type": "BODY", "text": "Hello {{day}} there",
                         "example": { "body_text_named_params": [{ "param_name": "night", "example": "x" }] } }]),
            ),
            Some(2_388_072),
            "(#100) Invalid parameter",
        ),
        (
            json!({ "name": "a", "category": "AUTHENTICATION", "language": "de", "components": [
                { "type": "BODY" }, { "type": "FOOTER", "code_expiration_minutes": "91" },
                { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE", "text": "Copy" }] } ] }),
            Some(2_388_073),
            "(#100) Invalid parameter",
        ),
    ] {
        let answer = mock.create(body).await;
        assert_eq!((answer.status, answer.error().1, answer.error().2), (400, subcode, message), "{answer:?}");
        assert_eq!(answer.body["error"]["error_user_title"].is_string(), subcode.is_some());
    }
}

#[tokio::test]
async fn lists_are_filtered_and_paged_both_ways() {
    let mock = Mock::start().await;
    for name in ["a_1", "a_2", "a_3"] {
        mock.made(name, json!([{ "type": "BODY", "text": format!("Words of {name}") }])).await;
    }
    let all = mock.templates("").await;
    assert_eq!(names(&all), ["hello_world", "spring_sale", "a_1", "a_2", "a_3"]);
    assert!(all.body["paging"]["cursors"]["after"].is_string() && all.body["paging"].get("next").is_none());
    let first = mock.templates("?limit=2&fields=name").await;
    assert_eq!(names(&first), ["hello_world", "spring_sale"]);
    assert!(first.body["paging"].get("previous").is_none());
    let next = first.body["paging"]["next"].as_str().unwrap();
    let (address, query) = next.split_once('?').unwrap();
    assert!(
        address.ends_with("/message_templates") && query.contains("limit=2") && query.contains("fields=name"),
        "{next}"
    );
    let second = mock.templates(&format!("?{query}")).await;
    assert_eq!(names(&second), ["a_1", "a_2"]);
    let back = second.body["paging"]["previous"].as_str().unwrap().split_once('?').unwrap().1.to_owned();
    assert_eq!(names(&mock.templates(&format!("?{back}")).await), ["hello_world", "spring_sale"]);
    let after = |answer: &Answer| answer.body["paging"]["cursors"]["after"].as_str().unwrap().to_owned();
    let last = mock.templates(&format!("?limit=2&after={}", after(&second))).await;
    assert_eq!(names(&last), ["a_3"]);
    assert_eq!(mock.templates(&format!("?after={}", after(&last))).await.body, json!({ "data": [] }));
    let bad = mock.templates("?after=xyz").await;
    assert_eq!((bad.status, bad.error().0), (400, 131_059));
    mock.done("PUT", "/templates/a_2/status", json!({ "status": "PAUSED" })).await;
    for (query, wanted) in [
        ("?name=a_1", &["a_1"][..]),
        ("?status=paused", &["a_2"]),
        ("?status=PAUSED,REJECTED&category=MARKETING", &["a_2"]),
        ("?category=UTILITY", &["hello_world"]),
        ("?language=de", &[]),
        ("?content=of%20A_3", &["a_3"]),
        ("?name_or_content=spring", &["spring_sale"]),
        ("?quality_score=GREEN", &[]),
    ] {
        assert_eq!(names(&mock.templates(query).await), wanted, "{query}");
    }
    assert_eq!(mock.templates("?status=FINE").await.error().0, 100);
    let counted = mock.templates("?limit=1&summary=total_count,message_template_count").await;
    assert_eq!(counted.body["summary"], json!({ "total_count": 5, "message_template_count": 5 }));
}

#[tokio::test]
async fn reviews_follow_the_rule_and_are_told() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let mut receiver = Receiver::of(&mock).await;
    mock.done("PUT", "/templates", json!({ "review": "2h", "reject": ["bad_*"] })).await;
    for name in ["bad_one", "good_one"] {
        let made = mock.create(draft(name, json!([{ "type": "BODY", "text": "x" }]))).await;
        assert_eq!(made.body["status"], "PENDING");
        assert_eq!(mock.send(&template(TO, name, &[])).await.error().0, 132_001, "it is not approved yet");
    }
    mock.done("POST", "/clock/advance", json!({ "by": "2h" })).await;
    let mut told = Vec::new();
    for _ in 0..2 {
        let (field, value, webhook) = news(&mut receiver).await;
        assert_eq!(field, "message_template_status_update");
        assert!(webhook.is_signed_with(mock.whatsapp.app_secret()));
        assert!(value["message_template_id"].is_u64());
        told.push(["message_template_name", "event", "reason"].map(|key| value[key].as_str().unwrap().to_owned()));
    }
    told.sort();
    assert_eq!(told, [["bad_one", "REJECTED", "INVALID_FORMAT"], ["good_one", "APPROVED", "NONE"]]);
    mock.send(&template(TO, "good_one", &[])).await.wamid();
    assert_eq!(mock.send(&template(TO, "bad_one", &[])).await.error().0, 132_001);
}

#[tokio::test]
async fn a_pause_ends_by_itself_and_the_third_one_never() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let mut receiver = Receiver::of(&mock).await;
    let red = json!({ "quality": "RED" });
    for (hours, title) in [(3, "FIRST_PAUSE"), (6, "SECOND_PAUSE")] {
        mock.done("PUT", "/templates/spring_sale/quality", red.clone()).await;
        let refused = mock.send(&sale(TO, "Ana")).await;
        assert_eq!(refused.error().0, 132_015);
        assert!(refused.header("x-mock-why").contains("/_mock/templates/spring_sale/status"));
        mock.done("POST", "/clock/advance", json!({ "by": format!("{hours}h") })).await;
        mock.done("PUT", "/templates/spring_sale/quality", json!({ "quality": "GREEN" })).await;
        let mut told = Vec::new();
        for _ in 0..4 {
            let (field, value, _) = news(&mut receiver).await;
            told.push((field, value));
        }
        let with = |key: &str, word: &str| told.iter().any(|(_, value)| value.pointer(key) == Some(&json!(word)));
        assert!(
            with("/new_quality_score", "RED")
                && with("/other_info/title", title)
                && with("/other_info/title", "UNPAUSE"),
            "{told:?}"
        );
        assert_eq!(told.iter().filter(|(field, _)| field == "message_template_quality_update").count(), 2);
    }
    mock.done("PUT", "/templates/spring_sale/quality", red).await;
    assert_eq!(mock.send(&sale(TO, "Ana")).await.error().0, 132_016);
}

#[tokio::test]
async fn a_template_is_paused_by_hand_for_a_while_or_until_it_is_unpaused() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let paused = mock.done("PUT", "/templates/spring_sale/status", json!({ "status": "PAUSED", "for": "3h" })).await;
    assert_eq!(paused["items"][0]["status"], "PAUSED");
    assert!(paused["items"][0]["pause_ends"].is_string());
    let settled = mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
    assert_eq!(settled["settled"], true, "nobody waits for a pause to end");
    assert_eq!(mock.send(&sale(TO, "Ana")).await.error().0, 132_015);
    mock.done("POST", "/clock/advance", json!({ "by": "3h" })).await;
    mock.send(&sale(TO, "Ana")).await.wamid();
    mock.done("PUT", "/templates/spring_sale/status", json!({ "status": "paused" })).await;
    mock.done("POST", "/clock/advance", json!({ "by": "72h" })).await;
    assert_eq!(mock.send(&sale(TO, "Ana")).await.error().0, 132_015);
    let id = mock.templates("?name=spring_sale").await.body["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(mock.manage(Method::POST, &format!("{id}/unpause"), Value::Null).await.body, json!({ "success": true }));
    mock.send(&sale(TO, "Ana")).await.wamid();
    assert_eq!(mock.manage(Method::POST, &format!("{id}/unpause"), Value::Null).await.status, 400);
    let german = "/templates/spring_sale/status?language=de";
    assert_eq!(mock.control("PUT", german, json!({ "status": "PAUSED" })).await.status, 404, "in that language only");
    let english = "/templates/spring_sale/status?language=en_US";
    assert_eq!(mock.done("PUT", english, json!({ "status": "APPROVED" })).await["items"][0]["language"], "en_US");
    let two = mock.control("PUT", english, json!({ "status": "PAUSED", "language": "de" })).await;
    assert_eq!((two.status, two.body["pointer"].as_str()), (404, Some("/language")), "no template is in two");
    for (path, body, status, pointer) in [
        ("/templates/spring_sale/status", json!({ "status": "TIRED" }), 400, Some("/status")),
        ("/templates/spring_sale/status", json!({ "status": "APPROVED", "for": "1h" }), 422, Some("/for")),
        ("/templates/nothing/status", json!({ "status": "PAUSED" }), 404, None),
        ("/templates/spring_sale/quality", json!({ "quality": "BLUE" }), 400, Some("/quality")),
        ("/templates/spring_sale/pacing", json!({}), 400, Some("/after")),
    ] {
        let answer = mock.control("PUT", path, body).await;
        assert_eq!((answer.status, answer.body["pointer"].as_str()), (status, pointer), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_paced_template_holds_messages_until_it_is_decided() {
    for (verdict, status, code) in [("release", "read", Value::Null), ("drop", "failed", json!(132_015))] {
        let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
        let pacing = json!({ "after": 1, "decide": "1h", "verdict": verdict });
        mock.done("PUT", "/templates/spring_sale/pacing", pacing).await;
        let first = mock.send(&sale(TO, "Ana")).await;
        assert_eq!(first.body["messages"][0]["message_status"], "accepted");
        let held = mock.send(&sale("+14155550124", "Ben")).await;
        assert_eq!(held.body["messages"][0]["message_status"], "held_for_quality_assessment");
        mock.done("POST", "/clock/advance", json!({ "by": "59m" })).await;
        let statuses: Vec<Value> = mock.messages("").await.iter().map(|message| message["status"].clone()).collect();
        assert_eq!(statuses, ["read", "accepted"]);
        mock.done("POST", "/clock/advance", json!({ "by": "2m" })).await;
        let ended = mock.messages("").await.pop().unwrap();
        assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!(status), &code));
        let paused = mock.send(&sale(TO, "Cem")).await.status == 400;
        assert_eq!(paused, verdict == "drop", "who drops them pauses the template too");
    }
}

#[tokio::test]
async fn the_marketing_edge_takes_marketing_templates_only() {
    let mock = Mock::start().await;
    let path = format!("{}/marketing_messages", mock.number);
    let sent = mock.manage(Method::POST, &path, sale(TO, "Ana")).await;
    assert_eq!(sent.body["messages"][0]["message_status"], "accepted");
    assert_eq!(mock.manage(Method::POST, &path, template(TO, "hello_world", &[])).await.error().0, 134_100);
    assert_eq!(mock.manage(Method::POST, &path, text(TO, "x")).await.error().0, 131_055);
}

#[tokio::test]
async fn messages_of_the_marketing_edge_have_a_price_of_their_own() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::start("mock-verify-token").await;
    mock.done("PUT", "/webhook", json!({ "url": receiver.url, "version": "v23.0" })).await;
    for (edge, price) in [("marketing_messages", "marketing_lite"), ("messages", "marketing")] {
        mock.manage(Method::POST, &format!("{}/{edge}", mock.number), sale(TO, "Ana")).await.wamid();
        for _ in 0..3 {
            let webhook = receiver.next().await;
            let status = webhook.status();
            if status["status"] != "read" {
                assert_eq!(
                    (&status["pricing"]["category"], &status["pricing"]["type"]),
                    (&json!(price), &json!("regular"))
                );
                assert_eq!(status["conversation"]["origin"]["type"], price);
            }
        }
    }
}

#[tokio::test]
async fn categories_change_and_templates_of_codes_are_made_in_bulk() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    mock.done("PUT", "/templates/hello_world/category", json!({ "category": "MARKETING" })).await;
    let (field, value, _) = news(&mut receiver).await;
    assert_eq!(field, "template_category_update");
    assert_eq!((&value["previous_category"], &value["new_category"]), (&json!("UTILITY"), &json!("MARKETING")));
    assert_eq!(mock.templates("?name=hello_world").await.body["data"][0]["previous_category"], "UTILITY");
    let bulk = json!({ "name": "login", "languages": ["en_US", "de"], "category": "AUTHENTICATION",
                       "components": [{ "type": "BODY" }, { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE" }] }] });
    let path = format!("{}/upsert_message_templates", mock.whatsapp.waba_id());
    // As one client writes it: JSON in a text.
    let made = mock.manage(Method::POST, &path, Value::String(bulk.to_string())).await;
    let languages: Vec<&Value> = made.body["data"].as_array().unwrap().iter().map(|item| &item["language"]).collect();
    assert_eq!(languages, ["en_US", "de"]);
    assert_eq!(names(&mock.templates("?category=AUTHENTICATION").await), ["login", "login"]);
    let listed = mock.done("GET", "/templates", Value::Null).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn templates_are_put_away_and_compared() {
    let mock = Mock::start().await;
    let id_of = async |name: &str| {
        let listed = mock.templates(&format!("?name={name}")).await;
        listed.body["data"][0]["id"].as_str().unwrap().to_owned()
    };
    let (hello, sale_id) = (id_of("hello_world").await, id_of("spring_sale").await);
    for name in ["Ana", "Ben"] {
        mock.send(&sale(TO, name)).await.wamid();
    }
    let path = format!("{sale_id}/compare?template_ids={hello}&start=0&end=99999999999");
    let compared = mock.manage(Method::GET, &path, Value::Null).await.body;
    let sends = json!([{ "key": sale_id, "value": 2 }, { "key": hello, "value": 0 }]);
    assert_eq!(compared["data"][1]["number_values"], sends);
    let account = mock.whatsapp.waba_id().to_owned();
    let ids = json!({ "hsm_ids": format!("{sale_id},42") });
    let put_away = mock.manage(Method::POST, &format!("{account}/message_templates/archive"), ids.clone()).await.body;
    assert_eq!(put_away["archived_templates"], json!([sale_id]));
    assert!(put_away["failed_templates"]["42"].is_string());
    assert_eq!(mock.send(&sale(TO, "Ana")).await.error().0, 132_001);
    mock.manage(Method::POST, &format!("{account}/message_templates/unarchive"), ids).await;
    mock.send(&sale(TO, "Ana")).await.wamid();
}
