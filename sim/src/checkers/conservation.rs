//! Promise: every contact has exactly one message, in exactly one state; the counts that are kept equal a recount.

use super::findings::Findings;
use engine_core::State;
use engine_core::campaign::Counts;
use engine_core::message::Row;

/// Counts the rows anew.
pub fn recount(rows: &[Row]) -> Counts {
    let mut counts = Counts::default();
    for row in rows {
        counts.0[row.state() as usize] += 1;
    }
    counts
}

/// `size` is the number of contacts of the campaign, `kept` what the engine says.
pub fn judge(name: &str, size: u32, rows: &[Row], kept: &Counts) -> Findings {
    let mut findings = Findings::default();
    let recounted = recount(rows);
    if rows.len() != size as usize || recounted.total() != size {
        findings.add(None, || format!("campaign {name} has {size} contacts and {} messages", rows.len()));
    }
    for state in State::ALL {
        let (says, is) = (kept.of(state), recounted.of(state));
        if says != is {
            findings.add(None, || format!("campaign {name} says {says} are {} and {is} are", state.name()));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_differs_from_the_recount_is_found() {
        let rows = [Row::default(); 3];
        assert!(judge("sale", 3, &rows, &Counts::all_queued(3)).is_clean());
        assert!(!judge("sale", 4, &rows, &Counts::all_queued(4)).is_clean());
        let mut off = Counts::all_queued(3);
        off.moved(State::Queued, State::Sent);
        assert_eq!(
            judge("sale", 3, &rows, &off).detail(),
            "campaign sale says 2 are Queued and 3 are; campaign sale says 1 are Sent and 0 are"
        );
    }
}
