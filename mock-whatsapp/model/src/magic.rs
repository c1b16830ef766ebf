//! Numbers with a meaning: `+1 AAA 555 NNNN`, which no generator of ours ever makes.

use crate::handset::{Persona, Rule};
use crate::spec::Kind;
use cloud_api::catalogue::{self, CodeIndex};
use cloud_api::time::Span;

/// The behaviour that a number asks for by its last four digits; `None` for every other number.
pub fn persona(wa_id: u64) -> Option<Persona> {
    let is_magic = (10_000_000_000..20_000_000_000).contains(&wa_id) && wa_id / 10_000 % 1_000 == 555;
    if !is_magic {
        return None;
    }
    let ending = (wa_id % 10_000) as u32;
    // Who does what the number means does it whatever is sent, so no window is in the way.
    let open = Persona { always_open: true, ..Persona::default() };
    let of = |kind| Persona { kind, ..open.clone() };
    let by = |rule| Persona { rule, ..open.clone() };
    let code = |code| match catalogue::find(code, None) {
        CodeIndex::UNLISTED => None,
        listed => Some(by(Rule::Always(listed))),
    };
    match ending {
        200 => Some(of(Kind::Replies)).map(|persona| Persona { kind: Kind::Plain, reads: Some(true), ..persona }),
        201 => Some(of(Kind::Replies)),
        410 => Some(of(Kind::ReceiptsOff)),
        425 => Some(Persona { kind: Kind::Offline, away: Some(Span::hours(12)), ..open.clone() }),
        429 => Some(by(Rule::Once(catalogue::find(130_429, None)))),
        403 => Some(of(Kind::Blocked)),
        404 => Some(of(Kind::NotOnWhatsapp)),
        451 => Some(of(Kind::OptsOut)),
        408 => Some(by(Rule::Silence)),
        500 => Some(by(Rule::TwoOfThree(catalogue::find(131_000, None)))),
        1_000..=1_999 => code(130_000 + ending),
        2_000..=2_999 => code(130_000 + ending),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_american_555_numbers_have_a_meaning() {
        assert_eq!(persona(14_155_550_404).map(|p| p.kind), Some(Kind::NotOnWhatsapp));
        assert_eq!(persona(12_125_550_403).map(|p| p.kind), Some(Kind::Blocked));
        assert_eq!(persona(12_125_551_026).map(|p| p.rule), Some(Rule::Always(catalogue::find(131_026, None))));
        assert_eq!(persona(12_125_552_015).map(|p| p.rule), Some(Rule::Always(catalogue::find(132_015, None))));
        for number in [12_125_540_404, 491_515_550_404, 12_125_550_999, 12_125_551_999] {
            assert_eq!(persona(number), None, "{number}");
        }
    }
}
