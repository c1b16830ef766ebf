//! Contacts: what their telephones do with a message, by kind and by number, and what they write.

use crate::client::{Mock, events, sale, text};
use crate::receiver::Receiver;
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use serde_json::{Value, json};

async fn ends(mock: &Mock, to: &str) -> (String, Vec<String>) {
    let messages = mock.settled("").await;
    let message = messages.iter().rfind(|message| message["to"] == to).unwrap();
    let status = message["status"].as_str().unwrap().to_owned();
    (status, events(message).into_iter().map(str::to_owned).collect())
}

#[tokio::test]
async fn each_kind_of_telephone_ends_a_message_its_own_way() {
    let mock = Mock::start().await;
    let items = json!({ "items": [
        { "wa_id": "491511000001", "kind": "plain" },
        { "wa_id": "491511000002", "kind": "not_on_whatsapp" },
        { "wa_id": "491511000003", "kind": "blocked" },
        { "wa_id": "491511000004", "kind": "receipts_off" },
        { "wa_id": "491511000005", "kind": "replies" },
        { "wa_id": "491511000006", "kind": "marketing_capped" },
        { "wa_id": 491_511_000_007_u64, "kind": "offline", "for": "400ms" },
        { "wa_id": "491511000008", "kind": "opts_out" },
    ] });
    assert_eq!(mock.done("PUT", "/handsets", items).await, json!({ "set": 8 }));
    for (to, status, wanted) in [
        ("491511000001", "read", &["accepted", "sent", "delivered", "read"][..]),
        ("491511000002", "failed", &["accepted", "failed"]),
        ("491511000003", "sent", &["accepted", "sent"]),
        ("491511000004", "delivered", &["accepted", "sent", "delivered"]),
        ("491511000005", "read", &["accepted", "sent", "delivered", "read", "replied"]),
        ("491511000006", "failed", &["accepted", "failed"]),
        ("491511000007", "read", &["accepted", "sent", "delivered", "read"]),
        ("491511000008", "read", &["accepted", "sent", "delivered", "read", "stopped"]),
    ] {
        mock.send(&sale(to, "Ana")).await.wamid();
        let (ended, events) = ends(&mock, to).await;
        assert_eq!(
            (ended.as_str(), events.iter().map(String::as_str).collect::<Vec<_>>()),
            (status, wanted.to_vec()),
            "{to}"
        );
    }
    let failed = mock.messages("?status=failed").await;
    assert_eq!(failed.iter().map(|message| &message["error"]["code"]).collect::<Vec<_>>(), [131_026, 131_049]);
    let shown = mock.done("GET", "/handsets/+491511000003", Value::Null).await;
    let wanted = json!({ "wa_id": "491511000003", "kind": "blocked", "messages": 1, "blocked": true, "online": true,
                         "opted_out": false, "reports": 0 });
    assert_eq!(shown, wanted);
}

#[tokio::test]
async fn a_cap_on_marketing_can_end() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let to = "491511000001";
    let capped = json!({ "kind": "marketing_capped", "for": "20h" });
    let shown = mock.done("PUT", &format!("/handsets/{to}"), capped).await;
    assert_eq!(
        (&shown["kind"], &shown["for"], &shown["online"]),
        (&json!("marketing_capped"), &json!("20h"), &json!(true))
    );
    mock.done("POST", &format!("/handsets/{to}/online"), Value::Null).await;
    let settled = async |status: &str| {
        mock.done("POST", "/clock/settle", json!({ "max": "1m", "quiet": "0s" })).await;
        assert_eq!(mock.messages("").await.pop().unwrap()["status"], status);
    };
    mock.send(&sale(to, "Ana")).await.wamid();
    settled("failed").await;
    assert_eq!(mock.messages("").await[0]["error"]["code"], 131_049);
    mock.send(&text(to, "no marketing")).await.wamid();
    settled("read").await;
    mock.done("POST", "/clock/advance", json!({ "by": "19h58m" })).await;
    mock.send(&sale(to, "Ana")).await.wamid();
    settled("failed").await;
    mock.done("POST", "/clock/advance", json!({ "by": "2m" })).await;
    mock.send(&sale(to, "Ana")).await.wamid();
    settled("read").await;
    let (_, exported) = mock.exchange(Method::GET, "/_mock/export", &[], Vec::new()).await.unwrap();
    let file: toml::Table = String::from_utf8(exported.to_vec()).unwrap().parse().unwrap();
    let group = &file["contacts"][0];
    assert_eq!((group["kind"].as_str(), group["for"].as_str()), (Some("marketing_capped"), Some("20h")));
    let wrong = mock.control("PUT", &format!("/handsets/{to}"), json!({ "kind": "blocked", "for": "1h" })).await;
    assert_eq!((wrong.status, wrong.body["pointer"].as_str()), (422, Some("/for")));
}

