//! What a swarm reached: rules of the engine, kinds of faults. What it never reached, it says nothing about.

use crate::outcome::Outcome;
use crate::scenario::Scenario;
use crate::scenario::faults::KINDS;
use engine_core::rules::Rule;

/// The union over all runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Bits by the places of [`KINDS`].
    kinds: u32,
    /// Bits by the places of [`Rule::ALL`]; `None` where no run told its rules.
    rules: Option<u128>,
}

/// The rules that a run reached, where it tells them.
fn rules_of(outcome: &Outcome) -> Option<u128> {
    outcome.marks.map(|marks| u128::from(marks.0))
}

impl Coverage {
    /// Takes in a run.
    pub fn add(&mut self, scenario: &Scenario, outcome: Option<&Outcome>) {
        for fault in &scenario.faults {
            if let Some(place) = KINDS.iter().position(|(_, kind, _)| *kind == fault.kind) {
                self.kinds |= 1 << place;
            }
        }
        if let Some(rules) = outcome.and_then(rules_of) {
            self.rules = Some(self.rules.unwrap_or(0) | rules);
        }
    }

    /// Takes in what another swarm reached.
    pub fn join(&mut self, other: Self) {
        self.kinds |= other.kinds;
        self.rules = match (self.rules, other.rules) {
            (None, rules) | (rules, None) => rules,
            (Some(one), Some(another)) => Some(one | another),
        };
    }

    /// The kinds of faults that no run had.
    pub fn missing_kinds(self) -> Vec<&'static str> {
        let all = KINDS.iter().enumerate();
        all.filter(|(place, _)| self.kinds & (1 << place) == 0).map(|(_, (name, ..))| *name).collect()
    }

    /// The rules that no run reached, in a sentence each; `None` where no run told.
    pub fn missing_rules(self) -> Option<Vec<&'static str>> {
        let reached = self.rules?;
        let all = Rule::ALL.iter().enumerate();
        Some(all.filter(|(place, _)| reached & (1 << place) == 0).map(|(_, (_, sentence))| *sentence).collect())
    }

    /// How many kinds of faults, and how many rules there are.
    pub fn all() -> (usize, usize) {
        (KINDS.len(), Rule::ALL.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn what_any_run_reached_is_reached() {
        let text = "name = \"t\"\n[[campaign]]\nname = \"a\"\ncontacts = 3\n[[fault]]\nkind = \"outage\"\n";
        let scenario = Scenario::parse(text, "t.toml", Path::new("")).unwrap();
        let mut one = Coverage::default();
        assert_eq!(one.missing_kinds().len(), KINDS.len());
        one.add(&scenario, None);
        let mut other = Coverage { rules: Some(0b10), ..Coverage::default() };
        assert_eq!(one.missing_rules(), None);
        other.join(one);
        assert!(!other.missing_kinds().contains(&"outage") && other.missing_kinds().len() == KINDS.len() - 1);
        assert_eq!(other.missing_rules().unwrap().len(), Rule::ALL.len() - 1);
    }
}
