//! One run for its verdict: which checks fail. A panic is a failed check like any other, so that one bad seed neither ends a
//! swarm nor hides.

use crate::cli::RunOptions;
use crate::levels::{self, Refusal};
use crate::outcome::{Check, Outcome, Verdict};
use crate::progress::Progress;
use crate::scenario::{Level, Scenario};
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// The name of the check that a panic fails.
pub const NO_PANIC: &str = "no-panic";

thread_local! {
    /// What this thread panicked with last, and where.
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
    /// Whether this thread is in a run whose panic is caught.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// What one run came to.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The checks that failed, in their order.
    pub failed: Vec<Check>,
    /// All of it; `None` after a panic.
    pub outcome: Option<Outcome>,
}

impl Trial {
    /// Of a run that came to its end.
    pub fn of(outcome: Outcome) -> Self {
        let failed = outcome.checks.iter().filter(|check| check.verdict == Verdict::Fail).cloned().collect();
        Self { failed, outcome: Some(outcome) }
    }

    /// The fingerprint, where the run has one.
    pub fn fingerprint(&self) -> Option<&str> {
        self.outcome.as_ref()?.fingerprint.as_deref()
    }

    /// Whether one of these checks failed.
    pub fn fails_any(&self, names: &[String]) -> bool {
        self.failed.iter().any(|check| names.contains(&check.name))
    }
}

/// Runs a scenario at a level.
///
/// # Errors
/// If something in it is beyond the level.
pub fn trial(scenario: &Scenario, level: Level, options: &RunOptions) -> Result<Trial, Refusal> {
    let progress = Progress::hidden();
    caught(|| at_level(scenario, level, options, &progress))
}

/// Runs a scenario at a level, whatever it says of itself.
///
/// # Errors
/// If something in it is beyond the level.
pub fn at_level(
    scenario: &Scenario,
    level: Level,
    options: &RunOptions,
    progress: &Progress,
) -> Result<Outcome, Refusal> {
    match level {
        Level::Model => levels::model::run(scenario, options, progress),
        Level::Live => levels::live::run(scenario, options, progress),
        Level::Stack => Err(Refusal(format!("this build has no level {level} yet; run it with --level model"))),
    }
}

/// The verdict of a run, a panic included.
pub(crate) fn caught(run: impl FnOnce() -> Result<Outcome, Refusal>) -> Result<Trial, Refusal> {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(listen);
    IS_CAUGHT.set(true);
    let ended = panic::catch_unwind(AssertUnwindSafe(run));
    IS_CAUGHT.set(false);
    match ended {
        Ok(outcome) => outcome.map(Trial::of),
        Err(_) => {
            let detail = LAST.take();
            Ok(Trial { failed: vec![Check::fail(NO_PANIC, detail)], outcome: None })
        }
    }
}

/// From now on the panics of caught runs are kept for their checks and not printed; all others are as before.
fn listen() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !IS_CAUGHT.get() {
            return before(panic);
        }
        let place = panic.location().map_or_else(String::new, |place| format!("{}:{}: ", place.file(), place.line()));
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let what = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        LAST.set(format!("{place}{}", what.unwrap_or("a panic without words")));
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failed_check_that_says_what_and_where() {
        let trial = caught(|| panic!("row 7 is gone")).unwrap();
        assert_eq!(trial.failed[0].name, NO_PANIC);
        let detail = &trial.failed[0].detail;
        assert!(detail.contains("trial.rs:") && detail.ends_with("row 7 is gone"), "{detail}");
        assert!(trial.outcome.is_none() && trial.fails_any(&[NO_PANIC.to_owned()]));
    }
}
