//! What people and contacts decide while campaigns run, against the mock WhatsApp: pauses, cancellations, opt-outs, replies.
#![expect(clippy::unwrap_used, reason = "a test stops where its surroundings fail")]

mod running;

use campaign_engine::import::{Ask, Given};
use campaign_engine::store::Campaign;
use engine_core::engine::CampaignStatus;
use engine_core::message::State;
use engine_core::time::Span;
use mock_whatsapp::MockWhatsApp;
use running::{Running, http, settings, webhook_of};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;

/// How long something may take that must happen.
const SOON: Duration = Duration::from_secs(60);

struct Setup {
    folder: TempDir,
    mock: MockWhatsApp,
    running: Option<Running>,
    more: Vec<(&'static str, &'static str)>,
}

impl Setup {
    async fn new(more: &[(&'static str, &'static str)]) -> Self {
        let mock = MockWhatsApp::builder().throughput(1_000).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut setup = Self { folder, mock, running: None, more: more.to_vec() };
        setup.restart().await;
        setup
    }

    /// Kills the engine, if there is one, and starts another on its store.
    async fn restart(&mut self) {
        self.running = None;
        let settings = settings(self.mock.base_url(), &self.more);
        self.running = Some(Running::ready(&self.folder.path().join("store.db"), settings).await);
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// A campaign to numbers from +14155560000 + `first` on.
    async fn send(&self, name: &str, contacts: std::ops::Range<u32>, after: Span) -> Campaign {
        let contacts = contacts.map(|nth| (format!("+1415556{nth:04}"), vec!["Ana".to_owned()])).collect();
        let ask = Ask {
            name: name.into(),
            template: "spring_sale".into(),
            language: "en_US".into(),
            phone_number_id: running::NUMBER.into(),
            start: self.running().handle.clock().now() + after,
            priority: 0,
            quiet: None,
            contacts: Given::Inline(contacts),
        };
        self.running().handle.create(ask).await.unwrap()
    }

    async fn look(&self, campaign: &Campaign) -> CampaignStatus {
        self.running().handle.look().await.unwrap().status.campaigns[usize::from(campaign.id.0)]
    }

    async fn wait(&self, campaign: &Campaign, what: &str, is: impl Fn(&CampaignStatus) -> bool) -> CampaignStatus {
        let reached = async {
            loop {
                let status = self.look(campaign).await;
                if is(&status) {
                    return status;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, reached).await.unwrap_or_else(|_| panic!("never {what}"))
    }

    async fn wait_for(&self, campaign: &Campaign, state: State, count: u32) -> CampaignStatus {
        let what = format!("{count} {}", state.name());
        self.wait(campaign, &what, |status| status.counts.of(state) == count).await
    }

    async fn call(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (status, body) = self.running().http(method, path, &[], body.as_bytes()).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// Messages that a number got, as the mock counts them.
    async fn got(&self, contact: u32) -> usize {
        let to = format!("1415556{contact:04}");
        self.mock.messages().await.unwrap().into_iter().filter(|message| message.to == to).count()
    }

    async fn handset(&self, contact: u32, like: Value) {
        let address: SocketAddr = self.mock.base_url().trim_start_matches("http://").parse().unwrap();
        let path = format!("/_mock/handsets/1415556{contact:04}");
        let (status, said) = http(address, "PUT", &path, &[], like.to_string().as_bytes()).await;
        assert_eq!(status, 200, "{said}");
    }
}

/// Whether nothing of it is on its way: the rest waits.
fn is_still(status: &CampaignStatus) -> bool {
    status.counts.of(State::Sending) + status.counts.of(State::Sent) + status.counts.of(State::Delivered) == 0
}

#[tokio::test]
async fn a_paused_campaign_sends_nothing_across_a_restart_until_it_is_resumed() {
    let mut setup = Setup::new(&[("CAMPAIGN_ENGINE_THROUGHPUT", "60")]).await;
    let sale = setup.send("sale", 0..200, Span::ZERO).await;
    setup.wait(&sale, "a tenth", |status| status.counts.of(State::Read) >= 20).await;
    let (status, view) = setup.call("POST", "/v1/campaigns/sale/pause", "").await;
    assert_eq!((status, &view["paused"]), (200, &json!(true)), "{view}");
    let before = setup.wait(&sale, "still", is_still).await.counts;
    assert!(before.of(State::Queued) > 0, "{before:?}");
    // What the same sender sends meanwhile shows that time went by.
    let other = setup.send("other", 200..220, Span::ZERO).await;
    setup.wait_for(&other, State::Read, 20).await;
    assert_eq!(setup.look(&sale).await.counts, before);

    setup.restart().await;
    let third = setup.send("third", 220..240, Span::ZERO).await;
    setup.wait_for(&third, State::Read, 20).await;
    let status = setup.look(&sale).await;
    assert!(status.paused && status.counts == before, "{status:?}");

    let (status, view) = setup.call("POST", "/v1/campaigns/sale/resume", "").await;
    assert_eq!((status, &view["paused"]), (200, &json!(false)), "{view}");
    setup.wait_for(&sale, State::Read, 200).await;
    assert_eq!(setup.mock.messages().await.unwrap().len(), 240, "and nobody got two");
}

#[tokio::test]
async fn a_cancelled_campaign_ends_what_waits_and_follows_what_is_in_flight() {
    let mut setup = Setup::new(&[("CAMPAIGN_ENGINE_THROUGHPUT", "20")]).await;
    let sale = setup.send("sale", 0..200, Span::ZERO).await;
    let later = setup.send("later", 0..5, Span::hours(1)).await;
    setup.wait(&sale, "a tenth", |status| status.counts.of(State::Read) >= 20).await;
    let (status, view) = setup.call("POST", "/v1/campaigns/sale/cancel", "").await;
    assert_eq!((status, &view["cancelled"]), (200, &json!(true)), "{view}");
    let ended = setup.wait(&sale, "ended", |status| status.counts.in_progress() == 0 && is_still(status)).await;
    let (read, failed) = (ended.counts.of(State::Read), ended.counts.of(State::Failed));
    assert!(failed > 0 && read + failed == 200, "{ended:?}");
    let copies = setup.mock.messages().await.unwrap().len();
    assert_eq!(copies, read as usize, "each that was in flight is accounted for");
    let (_, page) = setup.call("GET", "/v1/campaigns/sale/messages", "").await;
    let reasons = page["items"].as_array().unwrap().iter().filter(|item| item["state"] == "Failed");
    assert!(reasons.clone().count() > 0 && reasons.clone().all(|item| item["reason"] == "cancelled"));
    assert_eq!(setup.call("POST", "/v1/campaigns/sale/resume", "").await.0, 409, "for good");

    // Before its start too, and the next engine knows.
    setup.running().handle.cancel(later.id).await.unwrap();
    setup.restart().await;
    setup.wait_for(&later, State::Failed, 5).await;
    assert!(setup.look(&later).await.cancelled);
    assert_eq!(setup.look(&sale).await.counts, ended.counts);
}

#[tokio::test]
async fn whoever_presses_stop_gets_nothing_more_of_any_campaign() {
    let setup = Setup::new(&[]).await;
    setup.handset(1, json!({"kind": "opts_out"})).await;
    let later = setup.send("later", 0..3, Span::hours(1)).await;
    let sale = setup.send("sale", 0..3, Span::ZERO).await;
    setup.wait_for(&sale, State::Responded, 1).await;
    setup.wait_for(&later, State::BlockedOrSpam, 1).await;
    let (_, list) = setup.call("GET", "/v1/suppressions", "").await;
    assert_eq!(list["items"][0]["phone"], json!("+14155560001"));
    // WhatsApp tells of both, in any order.
    let why = &list["items"][0]["why"];
    assert!(why == "button" || why == "user_preferences", "{why}");

    let next = setup.send("next", 0..3, Span::ZERO).await;
    let counts = setup.wait_for(&next, State::Read, 2).await.counts;
    assert_eq!(counts.of(State::BlockedOrSpam), 1);
    assert_eq!((setup.got(0).await, setup.got(1).await), (2, 1));
    let (_, page) = setup.call("GET", "/v1/campaigns/next/messages", "").await;
    assert_eq!(page["items"][1]["reason"], "opted_out");

    assert_eq!(setup.call("DELETE", "/v1/suppressions/+14155560001", "").await.0, 204);
    assert_eq!(setup.call("DELETE", "/v1/suppressions/+14155560001", "").await.0, 404);
    let last = setup.send("last", 1..2, Span::hours(1)).await;
    assert_eq!(setup.look(&last).await.counts.of(State::Queued), 1);
}

#[tokio::test]
async fn the_word_the_preference_and_the_operator_suppress_too_and_a_resume_lifts_it() {
    let setup = Setup::new(&[("CAMPAIGN_ENGINE_OPT_OUT_WORDS", "Basta, STOP")]).await;
    let later = setup.send("later", 0..9, Span::hours(1)).await;
    let said = |contact: u32, text: &str| {
        let message = json!({"from": format!("1415556{contact:04}"), "id": format!("wamid.in{contact}"),
                             "timestamp": "1767261601", "type": "text", "text": {"body": text}});
        webhook_of("messages", &json!({"messages": [message]}))
    };
    let prefers = |contact: u32, value: &str, at: u64| {
        let preference = json!({"wa_id": format!("1415556{contact:04}"), "category": "marketing_messages",
                                "value": value, "timestamp": at});
        webhook_of("user_preferences", &json!({"user_preferences": [preference]}))
    };
    // When a webhook is answered 200, nothing more is sent.
    let blocked = async || setup.look(&later).await.counts.of(State::BlockedOrSpam);
    for (body, expected) in [
        (said(0, "stop sending so few"), 0),
        (said(1, " basta\n"), 1),
        (said(1, " basta\n"), 1),
        (said(2, "Stop"), 2),
        (prefers(3, "stop", 1_767_261_601), 3),
    ] {
        assert_eq!(setup.running().webhook(&body).await.0, 200);
        assert_eq!(blocked().await, expected, "{body}");
    }
    let suppress = json!({"phone": "+1 415 556 0004"}).to_string();
    let (status, view) = setup.call("POST", "/v1/suppressions", &suppress).await;
    assert_eq!((status, &view["phone"], blocked().await), (201, &json!("+14155560004"), 4));
    assert_eq!(setup.call("POST", "/v1/suppressions", r#"{"phone": "nobody"}"#).await.0, 400);

    let (_, first) = setup.call("GET", "/v1/suppressions?limit=3", "").await;
    let (_, rest) = setup.call("GET", &format!("/v1/suppressions?after={}", first["next"]), "").await;
    let pages = [first["items"].as_array().unwrap().as_slice(), rest["items"].as_array().unwrap()].concat();
    let whys: Vec<_> = pages.iter().map(|item| item["why"].as_str().unwrap()).collect();
    assert_eq!((whys, &rest["next"]), (vec!["word", "word", "user_preferences", "operator"], &Value::Null));

    assert_eq!(setup.running().webhook(&prefers(3, "resume", 1_767_261_700)).await.0, 200);
    let next = setup.send("next", 0..9, Span::hours(1)).await;
    assert_eq!((blocked().await, setup.look(&next).await.counts.of(State::BlockedOrSpam)), (4, 3));
}

#[tokio::test]
async fn a_reply_without_context_answers_the_last_message_and_one_to_a_foreign_message_none() {
    let setup = Setup::new(&[]).await;
    let one = setup.send("one", 0..1, Span::ZERO).await;
    setup.wait_for(&one, State::Read, 1).await;
    let two = setup.send("two", 0..1, Span::ZERO).await;
    setup.wait_for(&two, State::Read, 1).await;
    let now = setup.running().handle.clock().now().unix_seconds() + 1;
    let says = |context: Option<&str>| {
        let mut message = json!({"from": "14155560000", "id": "wamid.in", "timestamp": now.to_string(),
                                 "type": "text", "text": {"body": "Hello"}});
        if let Some(id) = context {
            message["context"] = json!({"from": "15557654321", "id": id});
        }
        webhook_of("messages", &json!({"messages": [message]}))
    };
    assert_eq!(setup.running().webhook(&says(Some("wamid.foreign"))).await.0, 200);
    let responded = async |campaign| setup.look(campaign).await.counts.of(State::Responded);
    assert_eq!((responded(&one).await, responded(&two).await), (0, 0));
    assert_eq!(setup.running().webhook(&says(None)).await.0, 200);
    setup.wait_for(&two, State::Responded, 1).await;
    assert_eq!(responded(&one).await, 0);
}

#[tokio::test]
async fn the_messaging_limit_holds_new_contacts_back_and_is_remembered() {
    let mut setup = Setup::new(&[("CAMPAIGN_ENGINE_MESSAGING_LIMIT", "10")]).await;
    let sale = setup.send("sale", 0..15, Span::ZERO).await;
    setup.wait_for(&sale, State::Read, 10).await;
    setup.restart().await;
    // Those who count already may get another one: so time goes by, and nobody new gets in.
    let again = setup.send("again", 0..10, Span::ZERO).await;
    setup.wait_for(&again, State::Read, 10).await;
    assert_eq!(setup.look(&sale).await.counts.of(State::Queued), 5);
    let (_, senders) = setup.call("GET", "/v1/senders", "").await;
    assert_eq!((&senders[0]["messaging_limit"], &senders[0]["messaging_limit_used"]), (&json!(10), &json!(10)));
}

#[tokio::test]
async fn what_operators_ask_for_and_is_not_there_is_said() {
    let setup = Setup::new(&[]).await;
    for (method, path, status) in [
        ("POST", "/v1/campaigns/none/pause", 404),
        ("POST", "/v1/campaigns/none/cancel", 404),
        ("GET", "/v1/campaigns/none/outcome-unknown", 404),
        ("POST", "/v1/senders/none/resume", 404),
        ("GET", "/v1/campaigns/none/pause", 405),
        ("PUT", "/v1/suppressions", 405),
        ("GET", "/v1/suppressions?limit=0", 400),
        ("DELETE", "/v1/suppressions/nobody", 400),
    ] {
        assert_eq!(setup.call(method, path, "").await.0, status, "{method} {path}");
    }
}
