//! The whole engine against the mock WhatsApp, on real sockets and a real file, with a crash in the middle too.
#![expect(clippy::unwrap_used, reason = "a test stops where its surroundings fail")]

mod running;

use campaign_engine::import::{Ask, Given};
use engine_core::campaign::State as CampaignState;
use engine_core::message::State;
use mock_whatsapp::MockWhatsApp;
use running::{Running, list, settings};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;

/// How long a run may take; it takes about a second.
const SOON: Duration = Duration::from_secs(60);

async fn mock() -> MockWhatsApp {
    MockWhatsApp::builder().throughput(1_000).start().await.unwrap()
}

async fn ask(running: &Running, folder: &Path, size: u32) -> Ask {
    let path = folder.join("list.csv");
    std::fs::write(&path, list(size)).unwrap();
    Ask {
        name: "sale".into(),
        template: "spring_sale".into(),
        language: "en_US".into(),
        phone_number_id: running::NUMBER.into(),
        start: running.handle.clock().now(),
        priority: 0,
        quiet: None,
        contacts: Given::File(path),
    }
}

/// Copies that each handset got, as the mock counts them.
async fn copies(mock: &MockWhatsApp) -> BTreeMap<String, u32> {
    let mut copies = BTreeMap::new();
    for message in mock.messages().await.unwrap() {
        *copies.entry(message.to).or_default() += 1;
    }
    copies
}

#[tokio::test]
async fn two_hundred_contacts_each_get_one_message_and_every_row_is_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    let mock = mock().await;
    let running = Running::ready(&folder.path().join("store.db"), settings(mock.base_url(), &[])).await;
    let campaign = running.handle.create(ask(&running, folder.path(), 200).await).await.unwrap();
    let read = async {
        loop {
            let status = running.handle.look().await.unwrap().status.campaigns[0];
            if status.counts.of(State::Read) == 200 {
                return status;
            }
            tokio::task::yield_now().await;
        }
    };
    let status = timeout(SOON, read).await.unwrap();
    assert_eq!((status.state, status.settled), (CampaignState::Completed, true));
    assert_eq!(running.handle.recount(campaign).await.unwrap(), status.counts);
    let copies = copies(&mock).await;
    assert_eq!(copies.len(), 200);
    assert!(copies.values().all(|count| *count == 1), "{copies:?}");
    let judgement = mock.referee().await.unwrap();
    assert!(judgement.is_clean(), "{judgement:?}");
}

#[test]
fn a_crash_in_the_middle_loses_nothing_and_sends_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outside = runtime();
    let mock = outside.block_on(mock());
    // Slow, since a crash leaves a quarter of a second of pace with an unknown outcome, and it crashes three times.
    let settings = || settings(mock.base_url(), &[("CAMPAIGN_ENGINE_THROUGHPUT", "100")]);
    for life in 1..=3 {
        let inside = runtime();
        inside.block_on(async {
            let running = Running::ready(&store, settings()).await;
            if life == 1 {
                running.handle.create(ask(&running, folder.path(), 200).await).await.unwrap();
            }
            let enough = async {
                while mock.messages().await.unwrap().len() < life * 40 {
                    tokio::task::yield_now().await;
                }
            };
            timeout(SOON, enough).await.unwrap();
            std::mem::forget(running);
        });
        // Everything that was under way is gone, as with kill -9.
        drop(inside);
    }
    outside.block_on(async {
        let running = Running::ready(&store, settings()).await;
        let settled = async {
            loop {
                let counts = running.handle.look().await.unwrap().status.campaigns[0].counts;
                let copies = mock.messages().await.unwrap().len() as u32;
                // What a crash caught in flight is followed until the evidence comes, or the wait for it is over.
                let told = counts.of(State::Read) == copies;
                if counts.of(State::Queued) + counts.of(State::Retrying) == 0 && told {
                    return counts;
                }
                tokio::task::yield_now().await;
            }
        };
        let counts = timeout(SOON, settled).await.unwrap();
        assert_eq!(counts.of(State::Read) + counts.of(State::Sending), 200, "{counts:?}");
        let copies = copies(&mock).await;
        assert!(copies.values().all(|count| *count == 1), "{copies:?}");
        assert_eq!(copies.len() as u32, counts.of(State::Read), "who got nothing waits, and is not forgotten");
        let campaign = running.handle.look().await.unwrap().campaigns[0].as_ref().clone();
        assert_eq!(running.handle.recount(campaign).await.unwrap(), counts);
        let judgement = mock.referee().await.unwrap();
        assert!(judgement.is_clean(), "{judgement:?}");
    });
}