#[tokio::test]
async fn the_canonical_number_can_be_another() {
    let mock = Mock::start().await;
    mock.done("PUT", "/handsets/5511987654321", json!({ "kind": "other_wa_id" })).await;
    let answer = mock.send(&text("+5511987654321", "x")).await;
    assert_eq!(answer.body["contacts"][0], json!({ "input": "+5511987654321", "wa_id": "551187654321" }));
}

#[tokio::test]
async fn a_contact_answers_the_message_that_it_got() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    let given = json!({ "reply": { "text": "Ja, gerne ✓", "after": "1ms" } });
    mock.done("PUT", "/handsets/491511000001", given).await;
    let wamid = mock.send(&sale("491511000001", "Ana")).await.wamid();
    mock.settled("").await;
    let mut answers = Vec::new();
    while let Some(webhook) = receiver.ready() {
        if webhook.kind() == "text" {
            answers.push(webhook);
        }
    }
    assert_eq!(answers.len(), 1);
    let message = answers[0].message();
    assert_eq!(message["text"]["body"], "Ja, gerne ✓");
    assert_eq!(message["context"], json!({ "from": "15557650001", "id": wamid }));
    let contact = &answers[0].body["entry"][0]["changes"][0]["value"]["contacts"][0];
    assert_eq!(contact["wa_id"], "491511000001");
}

#[tokio::test]
async fn numbers_with_a_meaning_do_what_they_mean() {
    let mock = Mock::start().await;
    for (ending, status) in [
        ("0200", "read"),
        ("0410", "delivered"),
        ("0403", "sent"),
        ("0404", "failed"),
        ("0201", "read"),
        ("1047", "failed"),
    ] {
        mock.send(&sale(&format!("+1212555{ending}"), "Ana")).await.wamid();
        assert_eq!(ends(&mock, &format!("1212555{ending}")).await.0, status, "{ending}");
    }
    let once = text("+12125550429", "x");
    let refused = mock.send(&once).await;
    assert_eq!(refused.error().0, 130_429);
    assert!(refused.header("x-mock-why").contains("magic_numbers"), "{refused:?}");
    mock.send(&once).await.wamid();
    let third = text("+12125550500", "x");
    let codes = [mock.send(&third).await.error().0, mock.send(&third).await.error().0];
    assert_eq!(codes, [131_000, 131_000]);
    mock.send(&third).await.wamid();
    assert_eq!(mock.send(&text("+12125552016", "x")).await.error().0, 132_016);
    let silent = text("+12125550408", "x");
    let taken = async {
        while mock.messages("?to=12125550408").await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        answered = mock.try_send(&silent) => panic!("an answer came: {answered:?}"),
        () = taken => {}
    }
    mock.done("PUT", "/handsets/12125552016", json!({ "kind": "plain" })).await;
    mock.send(&text("+12125552016", "x")).await.wamid();
}

#[tokio::test]
async fn numbers_mean_nothing_where_that_is_switched_off() {
    let mock = Mock::of(MockWhatsApp::builder().magic_numbers(false)).await;
    mock.send(&text("+12125550404", "x")).await.wamid();
    assert_eq!(ends(&mock, "12125550404").await.0, "read");
}

