//! A tenant's webhooks on their way out: so many at a time, over connections that are kept, each answer told to the model.

use super::couriers::{Courier, Flight, Landed};
use super::{Tenant, webhook_log};
use crate::clock::Clock;
use crate::graph::refusal::Refusal;
use crate::limits::{WEBHOOK_WAIT, WEBHOOKS_AT_ONCE, WEBHOOKS_WAITING};
use crate::net::Connector;
use crate::payload;
use crate::signing::{Hand, Signature};
use crate::target::Target;
use bytes::Bytes;
use cloud_api::time::{Span, Timestamp};
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use mock_whatsapp_model::Input;
use mock_whatsapp_model::input::DeliveryId;
use mock_whatsapp_model::output::{Update, What};
use std::time::Duration;
use tokio::sync::mpsc;
use webhook_log::{Attempt, State};

/// Where a tenant's webhooks go, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where.
    pub target: Target,
    /// What the handshake carried.
    pub verify_token: String,
    /// Whether they are sent again, as WhatsApp does.
    pub retries: bool,
    /// How long the receiver may take, in real time.
    pub wait: Duration,
    /// The major version whose form they have.
    pub version: u16,
    /// How many updates share a POST; one each, unless said.
    pub batch: Option<Batching>,
}

/// How webhooks share a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batching {
    /// How many at most.
    pub size: usize,
    /// How long the first waits for others, in the tenant's time.
    pub wait: Span,
}

/// The version whose form webhooks have, unless told otherwise.
pub const WEBHOOK_VERSION: u16 = 25;

impl Webhook {
    /// With all that can be left unsaid.
    pub fn new(target: Target, verify_token: String) -> Self {
        Self { target, verify_token, retries: true, wait: WEBHOOK_WAIT, version: WEBHOOK_VERSION, batch: None }
    }
}

/// A webhook that waits for its turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Departure {
    pub(super) delivery: DeliveryId,
    pub(super) update: Update,
}

/// What an attempt needs of the world around.
#[derive(Clone, Debug)]
pub struct Outside {
    /// How connections are made.
    pub connector: Connector,
    /// The real time.
    pub clock: Clock,
    /// Where attempts report. Bounded by what is under way: [`WEBHOOKS_AT_ONCE`] per tenant.
    pub landings: mpsc::UnboundedSender<Landed>,
}

impl Tenant {
    /// Sends what waits, as many at a time as may be.
    pub(super) fn dispatch(&mut self) {
        while self.under_way.len() < WEBHOOKS_AT_ONCE
            && let Some(departure) = self.outbox.pop_front()
        {
            let Departure { delivery, update } = departure;
            let way = self.webhook_of(&update).map(|it| (it.target.clone(), it.wait, it.retries));
            let Some((target, wait, retries)) = way else {
                self.nowhere.push(delivery);
                let followers = self.batches.remove(&delivery).unwrap_or_default();
                self.nowhere.extend(followers.iter().map(|follower| follower.delivery));
                continue;
            };
            let (body, hand) = self.webhooks.sent(delivery).unwrap_or_else(|| {
                let carried = self.carried(&departure);
                let body = Bytes::from(payload::body(self, &carried));
                let hand = Hand::of(update.forged, self.webhooks.dress(delivery).signature);
                self.webhooks.sends(delivery, &body, carried.len(), hand);
                for follower in self.batches.get(&delivery).into_iter().flatten() {
                    self.webhooks.sends(follower.delivery, &body, carried.len(), hand);
                }
                (body, hand)
            });
            let signature = hand.sign(&self.identity.app_secret, &body);
            let request = post(&target, body, &signature);
            let courier = match self.couriers.iter().rposition(|courier| courier.target == target) {
                Some(place) => self.couriers.swap_remove(place),
                None => Courier::hire(&mut self.flights, &self.outside, &target),
            };
            self.under_way.insert(delivery, update);
            let (tenant, epoch) = (self.place, self.epoch);
            courier.send(Flight { tenant, epoch, delivery, update, retries }, request, wait);
        }
        self.settle_nowhere();
    }

    /// Whether so many webhooks wait for their turn that calls are to wait for them.
    pub(super) fn is_behind(&self) -> bool {
        self.outbox.len() > WEBHOOKS_WAITING
    }

    /// The refusal of one more message, where as many webhooks wait as may.
    pub(super) fn has_no_room_for_webhooks(&self) -> Option<Refusal> {
        let most = self.config.webhooks_waiting;
        (self.outbox.len() >= most).then(|| {
            Refusal::new(
                131_016,
                format!(
                    "{most} webhooks wait for their receiver, which is slow or hangs, and no more may \
                     (`webhooks_waiting` in the configuration, for each tenant); mend it, or POST /_mock/reset"
                ),
            )
        })
    }

    /// Tells the model of the webhooks that there is nowhere to send to, as if they had been taken.
    pub(super) fn settle_nowhere(&mut self) {
        while let Some(delivery) = self.nowhere.pop() {
            self.webhooks.ends(delivery, None, State::NoWebhook);
            self.hand_in(Input::Answered { delivery, status: 200 });
        }
    }

