//! Every kind of mistake in a scenario file is shown with its place, the text that is wrong, and what would be right.

use campaign_sim::scenario::{Diagnostic, Scenario};
use std::path::Path;

const GOOD: &str = "name = \"t\"\n[[campaign]]\nname = \"a\"\ncontacts = 100\n";

/// What is wrong with a file that starts with one good campaign. Lines count from the fifth.
fn after_good(text: &str) -> Diagnostic {
    mistake(&format!("{GOOD}{text}"))
}

fn mistake(text: &str) -> Diagnostic {
    match Scenario::parse(text, "some.toml", Path::new(env!("CARGO_MANIFEST_DIR"))) {
        Ok(_) => panic!("no mistake was found in\n{text}"),
        Err(mistake) => mistake,
    }
}

/// A mistake: the text behind a good campaign; line and column; the offending text; parts of what is wrong and of the help.
type Row = (&'static str, (u32, u32), &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    // Not TOML.
    ("[[fault]]\nkind = outage\n", (6, 8), "outage", "must be quoted", "into quotes"),
    ("[[fault]]\nkind = throttle\n", (6, 8), "throttle", "is not TOML", "into quotes"),
    ("story = november\n", (5, 9), "november", "is not TOML", "into quotes"),
    ("[[fault]]\nfrom = 10m\n", (6, 8), "10m", "must be quoted", "from = \"10m\""),
    ("[[fault]\n", (5, 9), "", "unclosed", "[[list of sections]]"),
    // Keys that do not exist.
    (
        "[[sender]]\nname = \"m\"\nthroughputt = 80\n",
        (7, 1),
        "throughputt",
        "[[sender]] has no key",
        "did you mean `throughput`? ",
    ),
    (
        "[[sender]]\nname = \"m\"\nspeed = 80\n",
        (7, 1),
        "speed",
        "no key `speed`",
        "name, portfolio, throughput, messaging_limit",
    ),
    ("[faults]\n", (5, 2), "faults", "the file has no key", "did you mean `fault`?"),
    ("[handset]\nread_shar = 0.5\n", (6, 1), "read_shar", "[handset] has no key", "did you mean `read_share`?"),
    ("[[contacts]]\nkind = \"blocked\"\nshares = 0.5\n", (7, 1), "shares", "no key `shares`", "did you mean `share`?"),
    (
        "[[operator]]\nat = \"2h\"\ndo = \"pause\"\ncampain = \"a\"\n",
        (8, 1),
        "campain",
        "no key",
        "did you mean `campaign`?",
    ),
    // Senders.
    ("[[sender]]\nthroughput = 80\n", (5, 1), "[[sender]]", "lacks `name`", "name = \"main\""),
    ("[[sender]]\nname = \"m\"\nthroughput = 0\n", (7, 14), "0", "out of bounds", "from 1 to 100_000"),
    ("[[sender]]\nname = \"m\"\nthroughput = -5\n", (7, 14), "-5", "out of bounds", "from 1 to 100_000"),
    ("[[sender]]\nname = \"m\"\nthroughput = \"80\"\n", (7, 14), "\"80\"", "is a string", "a whole number from 1"),
    (
        "[[sender]]\nname = \"m\"\n[[sender]]\nname = \"m\"\n",
        (8, 8),
        "\"m\"",
        "two senders named `m`",
        "a name of its own",
    ),
    (
        "[[sender]]\nname = \"m\"\nmessaging_limit = \"none\"\n",
        (7, 19),
        "\"none\"",
        "messaging_limit",
        "or \"unlimited\"",
    ),
    ("[[sender]]\nname = \"m\"\nmessaging_limit = 0\n", (7, 19), "0", "nothing is ever sent", "from 1 on"),
    (
        "[[sender]]\nname = \"m\"\nmessaging_limit = 7\n[[sender]]\nname = \"n\"\nmessaging_limit = 8\n",
        (10, 19),
        "8",
        "another messaging limit already",
        "the same for all its senders",
    ),
    // Campaigns.
    ("[[campaign]]\nname = \"a\"\ncontacts = 1\n", (6, 8), "\"a\"", "two campaigns named `a`", "a name of its own"),
    (
        "[[campaign]]\nname = \"a b\"\ncontacts = 1\n",
        (6, 8),
        "\"a b\"",
        "cannot be the name of a campaign",
        "letters, digits",
    ),
    (
        "[[campaign]]\nname = \"messages\"\ncontacts = 1\n",
        (6, 8),
        "\"messages\"",
        "[expect] could not tell",
        "another name",
    ),
    ("[[campaign]]\nname = \"b\"\n", (5, 1), "[[campaign]]", "lacks `contacts`", "contacts_file = \"people.csv\""),
    ("[[campaign]]\nname = \"b\"\ncontacts = 0\n", (7, 12), "0", "out of bounds", "from 1 to 20_000_000"),
    ("[[campaign]]\nname = \"b\"\ncontacts = 20_000_001\n", (7, 12), "20_000_001", "out of bounds", "to 20_000_000"),
    (
        "[[campaign]]\nname = \"b\"\ncontacts = 20_000_000\n",
        (7, 12),
        "20_000_000",
        "together have 20_000_100",
        "at most 20_000_000",
    ),
    (
        "[[campaign]]\nname = \"b\"\ncontacts = 1\ncontacts_file = \"x.csv\"\n",
        (8, 1),
        "contacts_file",
        "not both",
        "leave one",
    ),
    (
        "[[campaign]]\nname = \"b\"\ncontacts_file = \"no.csv\"\n",
        (7, 17),
        "\"no.csv\"",
        "cannot be read",
        "counts from the scenario file",
    ),
    (
        "[[campaign]]\nname = \"b\"\ncontacts = 1\nsender = \"mian\"\n",
        (8, 10),
        "\"mian\"",
        "no sender `mian`",
        "did you mean `main`?",
    ),
    (
        "[[campaign]]\nname = \"b\"\ncontacts = 1\nsenders = [\"main\", \"x\"]\n",
        (8, 20),
        "\"x\"",
        "no sender `x`",
        "main",
    ),
    (
        "[[campaign]]\nname = \"b\"\ncontacts = 1\ntemplate = \"Spring Sale\"\n",
        (8, 12),
        "\"Spring Sale\"",
        "name of a template",
        "small letters",
    ),
    (
        "[[campaign]]\nname = \"b\"\ncontacts = 1\ncategory = \"marketting\"\n",
        (8, 12),
        "\"marketting\"",
        "no category",
        "did you mean `marketing`?",
    ),
    (
        "[[campaign]]\nname = \"b\"\ncontacts = 1\nstart = \"tomorrow\"\n",
        (8, 9),
        "\"tomorrow\"",
        "not a length of time",
        "a number and a unit",
    ),
    (
        "[[campaign]]\nname = \"b\"\ncontacts = 1\nstart = \"400d\"\n",
        (8, 9),
        "\"400d\"",
        "too long",
        "at most \"365d\"",
    ),
    (
        "[[campaign]]\nname = \"b\"\ncontacts = 1\nquiet_hours = \"21-8\"\n",
        (8, 15),
        "\"21-8\"",
        "no quiet hours",
        "21:00..08:00",
    ),
    (
        "[[campaign]]\nname = \"b\"\ncontacts = 200\noverlap = 0.9\n",
        (8, 11),
        "0.9",
        "fewer such contacts",
        "smaller share",
    ),
    // Contacts and handsets.
    ("[[contacts]]\nshare = 0.1\n", (5, 1), "[[contacts]]", "lacks `kind`", "not_on_whatsapp"),
    (
        "[[contacts]]\nkind = \"blokced\"\nshare = 0.1\n",
        (6, 8),
        "\"blokced\"",
        "no kind of contacts",
        "did you mean `blocked`?",
    ),
    ("[[contacts]]\nkind = \"blocked\"\nshare = 1.5\n", (7, 9), "1.5", "between 0 and 1", "a share from 0 to 1"),
    (
        "[[contacts]]\nkind = \"blocked\"\nshare = 0.6\n[[contacts]]\nkind = \"replies\"\nshare = 0.6\n",
        (10, 9),
        "0.6",
        "add up to 1.2",
        "add up to 1 at most",
    ),
    (
        "[[contacts]]\nkind = \"replies\"\nshare = 0.1\nfor = \"2h\"\n",
        (8, 1),
        "for",
        "only `offline`",
        "leave `for` out",
    ),
    ("[[contacts]]\nkind = \"offline\"\nshare = 0.1\n", (5, 1), "[[contacts]]", "lacks `for`", "for = \"20h\""),
    (
        "[handset]\nread_after = { median = \"5m\", p99 = \"2m\" }\n",
        (6, 14),
        "{ median = \"5m\", p99 = \"2m\" }",
        "median <= p99",
        "a delay",
    ),
    ("[handset]\nread_after = 5\n", (6, 14), "5", "expected a delay", "\"300ms\""),
    ("[handset]\nread_share = \"most\"\n", (6, 14), "\"most\"", "is a string", "a share from 0 to 1"),
    // Faults.
    ("[[fault]]\nfrom = \"1m\"\n", (5, 1), "[[fault]]", "lacks `kind`", "outage, error"),
    ("[[fault]]\nkind = \"outtage\"\n", (6, 8), "\"outtage\"", "no kind of faults `outtage`", "did you mean `outage`?"),
    ("[[fault]]\nkind = \"error\"\n", (5, 1), "[[fault]]", "lacks `code`", "code = 131000"),
    ("[[fault]]\nkind = \"error\"\ncode = 424242\n", (7, 8), "424242", "no code 424242", "131000"),
    (
        "[[fault]]\nkind = \"outage\"\nrate = 5\n",
        (7, 1),
        "rate",
        "kind `outage` has no key `rate`",
        "belongs to throttle",
    ),
    ("[[fault]]\nkind = \"throttle\"\nrate = 0\n", (7, 8), "0", "out of bounds", "from 1"),
    (
        "[[fault]]\nkind = \"outage\"\nfrom = \"2h\"\nuntil = \"1h\"\n",
        (8, 9),
        "\"1h\"",
        "later than `from`",
        "a later `until`",
    ),
    ("[[fault]]\nkind = \"outage\"\nsender = \"mian\"\n", (7, 10), "\"mian\"", "no sender", "did you mean `main`?"),
    (
        "[[fault]]\nkind = \"template_paused\"\ntemplate = \"b\"\n",
        (7, 12),
        "\"b\"",
        "no template `b`",
        "the templates: a",
    ),
    ("[[fault]]\nkind = \"webhook_delay\"\ndelay = \"soon\"\n", (7, 9), "\"soon\"", "not a length of time", "a delay"),
    ("[[fault]]\nkind = \"clock_step\"\nby = \"back\"\n", (7, 6), "\"back\"", "no step of a clock", "-90s"),
    ("[fault]\nkind = \"outage\"\n", (5, 1), "[fault]", "is a table", "begun with [[fault]]"),
    // Operators.
    ("[[operator]]\ndo = \"pause\"\n", (5, 1), "[[operator]]", "lacks `at`", "at = \"2h\""),
    (
        "[[operator]]\nat = \"2h\"\ndo = \"stop\"\n",
        (7, 6),
        "\"stop\"",
        "no act `stop`",
        "pause, resume, cancel, resume_sender",
    ),
    (
        "[[operator]]\nat = \"2h\"\ndo = \"pause\"\ncampaign = \"b\"\n",
        (8, 12),
        "\"b\"",
        "no campaign `b`",
        "the campaigns: a",
    ),
    (
        "[[operator]]\nat = \"2h\"\ndo = \"pause\"\nsender = \"main\"\n",
        (8, 1),
        "sender",
        "done to a campaign",
        "write `campaign",
    ),
    // Engine and levels.
    ("[engine]\non_unknown = \"retry\"\n", (6, 14), "\"retry\"", "no rule `retry`", "resend, never"),
    // Expectations.
    ("[expect]\ncampain = \"Completed\"\n", (6, 1), "campain", "[expect] has no key", "did you mean `campaign`?"),
    (
        "[expect]\ncampaign = \"Complete\"\n",
        (6, 12),
        "\"Complete\"",
        "no state of campaigns",
        "did you mean `Completed`?",
    ),
    ("[expect]\nmessages.Deliverd = 5\n", (6, 10), "Deliverd", "has no key `Deliverd`", "did you mean `Delivered`?"),
    ("[expect]\nmessages.Read = \"90%..80%\"\n", (6, 17), "\"90%..80%\"", "wrong way round", "60%..80%"),
    ("[expect]\nmessages.Read = 101\n", (6, 17), "101", "there are only 100", "at most 100"),
    ("[expect]\nmessages = 5\n", (6, 12), "5", "no expectation by itself", "Queued, Sending"),
    ("[expect]\nduplicates = -1\n", (6, 14), "-1", "out of bounds", "from 0"),
    ("[expect]\nfinished_within = 72\n", (6, 19), "72", "is a whole number", "\"72h\""),
    ("[expect]\nlatency.accepted.p98 = \"2s\"\n", (6, 18), "p98", "has no key `p98`", "p50, p90, p99, p999, max"),
    ("[expect]\nmemory.engine_max = \"lots\"\n", (6, 21), "\"lots\"", "not a size", "512MB"),
    ("[expect.b]\ncampaign = \"Completed\"\n", (5, 9), "b", "[expect] has no key `b`", "webhook_lag, a"),
    ("[expect.a]\nthroughput_min = 5\n", (6, 1), "throughput_min", "over the whole run", "into [expect]"),
];

