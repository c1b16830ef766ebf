//! Quiet hours by the contact's own clock, as far as the phone number's country tells what that shows.
//!
//! A country stands for all offsets between its smallest and its largest, summer time included: it is quiet while it is quiet
//! at any of them. So nobody is written to at night who lives where the number is from, and no date of a change of clocks is
//! needed. What it cannot know: travellers, and the few thousand people (Pitcairn, Christmas Island, Antarctic stations) who
//! share another country's code. A wide country (Russia, the United States) has a short day; [`Zones::set`] narrows it.

mod zones;

use cloud_api::time::{Span, Timestamp};
use std::fmt;

const DAY_MINUTES: i64 = 24 * 60;
const MINUTE: u64 = Span::mins(1).0;

/// Settings of [`Zones`] at most: each is looked at for each number.
pub const SETTINGS_MOST: usize = 64;

/// Most digits of a phone number (E.164).
const DIGITS_MOST: u32 = 15;

/// When nothing is sent, by the contact's clock, every day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// Minutes after local midnight at which it begins.
    pub from: u16,
    /// Minutes after local midnight at which it ends: the next day where it is before `from`. Equal to `from`: never quiet.
    pub until: u16,
}

impl Quiet {
    /// When it ends, if it is quiet now at any offset of the range (smallest, largest; minutes east of UTC).
    ///
    /// Where so wide a range would leave no minute of the day, the middle of the range counts for all of it.
    pub fn ends(self, now: Timestamp, offsets: (i16, i16)) -> Option<Timestamp> {
        let (length, into) = self.at(now, offsets);
        (into < length).then(|| now + (length - into))
    }

    /// When it next becomes quiet: `now` if it is quiet already, [`Timestamp::NEVER`] if it never is.
    pub fn begins(self, now: Timestamp, offsets: (i16, i16)) -> Timestamp {
        let (length, into) = self.at(now, offsets);
        if length == Span::ZERO {
            Timestamp::NEVER
        } else if into < length {
            now
        } else {
            now + (Span::hours(24) - into)
        }
    }

    /// How long it is quiet in a day, and how long ago that last began.
    fn at(self, now: Timestamp, (one, other): (i16, i16)) -> (Span, Span) {
        let (least, most) = (i64::from(one.min(other)), i64::from(one.max(other)));
        let own = (i64::from(self.until) - i64::from(self.from)).rem_euclid(DAY_MINUTES);
        let wide = own + most - least;
        let (length, offset) = match own {
            0 => (0, 0),
            // The east falls silent first, the west wakes last.
            1.. if wide < DAY_MINUTES => (wide, most),
            _ => (own, (least + most).div_euclid(2)),
        };
        let begin = (i64::from(self.from) - offset).rem_euclid(DAY_MINUTES) as u64 * MINUTE;
        let day = DAY_MINUTES as u64 * MINUTE;
        let into = (now.0 % day + day - begin) % day;
        (Span(length as u64 * MINUTE), Span(into))
    }
}

/// Numbers whose clocks show the same range of offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone(pub u8);

/// Which zone a number is in: the world's calling codes, and settings that stand above them.
#[derive(Clone, Debug)]
pub struct Zones {
    /// By the first four digits.
    table: Vec<u8>,
    /// By zone, each once.
    ranges: Vec<(i16, i16)>,
    /// Longest prefix first.
    settings: Vec<Setting>,
}

#[derive(Clone, Copy, Debug)]
struct Setting {
    prefix: u64,
    digits: u32,
    zone: u8,
}

/// Why a setting is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotASetting {
    /// Not 1 to 15 digits, the first of them no zero.
    Prefix(String),
    /// The smallest offset is above the largest, or one of them is on no clock (-720 to 840 minutes).
    Range(i16, i16),
    /// There are [`SETTINGS_MOST`] already.
    TooMany,
}

impl fmt::Display for NotASetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(text) => {
                write!(
                    f,
                    "`{text}` is not the beginning of a number: write the calling code's digits, as in \"1\" or \"49\""
                )
            }
            Self::Range(least, most) => {
                write!(
                    f,
                    "{least} to {most} is not a range of UTC offsets: write minutes from -720 to 840, the smaller first"
                )
            }
            Self::TooMany => write!(f, "more than {SETTINGS_MOST} settings of time zones"),
        }
    }
}

impl std::error::Error for NotASetting {}

impl Default for Zones {
    fn default() -> Self {
        let mut zones = Self { table: vec![0; 10_000], ranges: vec![zones::ANYWHERE], settings: Vec::new() };
        for length in 1..=4 {
            let rows = zones::CODES.iter().filter(|row| digits_of(u64::from(row.0)) == length);
            for (code, least, most) in rows {
                zones.fill(usize::from(*code), length, (*least, *most));
            }
        }
        let areas = [(&zones::UNITED_STATES_AREAS[..], zones::UNITED_STATES), (&zones::CANADA_AREAS, zones::CANADA)];
        for (codes, range) in areas {
            for code in codes {
                zones.fill(1_000 + usize::from(*code), 4, range);
            }
        }
        zones
    }
}