    /// Takes in how an attempt ended.
    pub fn land(&mut self, real: Timestamp, landed: Landed) {
        while self.flights.try_join_next().is_some() {}
        self.waiting.answered(real);
        let Landed { flight: Flight { epoch, delivery, update, retries, .. }, answer, ms, courier } = landed;
        if epoch != self.epoch || self.under_way.remove(&delivery).is_none() {
            return;
        }
        if self.is_target(&courier.target) {
            self.couriers.push(courier);
        }
        let now = self.now(real);
        self.tick(now);
        let (status, failure) = match &answer {
            Ok(answer) => (answer.status, None),
            Err(failure) => (0, Some(failure.to_string())),
        };
        if status != 200 {
            tracing::debug!(tenant = %self.identity.name, status, failure, "a webhook was not acknowledged");
        }
        let gives_up = status != 200 && (!retries || self.targets().next().is_none());
        let before = self.world.snapshot().unacknowledged;
        self.hand_in(Input::Answered { delivery, status: if gives_up { 200 } else { status } });
        let done = self.world.snapshot().unacknowledged < before;
        let state = match (status, done) {
            (200, _) => State::Acked,
            (_, true) => State::GaveUp,
            (_, false) => State::Retrying,
        };
        // Where retries are off, WhatsApp would not have given up.
        let is_last = state == State::GaveUp && !gives_up;
        if status == 200 || self.is_in_order(delivery, &update) {
            self.judge_webhook(real, &update, &answer, ms, is_last);
        }
        for update in self.followers(delivery).filter(|_| status == 200) {
            self.hear(real, &update);
        }
        let attempt = Attempt { at: now, status, ms, failure };
        self.follow(delivery, Some(&attempt), state);
        self.webhooks.ends(delivery, Some(attempt), state);
        if let Some(webhook) = self.webhooks.number(delivery) {
            self.tell_of_webhook(webhook);
        }
        if let Some(journey) = &mut self.journey {
            journey.count(0, 1);
        }
    }

    /// Delivers a webhook once more, whatever became of it; whether there is one of that number.
    pub fn redeliver(&mut self, real: Timestamp, webhook: u64) -> bool {
        self.tick(self.now(real));
        let Some(record) = self.webhooks.get(webhook) else { return false };
        let update = record.update;
        self.repeated = Some(webhook);
        self.hand_in(Input::Repeat(update));
        self.repeated = None;
        self.settle_nowhere();
        true
    }

    /// Sends webhooks elsewhere, or nowhere, from now on.
    pub fn set_webhook(&mut self, webhook: Option<Webhook>) {
        self.webhook = webhook;
        self.dismiss();
        // Whoever waited for others under the old rules waits no more.
        self.release();
    }

    /// Sends the account's webhooks elsewhere than the app's, or not, from now on.
    pub fn set_account_webhook(&mut self, webhook: Option<Webhook>) {
        self.account.webhook = webhook;
        self.dismiss();
    }

    /// Sends the webhooks of a number's messages elsewhere than the account's, or not, from now on.
    pub fn set_number_webhook(&mut self, id: &str, webhook: Option<Webhook>) {
        if let Some(number) = self.numbers.get_mut(id) {
            number.webhook = webhook;
            self.dismiss();
        }
    }

    /// Lets those go who carry to where no webhook goes any more: nobody else would end their connections for a while.
    fn dismiss(&mut self) {
        let mut couriers = std::mem::take(&mut self.couriers);
        couriers.retain(|courier| self.is_target(&courier.target));
        self.couriers = couriers;
    }

    /// Where the webhook of an update goes: what its number says, else its account, else the app (section 3.9). What is not
    /// about messages is the app's, and the account's only where the app says nothing.
    pub(super) fn webhook_of(&self, update: &Update) -> Option<&Webhook> {
        if self.account.unsubscribed {
            return None;
        }
        let number = self.numbers.of_model(update.number).and_then(|number| number.webhook.as_ref());
        let account = self.account.webhook.as_ref();
        match update.what {
            What::Notice(_) => self.webhook.as_ref().or(account),
            What::Sent | What::Delivered | What::Read | What::Failed(_) | What::Reply | What::Stop | What::Says(_) => {
                number.or(account).or(self.webhook.as_ref())
            }
        }
    }

    fn is_target(&self, place: &Target) -> bool {
        self.targets().any(|target| target == place)
    }

    /// Everywhere that webhooks go.
    fn targets(&self) -> impl Iterator<Item = &Target> {
        let numbers = self.numbers.all().iter().filter_map(|number| number.webhook.as_ref());
        self.webhook.iter().chain(&self.account.webhook).chain(numbers).map(|webhook| &webhook.target)
    }

    /// Where webhooks go.
    pub fn webhook(&self) -> Option<&Webhook> {
        self.webhook.as_ref()
    }
}

const SIGNATURE_SHA1: HeaderName = HeaderName::from_static("x-hub-signature");

const SIGNATURE_SHA256: HeaderName = HeaderName::from_static(cloud_api::signature::HEADER);

fn post(target: &Target, body: Bytes, signature: &Signature) -> Request<Full<Bytes>> {
    let mut request = target.request(Method::POST, "", body);
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static("facebookexternalua"));
    for (name, value) in [(SIGNATURE_SHA1, &signature.sha1), (SIGNATURE_SHA256, &signature.sha256)] {
        if !value.is_empty()
            && let Ok(value) = HeaderValue::from_str(value)
        {
            headers.insert(name, value);
        }
    }
    request
}
