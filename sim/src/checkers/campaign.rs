//! Promise: a campaign's state is what its definition says, worked out anew from the messages.

use super::findings::Findings;
use engine_core::State;
use engine_core::campaign::{Counts, State as CampaignState};

/// Where the run stands with regard to the campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before its start.
    Before,
    /// Between its start and its deadline.
    Within,
    /// At its deadline or later.
    After,
}

/// The definition.
fn by_definition(counts: &Counts, when: When) -> CampaignState {
    let arrived = [State::Delivered, State::Read, State::Responded].iter().any(|state| counts.of(*state) > 0);
    let open = [State::Queued, State::Sending, State::Retrying].iter().any(|state| counts.of(*state) > 0);
    let failed: u32 =
        [State::Failed, State::InvalidContact, State::BlockedOrSpam].map(|state| counts.of(state)).iter().sum();
    match when {
        When::Before => CampaignState::Queued,
        When::After if arrived => CampaignState::Completed,
        When::After => CampaignState::Failed,
        When::Within if failed == counts.total() => CampaignState::Failed,
        When::Within if open || !arrived => CampaignState::Sending,
        When::Within => CampaignState::Completed,
    }
}

/// `counts` is a recount of the messages, `says` the engine's word.
pub fn judge(name: &str, counts: &Counts, when: When, says: CampaignState) -> Findings {
    let mut findings = Findings::default();
    let is = by_definition(counts, when);
    if says != is {
        findings.add(None, || format!("campaign {name} says {} and is {}", says.name(), is.name()));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_other_than_the_definition_is_found() {
        let mut counts = Counts::all_queued(2);
        counts.moved(State::Queued, State::Delivered);
        assert!(judge("sale", &counts, When::Within, CampaignState::Sending).is_clean());
        assert!(!judge("sale", &counts, When::Within, CampaignState::Completed).is_clean());
        assert!(!judge("sale", &counts, When::After, CampaignState::Failed).is_clean());
        assert!(!judge("sale", &counts, When::Before, CampaignState::Sending).is_clean());
    }
}
