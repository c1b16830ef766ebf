//! Promise: states move only as facts can move them; a success never goes backwards.

use engine_core::State;
use engine_core::attempt::{Fact, Phase};
use engine_core::event::Merged;

/// Whether facts can move a message from one state to the other. A row per state before, a column per state after, in
/// the order of [`State::ALL`].
const LEGAL: [[bool; 10]; 10] = {
    const Y: bool = true;
    const N: bool = false;
    [
        // Que Sng Rty Sent Dlv Read Rsp Fail Inv Blk
        [Y, Y, Y, Y, Y, Y, Y, Y, Y, Y], // Queued: evidence of an attempt that did not count may still come
        [Y, Y, Y, Y, Y, Y, Y, Y, Y, Y], // Sending
        [N, Y, Y, Y, Y, Y, Y, Y, Y, Y], // Retrying: an attempt was spent, so never Queued again
        [Y, N, Y, Y, Y, Y, Y, Y, Y, Y], // Sent: a late `failed` may ask for a retry
        [N, N, N, N, Y, Y, Y, N, N, N], // Delivered
        [N, N, N, N, N, Y, Y, N, N, N], // Read
        [N, N, N, N, N, N, Y, N, N, N], // Responded
        [N, Y, N, Y, Y, Y, Y, Y, Y, Y], // Failed: evidence lifts what was only presumed
        [N, N, N, Y, Y, Y, Y, N, Y, N], // InvalidContact
        [N, N, N, Y, Y, Y, Y, Y, Y, Y], // BlockedOrSpam
    ]
};

/// Whether the step is legal.
#[inline]
pub fn is_legal(before: State, after: State) -> bool {
    LEGAL[before as usize][after as usize]
}

/// Whether the step undoes what was only presumed: an outcome that stayed unknown, and was given up, turns out to be one that
/// WhatsApp says failed. What follows is that error's.
pub(super) fn is_disproved(merged: &Merged) -> bool {
    let failed = matches!(merged.fact, Some(Fact::Failed | Fact::Unspent));
    // Of two attempts, the one that was sent fails: the other is open still.
    let other_is_open = merged.before == State::Sent && merged.after == State::Sending;
    failed && (matches!(merged.was, Phase::Abandoned | Phase::GivenUp) || other_is_open)
}

/// The finding in words.
pub(super) fn told(merged: &Merged) -> String {
    let why =
        merged.fact.map_or_else(|| "a decision".to_owned(), |fact| format!("{fact:?} of attempt {}", merged.number));
    format!("message {} went from {} to {} by {why}", merged.message.0, merged.before.name(), merged.after.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_success_goes_backwards_and_no_failure_becomes_queued() {
        for before in State::ALL {
            for after in State::ALL {
                let backwards = before.is_delivered() && (!after.is_delivered() || after < before);
                let undone = before.is_failure() && after == State::Queued;
                assert!(!(backwards || undone) || !is_legal(before, after), "{before:?} to {after:?}");
            }
            assert!(is_legal(before, before));
        }
    }
}