#[test]
fn every_mistake_is_shown_with_its_place_and_what_would_be_right() {
    for (text, (line, column), offending, what, help) in ROWS {
        let found = after_good(text);
        let shown = format!("{text}\n{found}");
        assert_eq!((found.line, found.column), (*line, *column), "{shown}");
        assert_eq!(&*found.offending, *offending, "{shown}");
        assert!(found.what.contains(what), "{shown}");
        assert!(found.help.contains(help), "{shown}");
        let printed = found.to_string();
        for part in [&format!("some.toml:{}:{}", found.line, found.column), &*found.snippet, offending, "help: ", "^"] {
            assert!(printed.contains(part), "`{part}` is not in\n{shown}");
        }
    }
}

fn after_name(text: &str) -> Diagnostic {
    mistake(&format!("name = \"t\"\n{text}[[campaign]]\nname = \"a\"\ncontacts = 100\n"))
}

#[test]
fn keys_of_the_file_itself_are_judged_like_all_others() {
    let rows: &[Row] = &[
        ("nmae = \"t\"\n", (2, 1), "nmae", "no key `nmae`", "did you mean `name`?"),
        ("seed = 1.5\n", (2, 8), "1.5", "a number with a point", "a whole number from 0"),
        (
            "seed = 99999999999999999999\n",
            (2, 8),
            "99999999999999999999",
            "out of bounds",
            "18_446_744_073_709_551_615",
        ),
        ("levels = [\"modle\"]\n", (2, 11), "\"modle\"", "no level `modle`", "did you mean `model`?"),
        ("levels = \"model\"\n", (2, 10), "\"model\"", "is a string", "levels = [\"model\", \"live\"]"),
        ("levels = []\n", (2, 10), "[]", "one level at least", "leave the key out"),
        ("levels = [\"live\", \"live\"]\n", (2, 19), "\"live\"", "twice", "once"),
        ("magic_numbers = \"yes\"\n", (2, 17), "\"yes\"", "is a string", "true or false"),
        ("story = 5\n", (2, 9), "5", "is a whole number", "in quotes"),
    ];
    for (text, place, offending, what, help) in rows {
        let found = after_name(text);
        assert_eq!((found.line, found.column), *place, "{found}");
        assert_eq!(&*found.offending, *offending, "{found}");
        assert!(found.what.contains(what) && found.help.contains(help), "{found}");
    }
}

