//! Tests of the catalogue: its order, its look-up, and that its classes are those of the product's table.

use super::*;

/// The product's class table, written down a second time so that a slip in a row shows.
const CLASSES: &[(Class, &[u32])] = &[
    (Class::Transient, &[1, 2, 131_000, 131_016, 133_004, 134_101]),
    (Class::Throttled, &[130_429, 4, 80_007, 131_057]),
    (Class::Pair, &[131_056]),
    (Class::MessagingLimit, &[131_048, 131_064]),
    (Class::MarketingCap, &[131_049]),
    (Class::InvalidContact, &[131_026, 131_021, 131_030]),
    (Class::Blocked, &[130_403, 131_050]),
    (
        Class::Refused,
        &[
            100, 131_008, 131_009, 131_047, 131_051, 131_053, 130_472, 130_497, 132_000, 132_005, 132_007, 132_012,
            132_018, 135_000, 137_000,
        ],
    ),
    (Class::TemplateWide, &[132_001, 132_015, 132_016]),
    (Class::NumberWide, &[33, 131_031, 131_037, 131_045, 133_010]),
    (Class::AccountWide, &[0, 3, 10, 104, 190, 200, 299, 368, 131_005, 131_042, 131_063]),
];

/// The codes of the two tables of documented errors, ranges by their first code, and 2500 of the Graph API.
const DOCUMENTED: &[u32] = &[
    0, 1, 2, 3, 4, 10, 33, 100, 104, 190, 200, 368, 2_500, 80_007, 130_403, 130_429, 130_472, 130_497, 131_000,
    131_005, 131_008, 131_009, 131_016, 131_021, 131_026, 131_030, 131_031, 131_037, 131_042, 131_044, 131_045,
    131_047, 131_048, 131_049, 131_050, 131_051, 131_052, 131_053, 131_055, 131_056, 131_057, 131_059, 131_062,
    131_063, 131_064, 132_000, 132_001, 132_005, 132_007, 132_008, 132_012, 132_015, 132_016, 132_018, 132_068,
    132_069, 133_000, 133_004, 133_005, 133_006, 133_008, 133_009, 133_010, 133_015, 133_016, 134_011, 134_100,
    134_101, 134_102, 135_000, 137_000, 138_000, 139_100, 139_101, 139_102, 139_103, 1_752_041,
];

#[test]
fn rows_are_sorted_and_their_ranges_do_not_overlap() {
    for pair in ROWS.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        if before.code == after.code {
            assert!(before.subcode < after.subcode, "{} twice", after.code);
        } else {
            assert!(before.last < after.code, "{} after {}", after.code, before.code);
        }
        assert!(after.code <= after.last);
    }
}

#[test]
fn every_documented_code_has_a_row_and_no_other_has() {
    let mut codes: Vec<u32> = entries().map(|(_, entry)| entry.code).collect();
    codes.dedup();
    assert_eq!(codes, DOCUMENTED);
}

#[test]
fn every_code_has_the_class_of_the_product_table_and_the_rest_is_generic() {
    for &(class, codes) in CLASSES {
        for &code in codes {
            assert_eq!(find(code, None).class(), class, "{code}");
        }
    }
    for (index, entry) in entries().filter(|(_, entry)| entry.subcode.is_none()) {
        let named = CLASSES.iter().any(|(_, codes)| codes.iter().any(|code| (entry.code..=entry.last).contains(code)));
        assert_eq!(index.class() == Class::Generic, !named, "{}", entry.code);
    }
}

#[test]
fn every_row_is_found_by_its_own_code_and_subcode() {
    for (index, entry) in entries() {
        assert_eq!(find(entry.code, entry.subcode), index);
        assert_eq!(find(entry.last, entry.subcode), index);
        assert_eq!(index.entry(), entry);
        assert_eq!(index.code(), entry.code);
    }
    assert_eq!(find(CodeIndex::UNLISTED.code(), None), CodeIndex::UNLISTED);
}

#[test]
fn a_subcode_selects_its_own_row_and_an_unknown_one_the_bare_code() {
    assert_eq!(find(100, None).class(), Class::Refused);
    assert_eq!(find(100, Some(33)).class(), Class::AccountWide);
    assert_eq!(find(100, Some(2_388_024)), find(100, None));
    assert_eq!(find(190, Some(463)), find(190, None));
}

#[test]
fn the_permission_codes_are_one_range() {
    assert_eq!(find(200, None), find(299, None));
    assert_eq!(find(250, Some(1)).code(), 200);
    assert_eq!(find(199, None), CodeIndex::UNLISTED);
    assert_eq!(find(300, None), CodeIndex::UNLISTED);
}

#[test]
fn what_is_not_listed_is_generic_and_never_fails() {
    for code in [5, 34, 131_001, 999_999, u32::MAX] {
        assert_eq!(find(code, None), CodeIndex::UNLISTED, "{code}");
    }
    assert_eq!(CodeIndex::UNLISTED.class(), Class::Generic);
}

#[test]
fn an_index_survives_its_byte_and_zero_means_no_code() {
    assert_eq!(size_of::<Option<CodeIndex>>(), 1);
    assert_eq!(CodeIndex::from_raw(0), None);
    let valid = (0..=u8::MAX).filter_map(CodeIndex::from_raw).collect::<Vec<_>>();
    assert_eq!(valid.len(), entries().len() + 1);
    for index in valid {
        assert_eq!(CodeIndex::from_raw(index.raw()), Some(index));
        assert!(!index.entry().title.is_empty());
    }
}

#[test]
fn classes_are_numbered_in_order_and_named_apart() {
    for (position, class) in Class::ALL.into_iter().enumerate() {
        assert_eq!(usize::from(class as u8), position);
        assert!(class.name().chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        assert_eq!(Class::ALL.iter().filter(|other| other.name() == class.name()).count(), 1);
    }
}
