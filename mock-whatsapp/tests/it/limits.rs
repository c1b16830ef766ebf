//! WhatsApp's limits: pairs, and the contacts of a portfolio in 24 hours.

use crate::client::{Mock, sale, text};
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use mock_whatsapp::config::Rules;
use serde_json::{Value, json};

fn contact(place: u32) -> String {
    format!("49151110{place:05}")
}

async fn advance(mock: &Mock, by: &str) {
    mock.done("POST", "/clock/advance", json!({ "by": by })).await;
}

#[tokio::test]
async fn the_46th_message_to_a_contact_at_once_is_131056() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let message = text(&contact(0), "x");
    for _ in 0..45 {
        mock.send(&message).await.wamid();
    }
    let refused = mock.send(&message).await;
    assert_eq!((refused.status, refused.error().0), (400, 131_056));
    assert_eq!(refused.error().2, "(#131056) (Business Account, Consumer Account) pair rate limit hit");
    assert!(refused.header("x-mock-why").contains("45 messages to 4915111000000 at once"), "{refused:?}");
    mock.send(&text(&contact(1), "x")).await.wamid();
    advance(&mock, "5999ms").await;
    assert_eq!(mock.send(&message).await.error().0, 131_056);
    advance(&mock, "1ms").await;
    mock.send(&message).await.wamid();
    assert_eq!(mock.send(&message).await.error().0, 131_056);
    mock.done("POST", "/reset", Value::Null).await;
    mock.send(&message).await.wamid();
}

#[tokio::test]
async fn a_rule_can_be_switched_off() {
    let rules = Rules { throughput: false, pair: false, window: false, ..Rules::default() };
    let mock = Mock::of(MockWhatsApp::builder().throughput(1).rules(rules)).await;
    for _ in 0..50 {
        mock.send(&text(&contact(0), "x")).await.wamid();
    }
}

#[tokio::test]
async fn above_the_messaging_limit_a_new_contact_is_131048() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen).messaging_limit(2)).await;
    for place in [0, 1, 0] {
        mock.send(&sale(&contact(place), "Ana")).await.wamid();
    }
    let refused = mock.send(&sale(&contact(2), "Ana")).await;
    assert_eq!((refused.status, refused.error().0), (400, 131_048));
    let why = refused.header("x-mock-why");
    assert!(why.contains("2 contacts") && why.contains("`messaging_limit`") && why.contains("tier"), "{why}");
    let hi = json!({ "type": "text", "text": "hi" });
    mock.done("POST", &format!("/handsets/{}/messages", contact(3)), hi).await;
    mock.send(&text(&contact(3), "an answer counts nothing")).await.wamid();
    assert_eq!(mock.messages("").await.len(), 4);
    advance(&mock, "24h").await;
    mock.send(&sale(&contact(2), "Ana")).await.wamid();
    mock.send(&sale(&contact(3), "Ana")).await.wamid();
    assert_eq!(mock.send(&sale(&contact(4), "Ana")).await.error().0, 131_048);
}

#[tokio::test]
async fn a_tier_raises_and_lowers_the_messaging_limit_for_a_while() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen).messaging_limit(1)).await;
    mock.send(&sale(&contact(0), "Ana")).await.wamid();
    assert_eq!(mock.send(&sale(&contact(1), "Ana")).await.error().0, 131_048);
    let raised = json!({ "kind": "tier", "messaging_limit": 3, "until": "1h", "sender": mock.number });
    mock.done("POST", "/faults", raised).await;
    mock.send(&sale(&contact(1), "Ana")).await.wamid();
    mock.send(&sale(&contact(2), "Ana")).await.wamid();
    assert_eq!(mock.send(&sale(&contact(3), "Ana")).await.error().0, 131_048);
    advance(&mock, "1h").await;
    let lowered = mock.send(&sale(&contact(3), "Ana")).await;
    assert!(lowered.header("x-mock-why").contains("1 contacts"), "{lowered:?}");
    mock.send(&sale(&contact(2), "who counts already")).await.wamid();
    mock.done("POST", "/faults", json!({ "kind": "tier", "messaging_limit": "unlimited" })).await;
    mock.send(&sale(&contact(3), "Ana")).await.wamid();
}

#[tokio::test]
async fn a_limit_that_comes_later_counts_the_contacts_of_before() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    for place in 0..3 {
        mock.send(&sale(&contact(place), "Ana")).await.wamid();
    }
    mock.done("POST", "/faults", json!({ "kind": "tier", "messaging_limit": 3 })).await;
    assert_eq!(mock.send(&sale(&contact(3), "Ana")).await.error().0, 131_048);
}
