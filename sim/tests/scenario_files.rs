//! The scenario files that are shipped: that they are what their comments say.

use campaign_sim::contacts::Contacts;
use campaign_sim::scenario::{Agreement, People, Scenario};
use mock_whatsapp_model::spec::Kind;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn load(name: &str) -> Scenario {
    Scenario::load(&folder().join(name)).unwrap_or_else(|mistake| panic!("{mistake}"))
}

#[test]
fn every_file_is_without_mistakes_and_has_a_story_and_expectations() {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let scenario = Scenario::load(&path).unwrap_or_else(|mistake| panic!("{mistake}"));
            assert!(!scenario.story.is_empty() && !scenario.expectations.is_empty(), "{}", path.display());
            assert!(names.insert(scenario.name.clone()), "{} is the name of two files", scenario.name);
            assert_eq!(path.file_stem().unwrap().to_str(), Some(scenario.name.as_str()));
        }
    }
    assert!(names.contains("first-campaign") && names.contains("black-friday"));
}

#[test]
fn the_first_campaign_agrees_exactly_and_its_expectations_are_its_shares() {
    let scenario = load("first-campaign.toml");
    assert_eq!(Agreement::of(&scenario), Agreement::Exact);
    let contacts = Contacts::new(&scenario, scenario.seed, None);
    let counts: Vec<(Kind, u32)> = contacts.quotas().iter().map(|quota| (quota.kind, quota.count)).collect();
    assert_eq!(
        counts,
        [
            (Kind::NotOnWhatsapp, 12),
            (Kind::Blocked, 9),
            (Kind::ReceiptsOff, 30),
            (Kind::Offline, 15),
            (Kind::Replies, 30),
            (Kind::OptsOut, 6),
            (Kind::ReportsSpam, 3),
            (Kind::OtherWaId, 9),
        ]
    );
    assert_eq!(contacts.len() - 12 - 9 - 30 - 30 - 6, 211, "those who read");
}

#[test]
fn the_list_of_people_has_good_bad_and_repeated_rows_and_no_number_with_a_meaning() {
    let scenario = load("first-campaign.toml");
    let People::Listed(list) = &scenario.campaigns[0].people else { panic!("not a list") };
    assert_eq!((list.rows.len(), list.rejected.len(), list.repeated), (298, 8, 6));
    assert_eq!(list.columns, ["name"]);
    for row in &list.rows {
        let text = format!("+{}", row.phone);
        let parsed = phonenumber::parse(None, &text).unwrap();
        assert!(phonenumber::is_valid(&parsed), "{text}");
        let north_american = (10_000_000_000..20_000_000_000).contains(&row.phone);
        assert!(!north_american || row.phone / 10_000 % 1_000 != 555, "{text}");
    }
}

#[test]
fn black_friday_is_a_matter_of_promises_and_says_why() {
    let Agreement::Promises(reasons) = Agreement::of(&load("black-friday.toml")) else { panic!("exact") };
    assert!(reasons.iter().any(|reason| reason.contains("throttle")), "{reasons:?}");
}
