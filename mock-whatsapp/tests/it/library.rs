//! The library: what a test in Rust can do without HTTP, on any executor, for as long as the mock lives.

use crate::client::{Mock, text};
use crate::receiver::Receiver;
use mock_whatsapp::clock::Pace;
use mock_whatsapp::{Builder, Error, MockWhatsApp, Verify};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_tenant_has_its_own_ids_messages_and_time() {
    let mut mock = Mock::start().await;
    let worker = mock.whatsapp.tenant("w1").unwrap();
    assert_eq!((worker.name(), worker.token()), ("w1", "mock-token-w1"));
    assert_ne!(worker.phone_number_id(), mock.whatsapp.phone_number_id());
    worker.clock().freeze().await.unwrap();
    (mock.token, mock.number) = (worker.token().to_owned(), worker.phone_number_id().to_owned());
    let wamid = mock.send(&text("+4915112345678", "hello")).await.wamid();
    assert_eq!(worker.messages().await.unwrap()[0].wamid, wamid);
    assert!(mock.whatsapp.messages().await.unwrap().is_empty());
    let settled = worker.clock().settle(Duration::from_secs(3_600)).await.unwrap();
    assert!(settled.settled && settled.fired.statuses == 3, "{settled:?}");
    worker.reset().await.unwrap();
    assert!(worker.messages().await.unwrap().is_empty());
    assert!(matches!(mock.whatsapp.tenant("a b"), Err(Error::Name(name)) if name == "a b"));
}

#[tokio::test]
async fn twelve_hours_pass_at_once() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let handset = mock.whatsapp.handset("+4915112345678");
    handset.behave(json!({ "kind": "offline", "for": "12h" })).await.unwrap();
    mock.send(&text("+4915112345678", "hello")).await.wamid();
    let clock = mock.whatsapp.clock();
    clock.advance(Duration::from_secs(11 * 3_600)).await.unwrap();
    assert_eq!(mock.messages("").await[0]["status"], "sent");
    clock.advance(Duration::from_secs(2 * 3_600)).await.unwrap();
    assert_eq!(mock.messages("").await[0]["status"], "read");
}

#[tokio::test]
async fn a_contact_writes_and_the_webhook_is_signed() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::of(&mock).await;
    let wamid = mock.whatsapp.handset(4915112345678u64).says("hi").await.unwrap();
    let webhook = receiver.next().await;
    assert_eq!(
        (webhook.message()["id"].as_str(), webhook.message()["text"]["body"].as_str()),
        (Some(&*wamid), Some("hi"))
    );
    assert!(webhook.is_signed_with(mock.whatsapp.app_secret()));
}

#[tokio::test]
async fn a_fault_lasts_until_it_is_disarmed() {
    let mock = Mock::start().await;
    let fault = mock.whatsapp.fault(json!({ "kind": "error", "code": 131000 })).await.unwrap();
    assert_eq!(mock.send(&text("+4915112345678", "hello")).await.error().0, 131_000);
    fault.disarm().await.unwrap();
    mock.send(&text("+4915112345678", "hello")).await.wamid();
    let refused = mock.whatsapp.fault(json!({ "kind": "nonsense" })).await.unwrap_err();
    assert!(matches!(&refused, Error::Refused(problem) if problem.status == 400), "{refused}");
}

#[test]
fn it_outlives_the_runtime_that_started_it() {
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let whatsapp = run().block_on(MockWhatsApp::start()).unwrap();
    let health: Value = run().block_on(whatsapp.control("GET", "/health", ())).unwrap();
    assert_eq!(health["status"], "ok");
    let tenant = whatsapp.tenant("w1").unwrap();
    drop(whatsapp);
    assert!(matches!(run().block_on(tenant.messages()), Err(Error::Closed)));
}

#[tokio::test]
async fn expectations_are_a_tenants_own_and_wait() {
    let mut mock = Mock::start().await;
    let worker = mock.whatsapp.tenant("w1").unwrap();
    (mock.token, mock.number) = (worker.token().to_owned(), worker.phone_number_id().to_owned());
    let wait = Verify::to("+4915112345678").count(1).within(Duration::from_secs(20));
    let message = text("+4915112345678", "hello");
    let (verified, sent) = tokio::join!(worker.verify(wait.clone()), mock.send(&message));
    assert_eq!(sent.status, 200);
    assert!(verified.unwrap().pass);
    assert!(!mock.whatsapp.verify(wait.within(Duration::ZERO)).await.unwrap().pass, "another tenant saw nothing");
    assert_eq!(worker.referee().await.unwrap().sends, 1);
}

#[tokio::test]
async fn a_guilty_sender_fails_the_test_at_the_end_if_that_was_asked_for() {
    let guilty = |builder: Builder| async move {
        let mock = Mock::of(builder).await;
        let mut message = text("+4915112345678", "hello");
        message["biz_opaque_callback_data"] = "order-1".into();
        for _ in 0..2 {
            mock.send(&message).await.wamid();
        }
        mock
    };
    let mock = guilty(MockWhatsApp::builder()).await;
    assert!(!mock.whatsapp.referee().await.unwrap().is_clean());
    drop(mock);
    let mock = guilty(MockWhatsApp::builder().verify_on_drop()).await;
    let dropped = tokio::task::spawn_blocking(|| drop(mock)).await.unwrap_err().into_panic();
    let word = dropped.downcast_ref::<String>().unwrap();
    assert!(word.contains("guilty after 2 sends") && word.contains("duplicate, 1 times"), "{word}");
}
