//! Those who carry webhooks: tasks that each keep a connection to a receiver from one webhook to the next, for a while. A task for each
//! webhook would be made, moved and thrown away three times for every message.

use super::Epoch;
use super::dispatch::Outside;
use crate::limits::COURIER_IDLE;
use crate::target::{Answer, Failure, Target, exchange};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use mock_whatsapp_model::input::DeliveryId;
use mock_whatsapp_model::output::Update;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// One who waits for a webhook to carry. Dropped, it goes, and its connection with it.
#[derive(Debug)]
pub(super) struct Courier {
    /// To whom it carries.
    pub(super) target: Target,
    errands: mpsc::Sender<Box<Errand>>,
}

/// An attempt to deliver a webhook.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) tenant: usize,
    pub(super) epoch: Epoch,
    pub(super) delivery: DeliveryId,
    pub(super) update: Update,
    /// Whether it is made again, if it fails.
    pub(super) retries: bool,
}

/// What a courier is told.
#[derive(Debug)]
struct Errand {
    flight: Flight,
    request: Request<Full<Bytes>>,
    wait: Duration,
    /// Itself, to be given back: nobody else can send it meanwhile.
    courier: Courier,
}

/// How an attempt ended.
#[derive(Debug)]
pub struct Landed {
    pub(super) flight: Flight,
    pub(super) answer: Result<Answer, Failure>,
    pub(super) ms: u64,
    /// Who may carry the next.
    pub(super) courier: Courier,
}

impl Landed {
    /// Whose it was.
    pub fn tenant(&self) -> usize {
        self.flight.tenant
    }
}

impl Courier {
    /// A new one.
    pub(super) fn hire(tasks: &mut JoinSet<()>, outside: &Outside, target: &Target) -> Self {
        let (errands, orders) = mpsc::channel(1);
        tasks.spawn(carry(outside.clone(), orders));
        Self { target: target.clone(), errands }
    }

    /// Sends it off; when it lands, it comes back.
    pub(super) fn send(self, flight: Flight, request: Request<Full<Bytes>>, wait: Duration) {
        let errands = self.errands.clone();
        if errands.try_send(Box::new(Errand { flight, request, wait, courier: self })).is_err() {
            tracing::debug!("a courier was dismissed before it went");
        }
    }
}

async fn carry(outside: Outside, mut orders: mpsc::Receiver<Box<Errand>>) {
    let (clock, idle) = (outside.clock, COURIER_IDLE);
    let mut kept = None;
    let mut idle_since = clock.now();
    // One timer lasts for many errands: it finds out when it goes off whether there were any.
    let mut look = pin!(clock.sleep_until(idle_since + idle));
    loop {
        let errand = tokio::select! {
            biased;
            errand = orders.recv() => errand,
            () = &mut look, if kept.is_some() => {
                if idle_since + idle <= clock.now() {
                    kept = None;
                }
                look.set(clock.sleep_until(idle_since + idle));
                continue;
            }
        };
        let Some(errand) = errand else { return };
        let Errand { flight, request, wait, courier } = *errand;
        let begun = clock.now();
        let exchanged = exchange(&outside.connector, &courier.target, kept.take(), request, wait);
        // A panic is this attempt's end and not the courier's: nobody else would tell of it, and it would be awaited for ever.
        let answer = match unbroken(exchanged).await {
            Ok((answer, still)) => {
                kept = still;
                answer
            }
            Err(why) => {
                let url = courier.target.url();
                tracing::error!(
                    url,
                    why,
                    "this program broke down over a webhook, which is a fault of its own: please report it"
                );
                Err(Failure::Panic(why))
            }
        };
        idle_since = clock.now();
        let ms = idle_since.since(begun).as_millis();
        if outside.landings.send(Landed { flight, answer, ms, courier }).is_err() {
            tracing::debug!("a webhook was answered after the worlds ended");
        }
    }
}

/// What comes of a future, or what was said in the panic that ended it.
async fn unbroken<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        // It is not asked again: what is left of it is only dropped.
        Err(panic) => {
            let said = panic.downcast_ref::<&str>().map(ToString::to_string);
            Poll::Ready(Err(said.or_else(|| panic.downcast_ref().cloned()).unwrap_or_default()))
        }
    })
    .await
}
