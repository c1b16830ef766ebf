//! Promise: no blind resend. After an outcome that the engine cannot know, the message is not POSTed again before the wait
//! for evidence is over, nor without proof that evidence could have come; and never while an attempt is open or sent.

use super::findings::Findings;
use super::scene::Scene;
use super::seen::{Arrival, Known, Seen, Slot, flag, moment};
use super::silence::Channel;
use cloud_api::time::{Span, Timestamp};

/// An intent became durable; `seen` is as of before it. `crashed` is when the engine last died.
pub(super) fn judge(
    scene: &Scene,
    now: Timestamp,
    message: u32,
    seen: &Seen,
    channel: &Channel,
    crashed: Option<Timestamp>,
    findings: &mut Findings,
) {
    let since = moment(scene.start, seen.since);
    // Claimed before the news came, and durable after it.
    let just_now = scene.crosses(now, since);
    if seen.arrival > Arrival::None && !just_now {
        findings.add(Some(message), || format!("message {message} was intended again after it had arrived"));
        return;
    }
    for slot in &seen.slots {
        let orphaned = slot.known == Known::UnderWay && crashed.is_some_and(|crashed| crashed > since);
        match slot.known {
            Known::Sent | Known::Accepted if !just_now => {
                let known = slot.known;
                findings.add(Some(message), || {
                    format!("message {message} was intended again while attempt {} was {known:?}", slot.number)
                });
            }
            Known::UnderWay if !orphaned => findings.add(Some(message), || {
                format!("message {message} was intended again while attempt {} was under way", slot.number)
            }),
            Known::Nothing
            | Known::UnderWay
            | Known::Unknown
            | Known::GivenUp
            | Known::Accepted
            | Known::Sent
            | Known::Unspent
            | Known::Failed => {}
        }
    }
    let Some(newest) = seen.newest() else { return };
    match newest.known {
        Known::Unknown | Known::UnderWay => waited_enough(scene, now, message, seen, channel, crashed, findings),
        // Whether it waited long enough was judged when it was given up.
        Known::GivenUp if scene.never && !seen.has(flag::STALE) => findings.add(Some(message), || {
            format!("message {message} was intended again after attempt {} of unknown outcome", newest.number)
        }),
        Known::GivenUp | Known::Nothing | Known::Accepted | Known::Sent | Known::Unspent | Known::Failed => {}
    }
}

/// The wait for evidence of the newest attempt is over; `seen` is as of before that.
pub(super) fn waited_enough(
    scene: &Scene,
    now: Timestamp,
    message: u32,
    seen: &Seen,
    channel: &Channel,
    crashed: Option<Timestamp>,
    findings: &mut Findings,
) {
    let since = moment(scene.start, seen.since);
    let Some(newest) = seen.newest() else { return };
    let settled = seen.slots.iter().any(|slot| matches!(slot.known, Known::Accepted | Known::Sent));
    if seen.arrival > Arrival::None || settled {
        // Another attempt made it: whatever is given up of this one, nothing follows.
        return;
    }
    // After a crash its outcome is unknown from then on.
    let unknown = crashed.filter(|crashed| newest.known == Known::UnderWay && *crashed > since).unwrap_or(since);
    if newest.known == Known::UnderWay && unknown == since {
        return;
    }
    let has_failed_since = |slot: &Slot| slot.number < newest.number && slot.known == Known::Failed;
    if seen.has(flag::LATE) && seen.slots.iter().any(has_failed_since) {
        // An attempt before it was said to be sent while it waited, and to have failed: since then is not since its POST.
        return;
    }
    if matches!(newest.known, Known::Failed | Known::Unspent) && scene.crosses(now, since) {
        // Given up before the news came, and durable after it.
        return;
    }
    // Hundredths are rounded, which a wait has up to eight times over; and a clock may have been put forward.
    let waited = now.since(unknown) + scene.arms.clock + Span::millis(100);
    // A clock that was put back hides as much of a silence.
    let hidden = scene.arms.clock * super::silence::FACTOR;
    let wait = channel.wait(unknown, now);
    let wait = super::silence::WAIT.max(wait - hidden);
    if waited < wait {
        findings.add(Some(message), || {
            format!(
                "message {message} was given up {waited} after attempt {} of unknown outcome; the wait is {wait}",
                newest.number
            )
        });
    } else if waited < wait * 2 && !channel.proves(unknown + wait - scene.arms.clock - Span::secs(1)) {
        findings.add(Some(message), || {
            format!(
                "message {message} was given up {waited} after attempt {} of unknown outcome, and no webhook as young as \
                 the wait of {wait} had come",
                newest.number
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::plain;
    use super::super::seen::{Word, hundredths};
    use super::*;

    fn resent(word: Option<Word>, after: Span, heard: &[Span], crashed: Option<Span>, never: bool) -> String {
        let scene = Scene { never, ..plain() };
        let posted = scene.start + Span::mins(1);
        let mut seen = Seen::default();
        seen.intend(hundredths(Span::mins(1)), 1);
        if let Some(word) = word {
            seen.learn(hundredths(Span::mins(1)), 1, word);
        }
        let mut channel = Channel::default();
        channel.heard(posted, posted);
        heard.iter().for_each(|after| channel.heard(posted + *after, posted + *after));
        let mut findings = Findings::default();
        let crashed = crashed.map(|after| posted + after);
        if never {
            seen.learn(hundredths(Span::mins(1) + after), 1, Word::Is(Known::GivenUp, None));
        }
        judge(&scene, posted + after, 0, &seen, &channel, crashed, &mut findings);
        findings.detail()
    }

    const UNKNOWN: Option<Word> = Some(Word::Is(Known::Unknown, None));

    #[test]
    fn a_resend_before_the_wait_or_without_proof_is_found_and_a_patient_one_is_not() {
        let steady: Vec<Span> = (1..=11).map(Span::mins).collect();
        assert!(resent(UNKNOWN, Span::secs(2), &[], None, false).contains("the wait is 10m"));
        assert!(resent(UNKNOWN, Span::secs(599), &steady[..9], None, false).contains("the wait is 10m"));
        assert_eq!(resent(UNKNOWN, Span::secs(661), &steady, None, false), "");
        assert!(resent(UNKNOWN, Span::secs(601), &steady[..9], None, false).contains("no webhook as young"));
        assert_eq!(resent(UNKNOWN, Span::mins(20), &[], None, false), "", "nothing was left that could bring one");
        assert!(resent(UNKNOWN, Span::mins(60), &[Span::mins(35)], None, false).contains("the wait is 2h20m"));
        assert!(resent(UNKNOWN, Span::hours(50), &steady, None, true).contains("of unknown outcome"));
    }

    #[test]
    fn what_is_open_or_arrived_is_not_sent_again() {
        assert!(resent(Some(Word::Is(Known::Accepted, None)), Span::hours(9), &[], None, false).contains("Accepted"));
        assert!(resent(Some(Word::Came(Arrival::Read)), Span::hours(9), &[], None, false).contains("had arrived"));
        assert!(resent(None, Span::secs(9), &[], None, false).contains("under way"));
        assert_eq!(resent(Some(Word::Is(Known::Failed, None)), Span::secs(9), &[], None, false), "");
    }

    #[test]
    fn a_crash_makes_what_was_under_way_unknown_from_then_on() {
        let early = resent(None, Span::secs(300), &[], Some(Span::secs(1)), false);
        assert!(early.contains("the wait is 10m"), "{early}");
        assert_eq!(resent(None, Span::mins(21), &[], Some(Span::secs(1)), false), "");
    }
}
