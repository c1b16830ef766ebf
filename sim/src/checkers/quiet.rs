//! Promise: no message of a campaign with quiet hours reaches a contact's number in its quiet hours, by the clock of the
//! country that the number belongs to.
//!
//! The offsets are this file's own list, so that it does not share a mistake with the engine. Countries with several zones
//! or with summer time have a range: a moment counts as quiet only if it is quiet by every clock of the country.

use super::findings::Findings;
use cloud_api::time::{Span, Timestamp};

/// POSTs are on their way for a moment, and a commit before them.
const TRANSIT: Span = Span::millis(1_020);

/// Dialling code, and the least and greatest minutes ahead of UTC, of standard and summer time.
const OFFSETS: [(&str, i32, i32); 47] = [
    ("1", -600, -150),
    ("20", 120, 180),
    ("212", 0, 60),
    ("233", 0, 0),
    ("234", 60, 60),
    ("254", 180, 180),
    ("27", 120, 120),
    ("31", 60, 120),
    ("32", 60, 120),
    ("33", 60, 120),
    ("34", 0, 120),
    ("351", -60, 60),
    ("353", 0, 60),
    ("358", 120, 180),
    ("36", 60, 120),
    ("380", 120, 180),
    ("39", 60, 120),
    ("40", 120, 180),
    ("41", 60, 120),
    ("420", 60, 120),
    ("43", 60, 120),
    ("44", 0, 60),
    ("46", 60, 120),
    ("48", 60, 120),
    ("49", 60, 120),
    ("51", -300, -300),
    ("52", -480, -300),
    ("54", -180, -180),
    ("55", -300, -120),
    ("56", -360, -180),
    ("57", -300, -300),
    ("60", 480, 480),
    ("61", 480, 660),
    ("62", 420, 540),
    ("63", 480, 480),
    ("64", 720, 825),
    ("65", 480, 480),
    ("66", 420, 420),
    ("7", 120, 720),
    ("77", 300, 360),
    ("81", 540, 540),
    ("82", 540, 540),
    ("84", 420, 420),
    ("90", 180, 180),
    ("91", 330, 330),
    ("966", 180, 180),
    ("971", 240, 240),
];

/// Minutes ahead of UTC, least and greatest, as the scenario says, or else as is known of the country; `None` for one that is
/// not listed.
fn offsets(phone: u64, settings: &[(String, i32, i32)]) -> Option<(i32, i32)> {
    let digits = phone.to_string();
    let set = settings.iter().filter(|(prefix, ..)| digits.starts_with(prefix.as_str()));
    if let Some((_, least, greatest)) = set.max_by_key(|(prefix, ..)| prefix.len()) {
        return Some((*least, *greatest));
    }
    let longest = OFFSETS.iter().filter(|(code, ..)| digits.starts_with(code)).max_by_key(|(code, ..)| code.len());
    longest.map(|(_, least, greatest)| (*least, *greatest))
}

/// Whether it is quiet at a minute of the day.
fn is_quiet(minute: i32, (from, until): (u16, u16)) -> bool {
    let (from, until) = (i32::from(from), i32::from(until));
    if from < until { minute >= from && minute < until } else { minute >= from || minute < until }
}

/// A contact's day: its number, what the scenario says of where numbers live, and its quiet hours.
#[derive(Clone, Copy)]
pub(super) struct Day<'a> {
    pub(super) phone: u64,
    pub(super) settings: &'a [(String, i32, i32)],
    pub(super) hours: (u16, u16),
}

/// Whether it is quiet by every clock of the number's country.
fn is_surely_quiet(now: Timestamp, day: Day<'_>) -> bool {
    let Day { phone, settings, hours } = day;
    let Some((least, greatest)) = offsets(phone, settings) else { return false };
    let utc = (now.unix_seconds() / 60 % 1_440) as i32;
    // Zones are whole quarters of an hour apart.
    (least..=greatest).step_by(15).all(|ahead| is_quiet((utc + ahead).rem_euclid(1_440), hours))
}

/// A POST arrived.
/// `slack` is how much longer than a moment a commit may take between the claim and the POST.
pub(super) fn arrived(now: Timestamp, slack: Span, message: u32, day: Day<'_>, findings: &mut Findings) {
    if is_surely_quiet(now, day) && is_surely_quiet(now - TRANSIT - slack, day) {
        findings.add(Some(message), || {
            let phone = day.phone;
            let minute = now.unix_seconds() / 60 % 1_440;
            format!(
                "message {message} came at {:02}:{:02} UTC to +{phone}, in its quiet hours",
                minute / 60,
                minute % 60
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 5 January 2026, at this time UTC.
    fn at(hour: u64, minute: u64) -> Timestamp {
        Timestamp::from_unix_seconds(1_767_571_200 + hour * 3_600 + minute * 60)
    }

    const NIGHT: (u16, u16) = (21 * 60, 8 * 60);

    #[test]
    fn a_post_in_the_night_of_its_country_is_found_and_one_by_day_is_not() {
        let (india, germany, brazil, japan) = (919_810_000_000, 4_915_123_000_000, 5_511_981_000_000, 819_012_000_000);
        for (phone, hour, minute, quiet) in [
            (india, 15, 30, true),
            (india, 15, 29, false),
            (india, 2, 29, true),
            (india, 2, 30, false),
            (germany, 20, 0, true),
            (germany, 19, 59, false),
            (japan, 12, 0, true),
            (japan, 11, 59, false),
            (brazil, 3, 0, true),
            (brazil, 15, 0, false),
        ] {
            let day = Day { phone, settings: &[], hours: NIGHT };
            assert_eq!(is_surely_quiet(at(hour, minute), day), quiet, "{phone} at {hour}:{minute:02}");
        }
        let mut findings = Findings::default();
        let day = Day { phone: japan, settings: &[], hours: NIGHT };
        arrived(at(12, 0), Span::ZERO, 3, day, &mut findings);
        assert!(findings.is_clean(), "it was on its way when they began");
        arrived(at(13, 0), Span::ZERO, 3, day, &mut findings);
        assert_eq!(findings.detail(), "message 3 came at 13:00 UTC to +819012000000, in its quiet hours");
    }

    #[test]
    fn what_the_scenario_says_of_a_number_stands_above_its_country() {
        let settings = [("81".to_owned(), 0, 0), ("8190".to_owned(), -60, -60)];
        let (tokyo, set) = (819_012_000_000, settings.as_slice());
        let day = Day { phone: tokyo, settings: set, hours: NIGHT };
        assert!(!is_surely_quiet(at(21, 30), day) && is_surely_quiet(at(22, 0), day), "the longer beginning counts");
        assert!(is_surely_quiet(at(21, 0), Day { phone: 811_234_567_890, ..day }));
    }

    #[test]
    fn every_made_number_belongs_to_a_listed_country() {
        for place in 0..5_000 {
            let phone = crate::contacts::phone(9, place);
            assert!(offsets(phone, &[]).is_some(), "{phone}");
        }
    }
}