impl Zones {
    fn fill(&mut self, code: usize, length: u32, range: (i16, i16)) {
        let Some(zone) = self.zone_of(range) else { return };
        let each = 10usize.pow(4 - length);
        self.table[code * each..(code + 1) * each].fill(zone);
    }

    fn zone_of(&mut self, range: (i16, i16)) -> Option<u8> {
        let at = self.ranges.iter().position(|known| *known == range).unwrap_or(self.ranges.len());
        if at == self.ranges.len() {
            self.ranges.push(range);
        }
        // The table has fewer than 60 ranges and there are few settings, so a byte is enough.
        u8::try_from(at).ok()
    }

    /// Numbers that begin with these digits (calling code first, no +) show clocks in this range of offsets, in minutes
    /// (smallest, largest). A setting stands above every code of the table, also a longer one; of two settings the longer
    /// prefix counts, and the later one of the same prefix.
    pub fn set(&mut self, prefix: &str, offsets: (i16, i16)) -> Result<(), NotASetting> {
        let digits = prefix.len() as u32;
        let proper = prefix.bytes().all(|byte| byte.is_ascii_digit()) && !prefix.starts_with('0');
        let number = prefix.parse().ok().filter(|_| proper && digits <= DIGITS_MOST);
        let Some(number) = number else { return Err(NotASetting::Prefix(prefix.to_owned())) };
        let (least, most) = offsets;
        if least > most || least < zones::ANYWHERE.0 || most > zones::ANYWHERE.1 {
            return Err(NotASetting::Range(least, most));
        }
        let known = self.settings.iter().position(|setting| setting.prefix == number);
        if known.is_none() && self.settings.len() == SETTINGS_MOST {
            return Err(NotASetting::TooMany);
        }
        let zone = self.zone_of(offsets).ok_or(NotASetting::TooMany)?;
        match known {
            Some(at) => self.settings[at].zone = zone,
            None => {
                let at = self.settings.partition_point(|setting| setting.digits >= digits);
                self.settings.insert(at, Setting { prefix: number, digits, zone });
            }
        }
        Ok(())
    }

    /// The zone of a number (all digits, calling code first). [`Zone`] 0, anywhere on earth, if its code is nobody's.
    pub fn of(&self, phone_digits: u64) -> Zone {
        let length = digits_of(phone_digits);
        for setting in &self.settings {
            if length >= setting.digits && phone_digits / 10u64.pow(length - setting.digits) == setting.prefix {
                return Zone(setting.zone);
            }
        }
        let lead = if length > 4 { phone_digits / 10u64.pow(length - 4) } else { phone_digits * 10u64.pow(4 - length) };
        Zone(self.table[lead as usize])
    }

    /// The smallest and the largest offset of a zone, in minutes east of UTC.
    pub fn offsets(&self, zone: Zone) -> (i16, i16) {
        self.ranges.get(usize::from(zone.0)).copied().unwrap_or(zones::ANYWHERE)
    }