#[test]
fn what_is_missing_altogether_is_said_too() {
    let no_name = mistake("[[campaign]]\nname = \"a\"\ncontacts = 1\n");
    assert!(no_name.what.contains("no name") && no_name.help.contains("name = "), "{no_name}");
    let no_campaign = mistake("name = \"t\"\n");
    assert!(no_campaign.what.contains("no campaign") && no_campaign.help.contains("[[campaign]]"), "{no_campaign}");
    let two_senders = mistake(
        "name = \"t\"\n[[sender]]\nname = \"x\"\n[[sender]]\nname = \"y\"\n[[campaign]]\nname = \"a\"\ncontacts = 1\n",
    );
    assert!(two_senders.what.contains("lacks `sender`") && two_senders.help.contains("x, y"), "{two_senders}");
    let no_file = Scenario::load(Path::new("no/such.toml")).unwrap_err();
    assert!(no_file.line == 0 && no_file.to_string().contains("no/such.toml"), "{no_file}");
}

#[test]
fn a_list_without_a_good_row_or_without_phones_is_a_mistake_of_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.csv"), "phone,name\nnobody,Ana\n").unwrap();
    std::fs::write(folder.path().join("headless.csv"), "tel,name\n+34612345678,Ana\n").unwrap();
    for (file, what) in [("empty.csv", "no contact with a valid number (1 bad rows)"), ("headless.csv", "phone")] {
        let text = format!("name = \"t\"\n[[campaign]]\nname = \"a\"\ncontacts_file = \"{file}\"\n");
        let found = Scenario::parse(&text, "some.toml", folder.path()).unwrap_err();
        assert_eq!((found.line, found.column), (4, 17), "{found}");
        assert!(found.what.contains(what), "{found}");
    }
}

#[test]
fn a_mistake_looks_like_a_compilers() {
    insta::assert_snapshot!(after_good("[[fault]]\nkind = \"outtage\"   # from the first minute\n"));
}
