//! Promise: the engine paces itself below each number's throughput, so WhatsApp never says that it is too fast; where
//! WhatsApp throttles the number, the engine adapts.

use super::findings::Findings;
use super::scene::Scene;
use cloud_api::time::{Span, Timestamp};
use mock_whatsapp_model::spec::FaultKind;

/// What is left of a throttle in the number's bucket, which holds a second, and of the traffic under way.
const ECHO: Span = Span::secs(3);

/// POSTs of one sender that may be under way at once.
const UNDER_WAY: u64 = 256;

/// Refusals of each sender.
#[derive(Clone, Debug, Default)]
pub struct Throughput {
    throttled: Vec<u64>,
    /// What was found.
    pub findings: Findings,
}

impl Throughput {
    /// None yet.
    pub fn new(scene: &Scene) -> Self {
        Self { throttled: vec![0; scene.senders.len()], findings: Findings::default() }
    }

    /// WhatsApp refused a POST since the number was too fast.
    pub fn refused(&mut self, scene: &Scene, now: Timestamp, message: u32, sender: u16) {
        if scene.acts(FaultKind::Throttle, sender, now, ECHO) {
            self.throttled[usize::from(sender)] += 1;
        } else {
            let rate = scene.senders[usize::from(sender)].throughput;
            self.findings
                .add(Some(message), || format!("message {message} came too fast for {rate} messages a second"));
        }
    }

    /// The run is over: were there more refusals than a sender needs that halves its pace and then adds?
    pub fn finish(&mut self, scene: &Scene, now: Timestamp, restarts: u32) {
        for (sender, refused) in self.throttled.iter().enumerate() {
            let most = most(scene, sender as u16, now, restarts);
            if *refused > most {
                self.findings.add(None, || {
                    format!("sender {sender} was refused {refused} times while throttled, and {most} would do")
                });
            }
        }
    }
}

/// The most refusals of a sender that adapts. At full rate F it halves once a second: F + F/2 + F/4 … less than 2F until it is
/// below the throttle's rate, twice that with the second that each answer may take. Then it grows by F/20 a second: while
/// it is above the rate, for the time until it hears of it, at most two steps: F/10 a second. Slow answers prolong both. An
/// engine that starts anew begins at full rate.
fn most(scene: &Scene, sender: u16, now: Timestamp, restarts: u32) -> u64 {
    let rate = u64::from(scene.senders[usize::from(sender)].throughput);
    let slow: u64 = scene
        .windows
        .iter()
        .filter(|window| window.kind == FaultKind::Latency)
        .map(|one| one.delay.as_secs() + 1)
        .sum();
    let windows = scene.windows.iter().filter(|window| {
        window.kind == FaultKind::Throttle && window.sender.is_none_or(|only| only == sender) && window.from < now
    });
    windows
        .map(|window| {
            let seconds = window.until.min(now).since(window.from).as_secs() + 1;
            UNDER_WAY + (1 + slow) * (4 * rate * (1 + u64::from(restarts)) + seconds * (rate / 10 + 1))
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::super::scene::{plain, window};
    use super::*;

    #[test]
    fn a_refusal_is_found_where_nobody_throttles() {
        let mut scene = plain();
        let mut throughput = Throughput::new(&scene);
        let throttled = window(FaultKind::Throttle, scene.start, scene.start + Span::mins(1));
        throughput.refused(&Scene { windows: vec![throttled], ..plain() }, scene.start, 1, 0);
        assert!(throughput.findings.is_clean());
        scene.windows = vec![super::super::scene::Window { sender: Some(3), ..throttled }];
        throughput.refused(&scene, scene.start, 1, 0);
        assert_eq!(throughput.findings.detail(), "message 1 came too fast for 80 messages a second");
    }

    #[test]
    fn a_sender_that_goes_on_at_full_pace_while_throttled_is_found_and_one_that_adapts_is_not() {
        let start = plain().start;
        let scene = Scene { windows: vec![window(FaultKind::Throttle, start, start + Span::mins(20))], ..plain() };
        // Of 80 a second, 40 are refused; of a pace that halves and grows, some three.
        for (a_second, found) in [(40, 1), (3, 0)] {
            let mut throughput = Throughput::new(&scene);
            for n in 0..1_200 * a_second {
                throughput.refused(&scene, start + Span::secs(n / a_second), 0, 0);
            }
            throughput.finish(&scene, start + Span::hours(2), 0);
            assert_eq!(throughput.findings.count(), found, "{a_second}");
        }
    }
}
