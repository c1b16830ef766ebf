//! Takes out of a scenario what this build cannot carry out, piece by piece, and counts what was taken.
//!
//! Which pieces those are is for the levels to say (`levels::beyond`); here they are only found and left out.

use crate::levels::{self, Refusal};
use crate::scenario::faults::{HANDSETS, KINDS};
use crate::scenario::{Level, OnUnknown, Scenario};
use mock_whatsapp_model::spec::MessagingLimit;
use std::collections::BTreeMap;

/// How often each piece was left out, by its name.
pub type LeftOut = BTreeMap<&'static str, u64>;

/// Takes something out. It changes nothing where there is nothing of it.
type TakeOut = fn(&mut Scenario);

/// What is not a fault and not a kind of contacts.
const PIECES: [(&str, TakeOut); 9] = [
    ("[[operator]]", |scenario| scenario.operators.clear()),
    ("on_unknown", |scenario| {
        scenario.engine.on_unknown = OnUnknown::Resend;
        scenario.engine.settings.remove("on_unknown");
    }),
    ("[engine]", |scenario| scenario.engine.settings.clear()),
    ("messaging_limit", |scenario| {
        scenario.senders.iter_mut().for_each(|sender| sender.messaging_limit = MessagingLimit::Unlimited);
    }),
    ("priority", |scenario| scenario.campaigns.iter_mut().for_each(|campaign| campaign.priority = 0)),
    ("senders", |scenario| scenario.campaigns.iter_mut().for_each(|campaign| campaign.senders.truncate(1))),
    ("quiet_hours", |scenario| scenario.campaigns.iter_mut().for_each(|campaign| campaign.quiet_hours = None)),
    ("overlap", |scenario| scenario.campaigns.iter_mut().for_each(|campaign| campaign.overlap = None)),
    ("magic_numbers", |scenario| scenario.magic_numbers = false),
];

/// Leaves out what the level refuses, and nothing else.
///
/// # Errors
/// If it refuses what is left, and no piece can be found that it is about.
pub fn leave_out(scenario: &mut Scenario, level: Level, left_out: &mut LeftOut) -> Result<(), Refusal> {
    let most = PIECES.len() + KINDS.len() + HANDSETS.len();
    for _ in 0..=most {
        let Some(refusal) = levels::beyond(scenario, level) else { return Ok(()) };
        let Some((name, rest)) = without(scenario, level, &refusal) else { return Err(refusal) };
        *left_out.entry(name).or_default() += 1;
        *scenario = rest;
    }
    levels::beyond(scenario, level).map_or(Ok(()), Err)
}

/// The scenario without the piece that a refusal is about: the first whose absence changes the refusal.
fn without(scenario: &Scenario, level: Level, refusal: &Refusal) -> Option<(&'static str, Scenario)> {
    let try_out = |name, take: &dyn Fn(&mut Scenario)| {
        let mut rest = scenario.clone();
        take(&mut rest);
        (levels::beyond(&rest, level).as_ref() != Some(refusal)).then_some((name, rest))
    };
    let of_faults = KINDS.iter().find_map(|(name, kind, _)| {
        let is_there = scenario.faults.iter().any(|fault| fault.kind == *kind);
        is_there.then(|| try_out(*name, &|rest| rest.faults.retain(|fault| fault.kind != *kind)))?
    });
    let of_contacts = || {
        HANDSETS.iter().find_map(|(name, kind)| {
            let is_there = scenario.groups.iter().any(|group| group.kind == *kind);
            is_there.then(|| try_out(*name, &|rest| rest.groups.retain(|group| group.kind != *kind)))?
        })
    };
    of_faults.or_else(|| PIECES.iter().find_map(|(name, take)| try_out(*name, take))).or_else(of_contacts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn what_a_level_cannot_do_is_left_out_and_the_rest_stays() {
        let text = "name = \"t\"\n[[campaign]]\nname = \"a\"\ncontacts = 3\n[[fault]]\nkind = \"error\"\ncode = 131000\n\
                    [[fault]]\nkind = \"engine_zombie\"\n[[operator]]\nat = \"1s\"\ndo = \"pause\"\n";
        let mut scenario = Scenario::parse(text, "t.toml", Path::new("")).unwrap();
        let mut left_out = LeftOut::new();
        leave_out(&mut scenario, Level::Model, &mut left_out).unwrap();
        assert_eq!(levels::beyond(&scenario, Level::Model), None);
        assert!(scenario.faults.iter().any(|fault| fault.code == Some(131_000)));
        let gone = 3 - scenario.faults.len() as u64 - scenario.operators.len() as u64;
        assert_eq!(left_out.values().sum::<u64>(), gone, "{left_out:?}");
    }

    #[test]
    fn a_level_that_is_not_there_refuses_whatever_is_left_out() {
        let text = "name = \"t\"\n[[campaign]]\nname = \"a\"\ncontacts = 3\n";
        let mut scenario = Scenario::parse(text, "t.toml", Path::new("")).unwrap();
        if levels::beyond(&scenario, Level::Stack).is_some() {
            assert!(leave_out(&mut scenario, Level::Stack, &mut LeftOut::new()).is_err());
        }
    }
}
