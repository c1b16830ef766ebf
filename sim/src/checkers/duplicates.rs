//! Promise: no handset gets a campaign message twice.

use super::Findings;
use super::truth::Truth;

/// Copies too many, and what was found.
pub fn judge(truths: &[Truth]) -> (u64, Findings) {
    let mut findings = Findings::default();
    let mut duplicates = 0;
    for (id, truth) in truths.iter().enumerate() {
        if truth.copies > 1 {
            duplicates += u64::from(truth.copies) - 1;
            findings.add(|| format!("the contact of message {id} got {} copies", truth.copies));
        }
    }
    (duplicates, findings)
}