    /// How many zones there are: [`Zone`]s count from 0.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Never: there is always the zone of all others.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

fn digits_of(number: u64) -> u32 {
    number.checked_ilog10().map_or(1, |log| log + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Nine in the evening to eight in the morning.
    const NIGHT: Quiet = Quiet { from: 21 * 60, until: 8 * 60 };

    fn offsets(phone: u64) -> (i16, i16) {
        let zones = Zones::default();
        zones.offsets(zones.of(phone))
    }

    /// Day 20,000 after the epoch, at a UTC time of day.
    fn utc(hour: u64, minute: u64) -> Timestamp {
        Timestamp::from_unix_seconds(20_000 * 86_400 + hour * 3_600 + minute * 60)
    }

    #[test]
    fn well_known_numbers_are_where_their_cities_are_in_winter_and_in_summer() {
        for (city, phone, winter, summer) in [
            ("Vienna", 431_588_580_u64, 60, 120),
            ("London", 442_071_234_567, 0, 60),
            ("Lisbon", 351_213_456_789, 0, 60),
            ("Ponta Delgada", 351_296_123_456, -60, 0),
            ("Las Palmas", 34_928_123_456, 0, 60),
            ("New York", 12_125_550_100, -300, -240),
            ("Honolulu", 18_085_550_100, -600, -600),
            ("Anchorage", 19_075_550_100, -540, -480),
            ("Vancouver", 16_045_550_100, -480, -420),
            ("St. John's", 17_095_550_100, -210, -150),
            ("Kingston", 18_765_550_100, -300, -300),
            ("San Juan", 17_875_550_100, -240, -240),
            ("Hagåtña", 16_715_550_100, 600, 600),
            ("Tijuana", 526_641_234_567, -480, -420),
            ("Cancún", 529_981_234_567, -300, -300),
            ("Rio Branco", 556_832_123_456, -300, -300),
            ("Fernando de Noronha", 558_136_191_234, -120, -120),
            ("Easter Island", 56_322_100_123, -360, -300),
            ("Nuuk", 299_321_234, -120, -60),
            ("Kaliningrad", 74_012_123_456, 120, 120),
            ("Kamchatka", 74_152_123_456, 720, 720),
            ("Almaty", 77_272_123_456, 300, 300),
            ("Tehran", 982_112_345_678, 210, 210),
            ("Kabul", 93_201_234_567, 270, 270),
            ("Mumbai", 912_212_345_678, 330, 330),
            ("Kathmandu", 97_714_123_456, 345, 345),
            ("Yangon", 9_511_234_567, 390, 390),
            ("Perth", 61_892_123_456, 480, 480),
            ("Adelaide", 61_882_123_456, 570, 630),
            ("Lord Howe Island", 61_265_632_123, 630, 660),
            ("Chatham Islands", 6_433_050_123, 765, 825),
            ("Kiritimati", 68_681_123, 840, 840),
            ("Nicosia, north", 903_922_281_234, 120, 180),
        ] {
            let (least, most) = offsets(phone);
            assert!(least <= winter && summer <= most, "{city}: {winter} to {summer} within {least} to {most}");
            assert!(i32::from(most) - i32::from(least) <= 600, "{city}: no wider than Russia");
        }
        assert_eq!(offsets(77_011_234_567), (300, 300), "Kazakhstan is not Russia");
        assert_eq!(offsets(431_588_580), (60, 120));
        assert_eq!(offsets(12_125_550_100), (-600, -240));
        assert_eq!(offsets(16_045_550_100), (-480, -150));
        assert_eq!(offsets(12_115_550_100), (-600, -150), "an area code that nobody has");
    }

    #[test]
    fn a_code_that_nobody_has_may_be_anywhere() {
        for phone in [0, 8, 99_912_345_678, 88_161_234_567, 2_101_234_567, 80_012_345_678, 999_999_999_999_999] {
            assert_eq!(offsets(phone), (-720, 840), "{phone}");
        }
        assert_eq!(offsets(u64::MAX), (-600, -150), "not a number, and no harm done");
    }

    #[test]
    fn the_table_has_each_code_once_and_no_impossible_clock() {
        let mut codes: Vec<u16> = zones::CODES.iter().map(|row| row.0).collect();
        codes.extend(zones::UNITED_STATES_AREAS.iter().chain(&zones::CANADA_AREAS).map(|area| 1_000 + area));
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        for (code, least, most) in zones::CODES {
            assert!((1..10_000).contains(&code), "{code}");
            assert!(least <= most && least >= -720 && most <= 840 && least % 15 == 0 && most % 15 == 0, "{code}");
        }
        assert!(Zones::default().len() + SETTINGS_MOST <= 256, "a byte is enough for a zone");
    }

    #[test]
    fn a_setting_stands_above_the_table_and_a_longer_one_above_a_shorter() {
        let mut zones = Zones::default();
        zones.set("1", (-360, -300)).unwrap();
        zones.set("1808", (-600, -600)).unwrap();
        zones.set("4366", (60, 60)).unwrap();
        zones.set("1", (-420, -300)).unwrap();
        for (phone, range) in [
            (12_125_550_100, (-420, -300)),
            (17_875_550_100, (-420, -300)),
            (18_085_550_100, (-600, -600)),
            (436_601_234_567, (60, 60)),
            (431_588_580, (60, 120)),
        ] {
            assert_eq!(zones.offsets(zones.of(phone)), range, "{phone}");
        }
        assert_eq!(zones.of(43).0, zones.of(431_588_580).0, "shorter than a setting");
    }

    #[test]
    fn what_is_no_setting_is_refused_by_name() {
        let mut zones = Zones::default();
        for prefix in ["", "0", "049", "+1", "4x", "1234567890123456"] {
            assert_eq!(zones.set(prefix, (0, 0)), Err(NotASetting::Prefix(prefix.to_owned())));
        }
        for (least, most) in [(60, 0), (-721, 0), (0, 841)] {
            assert_eq!(zones.set("43", (least, most)), Err(NotASetting::Range(least, most)));
        }
        for n in 0..SETTINGS_MOST {
            zones.set(&format!("43{}", n + 100), (n as i16, n as i16)).unwrap();
        }
        assert_eq!(zones.set("44", (0, 0)), Err(NotASetting::TooMany));
        zones.set("43100", (7, 7)).unwrap();
        assert_eq!(zones.offsets(Zone(255)), (-720, 840));
    }

    #[test]
    fn a_night_lasts_over_midnight_by_the_contacts_clock() {
        let india = (330, 330);
        assert_eq!(NIGHT.ends(utc(15, 29), india), None, "20:59 there");
        assert_eq!(NIGHT.begins(utc(15, 29), india), utc(15, 30));
        assert_eq!(NIGHT.ends(utc(15, 30), india), Some(utc(26, 30)));
        assert_eq!(NIGHT.begins(utc(16, 0), india), utc(16, 0), "it is quiet");
        assert_eq!(NIGHT.ends(utc(2, 29), india), Some(utc(2, 30)));
        assert_eq!(NIGHT.ends(utc(2, 30), india), None);
        assert_eq!(NIGHT.begins(utc(2, 30), india), utc(15, 30));
        let lunch = Quiet { from: 12 * 60, until: 13 * 60 };
        assert_eq!(lunch.ends(utc(20, 15), (-480, -480)), Some(utc(21, 0)));
        assert_eq!(lunch.ends(utc(21, 0), (-480, -480)), None);
    }

    #[test]
    fn where_clocks_change_it_is_quiet_by_winter_and_by_summer_time() {
        let vienna = offsets(431_588_580);
        assert_eq!(NIGHT.begins(utc(12, 0), vienna), utc(19, 0), "21:00 in summer");
        assert_eq!(NIGHT.ends(utc(19, 0), vienna), Some(utc(24 + 7, 0)), "8:00 in winter");
        let america = offsets(12_125_550_100);
        assert_eq!(NIGHT.begins(utc(20, 0), america), utc(24 + 1, 0), "21:00 in New York in summer");
        assert_eq!(NIGHT.ends(utc(2, 0), america), Some(utc(18, 0)), "8:00 in Honolulu");
    }

    #[test]
    fn a_range_that_leaves_no_minute_of_the_day_counts_by_its_middle() {
        let anywhere = zones::ANYWHERE;
        assert_eq!(NIGHT.ends(utc(12, 0), anywhere), None, "13:00 at the middle, UTC+1");
        assert_eq!(NIGHT.begins(utc(12, 0), anywhere), utc(20, 0));
        assert_eq!(NIGHT.ends(utc(20, 0), anywhere), Some(utc(24 + 7, 0)));
        let minute_left = (0, 13 * 60 - 1);
        assert_eq!(NIGHT.ends(utc(8, 0), minute_left), None);
        assert_eq!(NIGHT.ends(utc(8, 1), minute_left), Some(utc(24 + 8, 0)));
        let none_left = (0, 13 * 60);
        assert_eq!(NIGHT.ends(utc(8, 1), none_left), None, "14:31 at the middle, UTC+6:30");
    }

    #[test]
    fn hours_that_begin_when_they_end_are_never_quiet() {
        let never = Quiet { from: 60, until: 60 };
        for hour in 0..24 {
            assert_eq!(never.ends(utc(hour, 0), (-720, 840)), None);
            assert_eq!(never.begins(utc(hour, 0), (-720, 840)), Timestamp::NEVER);
        }
    }

    proptest! {
        /// Minute by minute, and offset by offset.
        #[test]
        fn it_is_quiet_exactly_while_it_is_at_any_offset(
            from in 0u16..1_440,
            until in 0u16..1_440,
            least in -720i16..=840,
            width in 0i16..400,
            minute in 0u64..3_000,
        ) {
            let (quiet, range) = (Quiet { from, until }, (least, least.saturating_add(width).min(840)));
            let own = (i32::from(until) - i32::from(from)).rem_euclid(1_440);
            prop_assume!(own + i32::from(range.1 - range.0) < 1_440);
            let is_quiet = |minute: u64| (range.0..=range.1).any(|offset| {
                let clock = (minute as i64 + i64::from(offset)).rem_euclid(1_440) as u16;
                if from <= until { (from..until).contains(&clock) } else { clock >= from || clock < until }
            });
            let start = 20_000 * 1_440;
            let at = |minute: u64| Timestamp(minute * MINUTE);
            let now = start + minute;
            let next = (now..now + 1_441).find(|minute| is_quiet(*minute) != is_quiet(now));
            if is_quiet(now) {
                prop_assert_eq!(quiet.ends(at(now), range), next.map(at));
                prop_assert_eq!(quiet.begins(at(now), range), at(now));
            } else {
                prop_assert_eq!(quiet.ends(at(now), range), None);
                prop_assert_eq!(quiet.begins(at(now), range), next.map_or(Timestamp::NEVER, at));
            }
        }
    }
}
