//! Lists as people write them.

use super::*;

fn read(bytes: &[u8], region: Option<country::Id>) -> Result<(Vec<String>, Vec<Line>), Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv");
    std::fs::write(&path, bytes).unwrap();
    let mut list = List::open(&path, region, Digest::of_file(&path)?)?;
    let mut lines = Vec::new();
    while let Some(line) = list.next_line()? {
        lines.push(line);
    }
    Ok((list.columns().to_vec(), lines))
}

fn told(bytes: &[u8]) -> Vec<String> {
    let (_, lines) = read(bytes, None).unwrap();
    lines
        .into_iter()
        .map(|line| match line {
            Line::Contact { line, phone, variables } => format!("{line}: +{phone} {}", variables.join("|")),
            Line::Bad { line, reason, .. } => format!("{line}: BAD {reason}"),
        })
        .collect()
}

#[test]
fn every_bad_row_is_named_by_its_line_and_the_rest_goes_on() {
    let list = b"phone,name,share\n\
        +1 (415) 555-0132,Ana,20%\n\
        ,Bo,20%\n\
        hello,Cy,20%\n\
        +1415555,Di,20%\n\
        +14155550133,Ed\n\
        +14155550134,Fi,20%,more\n\
        +14155550135,,20%\n\
        +14155550136,\"two\nlines\",20%\n\
        +14155550137,\xFF\xFE,20%\n\
        4915112345678,Jo,20%\n";
    assert_eq!(
        told(list),
        [
            "2: +14155550132 Ana|20%",
            "3: BAD the phone number is missing",
            "4: BAD `hello` is not a phone number: it has a letter in it (`h`)",
            "5: BAD `+1415555` is not a valid phone number",
            "6: BAD too few columns: 2 instead of 3",
            "7: BAD too many columns: 4 instead of 3 (a value with a comma needs quotes)",
            "8: BAD column `name` is empty",
            "9: BAD column `name` has a line break or a tab, which WhatsApp refuses",
            "11: BAD column `name` is not valid UTF-8",
            "12: +4915112345678 Jo|20%",
        ]
    );
}

#[test]
fn a_letter_slipped_into_a_number_does_not_become_the_digit_of_its_key() {
    assert_eq!(
        parse_phone("+33 6 12 34 5O 78", None),
        Err("`+33 6 12 34 5O 78` is not a phone number: it has a letter in it (`O`)".to_owned())
    );
}

#[test]
fn the_phone_may_be_any_column_and_spreadsheets_may_use_semicolons_and_a_byte_order_mark() {
    let (columns, lines) = read(b"\xEF\xBB\xBFname;Phone\nAna;+14155550132\n", None).unwrap();
    assert_eq!(columns, ["name"]);
    assert_eq!(lines, [Line::Contact { line: 2, phone: 14_155_550_132, variables: vec!["Ana".into()] }]);
}

#[test]
fn national_numbers_need_a_region_and_all_spellings_of_a_number_are_one() {
    let phone = |text, region| parse_phone(text, region).ok();
    let german = Some(4_915_112_345_678);
    assert_eq!(phone("0151 12345678", Some(country::Id::DE)), german);
    assert_eq!(phone("+49 151 12345678", None), german);
    assert_eq!(phone("49 151 12345678", None), german);
    assert_eq!(phone("0049-151-12345678", None), german);
    assert_eq!(phone("0151 12345678", None), None);
    assert_eq!(phone("+39 06 12345678", None), Some(390_612_345_678), "a leading zero that belongs to the number");
}

#[test]
fn the_mocks_numbers_with_a_meaning_are_valid() {
    for ending in ["0200", "0404", "0403", "0429", "0500", "1026", "2015"] {
        assert!(parse_phone(&format!("+1415555{ending}"), None).is_ok(), "{ending}");
    }
}

#[test]
fn a_list_without_the_phone_column_is_refused_with_what_it_has() {
    let wrong = read(b"number,name\n+14155550132,Ana\n", None).unwrap_err().to_string();
    assert!(wrong.contains("no column `phone`") && wrong.contains("number, name"), "{wrong}");
    assert!(read(b"", None).is_err());
}
