//! Quotas, uniqueness and overlap of contacts.

use super::*;
use std::path::Path;

fn contacts(text: &str, seed: u64) -> Contacts {
    Contacts::new(&Scenario::parse(&format!("name = \"t\"\n{text}"), "t.toml", Path::new("")).unwrap(), seed, None)
}

#[test]
fn every_kind_has_exactly_its_share_at_every_size_and_seed() {
    for (size, seed) in [(1u32, 1), (7, 2), (1_000, 3), (12_345, 4)] {
        let text = format!(
            "[[campaign]]\nname = \"a\"\ncontacts = {size}\n[[contacts]]\nshare = 0.02\nkind = \"blocked\"\n\
             [[contacts]]\nshare = 0.125\nkind = \"offline\"\nfor = \"2h\"\n[[contacts]]\nshare = 0.3\nkind = \"replies\"\n"
        );
        let all = contacts(&text, seed);
        let count = |kind| (0..size).filter(|place| all.kind(*place) == kind).count() as f64;
        for (kind, share) in [(Kind::Blocked, 0.02), (Kind::Offline, 0.125), (Kind::Replies, 0.3)] {
            assert_eq!(count(kind), (share * f64::from(size)).round(), "{kind:?} of {size}");
        }
    }
}

#[test]
fn rounding_never_gives_away_more_contacts_than_there_are() {
    let groups = [Kind::Blocked, Kind::Replies].map(|kind| Group { share: 500_000, kind, away: None });
    for size in 0..20 {
        let quotas = quotas(&groups, size);
        assert_eq!(quotas.iter().map(|quota| quota.count).sum::<u32>(), size);
    }
}

#[test]
fn numbers_and_canonical_ids_of_all_contacts_are_unique() {
    let all = contacts(
        "[[campaign]]\nname = \"a\"\ncontacts = 100_000\n[[contacts]]\nshare = 0.5\nkind = \"other_wa_id\"\n",
        9,
    );
    let mut ids = BTreeSet::new();
    for place in 0..all.len() {
        let (phone, id) = (all.phone(place), all.wa_id(place));
        assert_eq!(phone != id, all.kind(place) == Kind::OtherWaId);
        assert!(ids.insert(id), "{id} twice");
        assert!(phone == id || ids.insert(phone), "{phone} twice");
    }
}

#[test]
fn campaigns_share_as_many_contacts_as_they_overlap() {
    let all = contacts(
        "[[campaign]]\nname = \"a\"\ncontacts = 1000\n[[campaign]]\nname = \"b\"\ncontacts = 500\noverlap = 0.3\n\
         [[campaign]]\nname = \"c\"\ncontacts = 100\noverlap = { share = 1, with = \"b\" }\n",
        1,
    );
    let set = |campaign: usize| {
        let audience = all.audience(campaign);
        (0..audience.len()).map(|message| audience.contact(message)).collect::<BTreeSet<_>>()
    };
    let (a, b, c) = (set(0), set(1), set(2));
    assert_eq!((a.len(), b.len(), c.len(), all.len()), (1000, 500, 100, 1350));
    assert_eq!((a.intersection(&b).count(), b.intersection(&c).count(), a.intersection(&c).count()), (150, 100, 0));
}

#[test]
fn a_number_in_two_lists_is_one_contact_and_made_ones_keep_away_from_it() {
    let mut scenario = Scenario::parse(
        "name = \"t\"\n[[campaign]]\nname = \"a\"\ncontacts = 10\n[[campaign]]\nname = \"b\"\ncontacts = 1\n[[campaign]]\nname = \"c\"\ncontacts = 1\n",
        "t.toml",
        Path::new(""),
    )
    .unwrap();
    let row = |phone: u64, name: &str| Row { phone, variables: vec![name.to_owned()] };
    let clash = phone(5, 3);
    let list = |rows| People::Listed(Arc::new(ContactList::of_rows("x.csv".into(), vec!["name".into()], rows)));
    scenario.campaigns[1].people = list(vec![row(clash, "Ana"), row(4_915_123_000_000, "Bo")]);
    scenario.campaigns[2].people = list(vec![row(4_915_123_000_000, "Cy")]);
    let all = Contacts::new(&scenario, 5, None);
    assert_eq!(all.len(), 12);
    assert_eq!(all.audience(2).contact(0), all.audience(1).contact(1));
    assert_eq!((all.variables(1, 1), all.variables(2, 0)), (vec!["Bo"], vec!["Cy"]));
    let unique: BTreeSet<u64> = (0..all.len()).map(|place| all.phone(place)).collect();
    assert_eq!(unique.len(), 12);
    assert_eq!(all.phone(all.audience(1).contact(0)), clash);
}
