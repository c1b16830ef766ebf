//! Crashes at any step: what is durable is enough to go on, and to end as if nothing had happened.
//!
//! A random script says what becomes of each POST, when webhooks come, what people do, and when the process dies. The same
//! script without its crashes says how every message should end.

mod bench;
mod play;

use cloud_api::time::Span;
use engine_core::engine::OnUnknown;
use engine_core::event::Status;
use play::{Act, CONTACTS, Crash, End, MESSAGES, Play, Script, Tale, Trouble};
use proptest::prelude::*;

const SENT: &[Status] = &[Status::Sent];
const DELIVERED: &[Status] = &[Status::Sent, Status::Delivered];
const READ: &[Status] = &[Status::Read];

fn spends() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        Just(Trouble::Refused(131_000)),
        Just(Trouble::Refused(131_056)),
        Just(Trouble::Refused(131_049)),
        Just(Trouble::FailsLater(131_000)),
        Just(Trouble::TimesOut),
    ]
}

fn spends_nothing() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        Just(Trouble::Refused(130_429)),
        Just(Trouble::Refused(190)),
        Just(Trouble::Refused(132_015)),
        Just(Trouble::NeverWritten),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        Just(End::Taken(SENT)),
        Just(End::Taken(DELIVERED)),
        Just(End::Taken(READ)),
        Just(End::Replied),
        Just(End::Refused(131_026)),
        Just(End::Refused(132_000)),
        Just(End::FailsLater(131_026)),
    ]
}

fn tale(
    troubles: impl Strategy<Value = Vec<Trouble>>,
    end: impl Strategy<Value = End>,
    webhooks_lost: impl Strategy<Value = bool>,
) -> impl Strategy<Value = Tale> {
    let delay = prop_oneof![Just(Span::millis(50)), Just(Span::secs(3)), Just(Span::secs(100))];
    let all = (troubles, end, prop::bool::weighted(0.2), webhooks_lost, delay, 1u8..=2);
    all.prop_map(|(troubles, end, answer_lost, webhooks_lost, delay, copies)| Tale {
        troubles,
        end,
        answer_lost,
        webhooks_lost,
        delay,
        copies,
    })
}

fn crashes(most: usize) -> impl Strategy<Value = Vec<Crash>> {
    let down_for = prop_oneof![Just(Span::ZERO), Just(Span::secs(5)), Just(Span::mins(4))];
    let crash = (0usize..400, down_for, any::<bool>());
    let crash = crash.prop_map(|(step, down_for, commit_survives)| Crash { step, down_for, commit_survives });
    prop::collection::vec(crash, 0..=most)
}

/// Nothing is lost: each outcome is told by the answer or by webhooks, and attempts are enough for one trouble that spends and
/// for one that each of two crashes costs.
fn nothing_is_lost() -> impl Strategy<Value = Script> {
    let troubles = (prop::option::of(spends()), prop::collection::vec(spends_nothing(), 0..2), any::<bool>());
    let troubles = troubles.prop_map(|(one, mut others, is_first)| {
        let place = if is_first { 0 } else { others.len() };
        one.into_iter().for_each(|one| others.insert(place, one));
        others
    });
    let tales = prop::collection::vec(tale(troubles, end(), Just(false)), MESSAGES);
    (tales, crashes(2)).prop_map(|(tales, crashes)| Script {
        tales,
        crashes,
        acts: Vec::new(),
        limit: None,
        on_unknown: OnUnknown::Resend,
        hums: true,
    })
}

fn anything() -> impl Strategy<Value = Script> {
    let limits = prop_oneof![Just(Trouble::Refused(131_048)), Just(Trouble::FailsLater(131_048))];
    let troubles = prop::collection::vec(prop_oneof![4 => spends(), 4 => spends_nothing(), 1 => limits], 0..6);
    let ends = prop_oneof![6 => end(), 1 => Just(End::Refused(131_050)), 1 => Just(End::Refused(131_000))];
    let tales = prop::collection::vec(tale(troubles, ends, prop::bool::weighted(0.2)), MESSAGES);
    let group = 0u16..2;
    let act = prop_oneof![
        2 => group.clone().prop_map(Act::Pause),
        3 => group.clone().prop_map(Act::Resume),
        1 => group.prop_map(Act::Cancel),
        2 => (0..CONTACTS).prop_map(Act::OptOut),
        1 => (0u16..2).prop_map(Act::ResumeSender),
    ];
    let acts = prop::collection::vec((0usize..400, act), 0..6);
    let on_unknown = prop_oneof![2 => Just(OnUnknown::Resend), 1 => Just(OnUnknown::Never)];
    let rest = (prop::option::of(1..=CONTACTS), on_unknown, any::<bool>());
    (tales, crashes(6), acts, rest).prop_map(|(tales, crashes, acts, (limit, on_unknown, hums))| Script {
        tales,
        crashes,
        acts,
        limit,
        on_unknown,
        hums,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn where_no_outcome_is_lost_every_message_ends_as_it_would_have_without_crashes(script in nothing_is_lost()) {
        let calm = Script { crashes: Vec::new(), ..script.clone() };
        prop_assert_eq!(Play::new(&script).run(), Play::new(&calm).run());
    }

    /// No attempt without a durable intent, at most four, no second POST within the wait, nothing after what was acknowledged
    /// to be over, no contact above the limit, no copy that is in no report, nothing left in progress.
    #[test]
    fn whatever_happens_the_promises_hold_through_crashes(script in anything()) {
        Play::new(&script).run();
    }
}

/// Whether the first of the two properties fails, and else the second, while a bug is planted.
#[cfg(feature = "planted")]
fn is_seen(bug: engine_core::planted::Bug) -> bool {
    use engine_core::planted::plant;
    use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
    let config = ProptestConfig { failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::with_cases(2_000) };
    let runner = || TestRunner::new_with_rng(config.clone(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    plant(Some(bug));
    let promises = runner().run(&anything(), |script| {
        Play::new(&script).run();
        Ok(())
    });
    let ends = promises.and_then(|()| {
        runner().run(&nothing_is_lost(), |script| {
            let calm = Script { crashes: Vec::new(), ..script.clone() };
            prop_assert_eq!(Play::new(&script).run(), Play::new(&calm).run());
            Ok(())
        })
    });
    plant(None);
    ends.is_err()
}

#[cfg(feature = "planted")]
#[test]
fn the_properties_see_the_bugs_that_they_are_there_for() {
    use engine_core::planted::Bug::*;
    let bugs = [
        RecoveryResends,
        RecoveryForgets,
        TimeoutIsFailure,
        UnknownWaitShort,
        NeverResends,
        ReportForgets,
        AcknowledgedEarly,
        OptOutIgnored,
        PauseIgnored,
        LedgerIgnored,
        LedgerEndsEarly,
        DeadlineIgnored,
        CountsDrift,
        PutBackForgotten,
        DuePageDrops,
        HaltNeverProbed,
        TransientUnspent,
        FinalRetried,
    ];
    let unseen: Vec<_> = bugs.into_iter().filter(|bug| !is_seen(*bug)).collect();
    assert_eq!(unseen, []);
}
