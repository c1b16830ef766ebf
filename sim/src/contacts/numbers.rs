//! Mobile numbers that look real, made from a seed and a place: 64 ranges of a million numbers each, in some 45 countries.
//!
//! Each range is one that libphonenumber takes for mobile (or cannot tell from it, where a country does not separate them).
//! None is of the form `+1 AAA 555 NNNN`. Nobody is called: these numbers exist in simulations only.

use mock_whatsapp_model::fate::{What, fate, join, permute};

/// The digits before the last six.
const RANGES: [u32; 64] = [
    4_915_123, 491_602, 4_917_612, 447_400, 447_411, 447_512, 33_612, 33_678, 33_745, 34_612, 393_471, 393_331, 31_612,
    32_475, 351_912, 351_936, 41_792, 46_701, 48_501, 353_851, 5_511_981, 5_521_991, 5_531_987, 5_551_996, 5_571_988,
    525_512, 523_312, 5_491_123, 5_491_155, 573_101, 56_961, 51_912, 14_153, 12_123, 13_054, 17_134, 14_163, 919_810,
    919_845, 6_281_211, 639_171, 84_912, 66_812, 60_123, 819_012, 821_023, 2_348_031, 27_821, 254_712, 201_012,
    233_241, 905_321, 966_501, 971_501, 61_412, 64_212, 6_581, 43_664_123, 40_721, 380_671, 77_011, 420_602, 36_201,
    358_401,
];
/// Numbers in a range.
const EACH: u64 = 1_000_000;
/// A little less than 2^26, an even power of two: the permutation lands inside at the first attempt 19 times of 20.
const ALL: u64 = RANGES.len() as u64 * EACH;

const _: () = assert!(ALL > 2 * crate::scenario::CONTACTS_MOST as u64);

/// The stock of given names, in several scripts.
pub(super) const NAMES: [&str; 48] = [
    "Amara",
    "Ana",
    "Anders",
    "Ángel",
    "Anjali",
    "Ayşe",
    "Björn",
    "Camila",
    "Chidi",
    "Chloé",
    "Dmytro",
    "Elif",
    "Emeka",
    "Fatima",
    "François",
    "Giulia",
    "Hana",
    "Ines",
    "Ivo",
    "Jamal",
    "João",
    "Jürgen",
    "Kateryna",
    "Kwame",
    "Lerato",
    "Liam",
    "Linh",
    "Lucía",
    "Mariam",
    "Mateo",
    "Mei",
    "Niamh",
    "Noor",
    "Oluwaseun",
    "Øystein",
    "Priya",
    "Rafael",
    "Saoirse",
    "Siti",
    "Thabo",
    "Zoë",
    "Андрій",
    "Ольга",
    "محمد",
    "नेहा",
    "さくら",
    "서준",
    "嘉欣",
];

/// The numbers of one seed.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    key: u64,
}

impl Numbers {
    /// Those of this seed.
    pub const fn new(seed: u64) -> Self {
        Self { key: fate(seed, 0, What::Phone) }
    }

    /// The number at a place, as the digits of E.164; no two places below 64 million have the same.
    ///
    /// # Panics
    /// If `place` is 64 million or more; a scenario has at most [`crate::scenario::CONTACTS_MOST`].
    #[inline]
    pub fn phone(&self, place: u64) -> u64 {
        let number = permute(self.key, place, ALL);
        u64::from(RANGES[(number / EACH) as usize]) * EACH + number % EACH
    }

    /// The given name of whoever is at a place.
    pub fn name(&self, place: u64) -> &'static str {
        NAMES[self.name_at(place)]
    }

    /// Which of [`NAMES`] it is.
    #[inline]
    pub fn name_at(&self, place: u64) -> usize {
        (join(self.key, place) % NAMES.len() as u64) as usize
    }
}

/// The number at a place under a seed; for many of them, [`Numbers`] is quicker.
pub fn phone(seed: u64, place: u64) -> u64 {
    Numbers::new(seed).phone(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mock_whatsapp_model::handset::other_id;
    use std::collections::BTreeSet;

    #[test]
    fn two_thousand_numbers_are_unique_and_libphonenumber_takes_each_for_a_mobile_one() {
        let mut seen = BTreeSet::new();
        for place in 0..2_000 {
            let number = phone(42, place);
            assert!(seen.insert(number), "{number} twice");
            let text = format!("+{number}");
            let parsed = phonenumber::parse(None, &text).unwrap();
            assert!(phonenumber::is_valid(&parsed), "{text}");
            assert_eq!(parsed.format().mode(phonenumber::Mode::E164).to_string(), text);
            let kind = format!("{:?}", parsed.number_type(&phonenumber::metadata::DATABASE));
            assert!(kind.contains("Mobile"), "{text} is {kind}");
        }
    }

    #[test]
    fn every_range_is_valid_from_its_first_number_to_its_last_and_none_has_a_meaning() {
        for range in RANGES {
            for rest in [0, 1, 111_111, 500_000, 987_654, 999_999] {
                let number = u64::from(range) * EACH + rest;
                let parsed = phonenumber::parse(None, format!("+{number}")).unwrap();
                assert!(phonenumber::is_valid(&parsed), "{number}");
                let north_american = (10_000_000_000..20_000_000_000).contains(&number);
                assert!(!north_american || number / 10_000 % 1_000 != 555, "{number}");
            }
        }
    }

    #[test]
    fn numbers_and_names_are_pinned_since_every_fingerprint_hangs_on_them() {
        let numbers = Numbers::new(42);
        let some: Vec<_> = (0..4).map(|place| format!("{} {}", numbers.phone(place), numbers.name(place))).collect();
        assert_eq!(some, ["48501763519 Amara", "60123773408 Thabo", "43664123718497 Giulia", "420602689304 François"]);
    }

    #[test]
    fn another_id_drops_or_inserts_one_digit() {
        let pairs = [
            (5_511_981_234_567, 551_181_234_567),
            (525_512_345_678, 5_215_512_345_678),
            (5_491_123_456_789, 54_991_123_456_789),
            (4_915_123_456_789, 49_115_123_456_789),
            (6_581_234_567, 65_181_234_567),
            (14_153_123_456, 141_153_123_456),
        ];
        for (phone, id) in pairs {
            assert_eq!(other_id(phone), id);
        }
    }
}
