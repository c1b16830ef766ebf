//! What the benchmarks share: the floor, a bare event loop of the model level's shape with nothing in it.
//!
//! The floor has the events of a message's life (the turn to send, the POST, its answer, and of each status the moment, the
//! webhook and the acknowledgement), at times drawn like the simulator's, through the same wheel, into the same trace and a
//! histogram. It has no tables, decides nothing and checks nothing. How many times as long the simulator takes is the price
//! of its logic, its memory and its checkers.

use campaign_sim::model::run::START;
use campaign_sim::model::trace::{Kind, Trace};
use cloud_api::time::{Span, Timestamp};
use hdrhistogram::Histogram;
use mock_whatsapp_model::distribution::Distribution;
use mock_whatsapp_model::fate::{Share, What, fate};
use mock_whatsapp_model::spec::Timing;
use mock_whatsapp_model::wheel::Wheel;

#[derive(Clone, Copy)]
enum Step {
    Turn(u32),
    Post(u32),
    Answer(u32),
    Sent(u32),
    Delivered(u32),
    Read(u32),
    Webhook(u32),
    Acknowledged(u32),
}

/// What the floor did.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// Events delivered.
    pub events: u64,
    /// Peak of the histogram, so that nothing can be optimised away.
    pub slowest: u64,
}

/// Runs the floor for `messages` messages at 80 a second.
///
/// # Panics
/// Never: the histogram's bounds are constants that fit.
pub fn floor(messages: u32, seed: u64) -> Floor {
    let timing = Timing::default();
    let share = Share::millionths(timing.read_share);
    let mut wheel = Wheel::default();
    let mut trace = Trace::default();
    let week = Span::hours(7 * 24).0;
    let mut histogram = Histogram::<u64>::new_with_bounds(1, week, 3).expect("constant bounds");
    let way = Span::millis(20);
    let after = |n: u32, what, delays: &Distribution| delays.draw(fate(seed, u64::from(n), what));
    wheel.push(START, Step::Turn(0));
    while let Some((now, step)) = wheel.pop(Timestamp::NEVER) {
        match step {
            Step::Turn(n) => {
                trace.add(now.0, Kind::EngineTimer, u64::from(n), 0);
                if n + 1 < messages {
                    wheel.push(now + Span::micros(12_500), Step::Turn(n + 1));
                }
                wheel.push(now + way, Step::Post(n));
            }
            Step::Post(n) => {
                trace.add(now.0, Kind::Post, u64::from(n), 1);
                wheel.push(now + after(n, What::Answer, &timing.answer_after) + way, Step::Answer(n));
                wheel.push(now + after(n, What::Sent, &timing.sent_after), Step::Sent(n));
            }
            Step::Answer(n) => {
                trace.add(now.0, Kind::Answer, u64::from(n), 0);
                histogram.saturating_record(now.since(START).0);
            }
            Step::Sent(n) => {
                trace.add(now.0, Kind::WorldTimer, u64::from(n), 1);
                wheel.push(now + way, Step::Webhook(n));
                wheel.push(now + after(n, What::Delivered, &timing.delivered_after), Step::Delivered(n));
            }
            Step::Delivered(n) => {
                trace.add(now.0, Kind::WorldTimer, u64::from(n), 2);
                histogram.saturating_record(now.since(START).0);
                wheel.push(now + way, Step::Webhook(n));
                if share.holds(fate(seed, u64::from(n), What::Reads)) {
                    wheel.push(now + after(n, What::Read, &timing.read_after), Step::Read(n));
                }
            }
            Step::Read(n) => {
                trace.add(now.0, Kind::WorldTimer, u64::from(n), 3);
                wheel.push(now + way, Step::Webhook(n));
            }
            Step::Webhook(n) => {
                trace.add(now.0, Kind::Webhook, u64::from(n), 1);
                wheel.push(now + way, Step::Acknowledged(n));
            }
            Step::Acknowledged(n) => trace.add(now.0, Kind::Acknowledged, u64::from(n), 200),
        }
    }
    Floor { events: trace.events(), slowest: histogram.max() }
}
