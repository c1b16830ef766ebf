//! What is allowed in a scenario file and probably not meant.

use super::{Level, People, Scenario, Wanted};
use crate::contacts::ContactList;
use mock_whatsapp_model::magic;

/// What somebody should look at.
pub fn notes(scenario: &Scenario) -> Vec<String> {
    let mut notes = Vec::new();
    for (place, sender) in scenario.senders.iter().enumerate() {
        if !scenario.campaigns.iter().any(|campaign| campaign.senders.contains(&place)) {
            notes.push(format!("the sender `{}` sends no campaign", sender.name));
        }
    }
    for campaign in &scenario.campaigns {
        if let People::Listed(list) = &campaign.people {
            notes.extend(of_list(list, scenario.magic_numbers));
        }
    }
    if !scenario.levels.contains(&Level::Live) {
        let measured = |wanted: &Wanted| {
            matches!(
                wanted,
                Wanted::Latency(..) | Wanted::ThroughputMin(_) | Wanted::EngineMemoryMax(_) | Wanted::WebhookLag(..)
            )
        };
        let names = scenario.expectations.iter().filter(|expectation| measured(&expectation.wanted));
        notes.extend(names.map(|expectation| {
            format!("{} is measured at level live, which is not one of the levels", expectation.name)
        }));
    }
    if scenario.expectations.is_empty() {
        notes.push("there is no [expect]: only the promises are checked".to_owned());
    }
    notes
}

fn of_list(list: &ContactList, magic: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let file = list.path.display();
    if let Some(first) = list.rejected.first() {
        let count = list.rejected.len();
        notes.push(format!(
            "{file}: bad rows are left out: {count}, the first in line {}: {}",
            first.line, first.reason
        ));
    }
    if list.repeated > 0 {
        notes.push(format!("{file}: rows are left out since their number stands in an earlier one: {}", list.repeated));
    }
    if !magic && let Some(row) = list.rows.iter().find(|row| magic::persona(row.phone).is_some()) {
        notes.push(format!("{file}: +{} has a meaning only with `magic_numbers = true`", row.phone));
    }
    notes
}