#[tokio::test]
async fn an_opt_out_is_a_button_and_ends_marketing() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    let mut message = sale("+12125550451", "Ana");
    let button = json!({ "type": "button", "sub_type": "quick_reply", "index": "0",
                         "parameters": [{ "type": "payload", "payload": "STOP_PROMO" }] });
    message["template"]["components"].as_array_mut().unwrap().push(button);
    let wamid = mock.send(&message).await.wamid();
    assert_eq!(receiver.kinds(3).await, ["sent", "delivered", "read"]);
    let stop = receiver.next().await;
    assert_eq!(stop.message()["button"], json!({ "payload": "STOP_PROMO", "text": "STOP" }));
    assert_eq!(stop.message()["context"]["id"], json!(wamid));
    // Without which WhatsApp would go on to deliver: a button is between the contact and the business.
    let told = &receiver.next().await.body["entry"][0]["changes"][0];
    assert_eq!(
        (&told["field"], &told["value"]["user_preferences"][0]["value"]),
        (&json!("user_preferences"), &json!("stop"))
    );
    assert_eq!(told["value"]["user_preferences"][0]["wa_id"], "12125550451");
    mock.send(&sale("+12125550451", "Ben")).await.wamid();
    let failed = receiver.next().await;
    assert_eq!((failed.kind(), &failed.status()["errors"][0]["code"]), ("failed", &json!(131_050)));
}

#[tokio::test]
async fn words_alone_end_nothing_for_whatsapp() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    mock.done("POST", "/handsets/491511000001/messages", json!({ "type": "text", "text": "STOP" })).await;
    assert_eq!(receiver.next().await.message()["text"]["body"], "STOP");
    mock.send(&sale("491511000001", "Ana")).await.wamid();
    assert_eq!(
        receiver.kinds(3).await,
        ["sent", "delivered", "read"],
        "whom to leave in peace is the business's to know"
    );
}

#[tokio::test]
async fn contacts_write_and_press_buttons_by_hand() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    let said = mock.done("POST", "/handsets/491511000001/messages", json!({ "type": "text", "text": "hi" })).await;
    let hi = receiver.next().await;
    assert_eq!((&hi.message()["id"], &hi.message()["text"]["body"]), (&said["wamid"], &json!("hi")));
    assert!(hi.message().get("context").is_none());
    let press = json!({ "type": "button", "button": "Stop" });
    let nothing = mock.control("POST", "/handsets/491511000001/messages", press.clone()).await;
    assert_eq!((nothing.status, &nothing.body["pointer"]), (409, &json!("/button")));
    let wamid = mock.send(&sale("491511000001", "Ana")).await.wamid();
    assert_eq!(receiver.kinds(3).await, ["sent", "delivered", "read"]);
    mock.done("POST", "/handsets/491511000001/messages", press).await;
    let pressed = receiver.next().await;
    assert_eq!(pressed.message()["button"], json!({ "payload": "STOP", "text": "STOP" }));
    assert_eq!(pressed.message()["context"]["id"], json!(wamid));
    let quoting = json!({ "type": "text", "text": "yes", "reply_to": wamid });
    mock.done("POST", "/handsets/491511000001/messages", quoting).await;
    assert_eq!(receiver.next().await.message()["context"]["id"], json!(wamid));
    let read = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": said["wamid"] });
    assert_eq!(mock.send(&read).await.body, json!({ "success": true }));
    let ours = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": wamid });
    assert_eq!(mock.send(&ours).await.error().0, 131_009);
}

#[tokio::test]
async fn copies_on_a_telephone_are_counted_by_what_they_say() {
    let mock = Mock::start().await;
    for name in ["Ana", "Ana", "Ben"] {
        mock.send(&sale("491511000001", name)).await.wamid();
    }
    let messages = mock.settled("").await;
    let copies: Vec<_> = messages.iter().map(|message| &message["copies_on_handset"]).collect();
    assert_eq!(copies, [2, 2, 1]);
}

#[tokio::test]
async fn an_answer_is_as_long_as_a_message_can_be() {
    let mock = Mock::start().await;
    let reply = |length: usize| json!({ "reply": { "text": "é".repeat(length) } });
    let longest = mock.done("PUT", "/handsets/491511000001", reply(4_096)).await;
    assert_eq!(longest, mock.done("GET", "/handsets/491511000001", Value::Null).await);
    for length in [0, 4_097, 100_000] {
        let refused = mock.control("PUT", "/handsets/491511000001", reply(length)).await;
        assert_eq!((refused.status, &refused.body["pointer"]), (400, &json!("/reply/text")), "{length}: {refused:?}");
    }
}
