//! Promise: webhooks that come twice and in any order change nothing. The same scenario, once as it is and once with them,
//! must end every message in the same state.
//!
//! Only where no outcome hangs on time may the two be compared: a scenario of the class *exact*, with and without.

use super::findings::Findings;
use crate::cli::RunOptions;
use crate::levels::Refusal;
use crate::levels::model::final_states;
use crate::outcome::Check;
use crate::scenario::{Agreement, Scenario};
use cloud_api::time::Span;
use engine_core::State;
use mock_whatsapp_model::spec::{FaultKind, FaultSpec};

/// The check's name.
pub const NAME: &str = "same-as-clean";

/// A shuffled webhook comes up to this much later.
const SHUFFLE: Span = Span::mins(5);

/// The scenario with every webhook twice and shuffled, if that may not change how any message ends.
pub fn disordered(scenario: &Scenario) -> Option<Scenario> {
    let mut with = scenario.clone();
    let delays = scenario.faults.iter().filter(|fault| fault.kind == FaultKind::WebhookDelay);
    let delayed = delays.filter_map(|fault| fault.delay.as_ref()).fold(Span::ZERO, |sum, delay| sum + delay.longest());
    let opts_out = scenario.groups.iter().any(|group| group.kind == mock_whatsapp_model::spec::Kind::OptsOut);
    // One who opts out late gets more of a second message; and what is too late is no evidence.
    let late = delayed + SHUFFLE + Span::mins(1) >= super::silence::WAIT || (opts_out && scenario.campaigns.len() > 1);
    let odd = scenario.faults.iter().any(|fault| fault.kind == FaultKind::StatusOddity);
    let extra = [FaultKind::WebhookDuplicate, FaultKind::WebhookReorder].map(fault);
    with.faults.extend(extra.into_iter().flatten());
    let is_exact = |scenario: &Scenario| Agreement::of(scenario) == Agreement::Exact;
    (!late && !odd && with.faults.len() == scenario.faults.len() + 2 && is_exact(scenario) && is_exact(&with))
        .then_some(with)
}

fn fault(kind: FaultKind) -> Option<FaultSpec> {
    toml::from_str(&format!("kind = \"{}\"", kind.name())).ok()
}

/// Runs both and compares them message by message; skipped where a difference would be none.
///
/// # Errors
/// If something in the scenario is beyond level model.
pub fn same_as_clean(scenario: &Scenario, options: &RunOptions) -> Result<Check, Refusal> {
    let Some(with) = disordered(scenario) else {
        return Ok(Check::skipped(NAME, "how its messages end hangs on when things happen"));
    };
    let (clean, with) = (final_states(scenario, options)?, final_states(&with, options)?);
    Ok(compare(&clean, &with).check(NAME))
}

fn compare(clean: &[State], with: &[State]) -> Findings {
    let mut findings = Findings::default();
    if clean.len() != with.len() {
        findings.add(None, || format!("{} messages, and {} with disorder", clean.len(), with.len()));
    }
    for (message, (clean, with)) in (0u32..).zip(clean.iter().zip(with)) {
        if clean != with {
            findings.add(Some(message), || {
                format!(
                    "message {message} ends {}, and {} when webhooks come twice and shuffled",
                    clean.name(),
                    with.name()
                )
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Verdict;
    use std::path::Path;

    fn scenario(text: &str) -> Scenario {
        let text = format!("name = \"t\"\nseed = 5\n[[campaign]]\nname = \"a\"\ncontacts = 400\n{text}");
        Scenario::parse(&text, "t.toml", Path::new("")).unwrap()
    }

    #[test]
    fn disorder_of_webhooks_changes_no_end() {
        let plain = scenario(
            "[[contacts]]\nshare = 0.1\nkind = \"replies\"\n[[contacts]]\nshare = 0.05\nkind = \"not_on_whatsapp\"\n\
             [[fault]]\nkind = \"error\"\ncode = 131000\nshare = 0.1\n[[fault]]\nkind = \"lost_reply\"\nshare = 0.02\n",
        );
        let check = same_as_clean(&plain, &RunOptions::default()).unwrap();
        assert_eq!((check.verdict, check.detail.as_str()), (Verdict::Pass, ""));
    }

    #[test]
    fn a_message_that_ends_otherwise_is_found_and_what_hangs_on_time_is_not_compared() {
        let found = compare(&[State::Read, State::Sent], &[State::Read, State::Read]);
        assert!(found.detail().contains("message 1 ends Sent, and Read"));
        for text in ["[[fault]]\nkind = \"webhook_loss\"\n", "[[fault]]\nkind = \"webhook_delay\"\ndelay = \"9m\"\n"] {
            let check = same_as_clean(&scenario(text), &RunOptions::default()).unwrap();
            assert_eq!(check.verdict, Verdict::Skipped, "{text}");
        }
    }
}
