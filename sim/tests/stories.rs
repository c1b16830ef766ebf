//! Every story of `scenarios/` ends as it says, to the message. The two of a million messages run in full where the program is
//! optimised; here they are only read.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use campaign_sim::cli::RunOptions;
use campaign_sim::levels::model;
use campaign_sim::outcome::Verdict;
use campaign_sim::progress::Progress;
use campaign_sim::scenario::{Scenario, Wanted};
use std::path::{Path, PathBuf};

/// Messages up to which a story is run here.
const SMALL: u64 = 200_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn ends_as_it_says(name: &str) {
    let scenario = Scenario::load(&folder().join(format!("{name}.toml"))).unwrap();
    assert_eq!(scenario.name, name, "a file is named after its scenario");
    let exact = scenario.expectations.iter().filter(|expectation| matches!(expectation.wanted, Wanted::Messages(..)));
    assert!(exact.count() > 0, "{name} expects no count of messages");
    if scenario.messages() > SMALL {
        return;
    }
    let outcome = model::run(&scenario, &RunOptions::default(), &Progress::hidden()).unwrap();
    let failed: Vec<_> = outcome.checks.iter().filter(|check| check.verdict == Verdict::Fail).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

macro_rules! stories {
    ($($test:ident = $name:literal,)+) => {
        $(#[test]
        fn $test() {
            ends_as_it_says($name);
        })+

        #[test]
        fn no_story_is_forgotten() {
            let told = [$($name,)+];
            for entry in std::fs::read_dir(folder()).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "toml") {
                    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                    assert!(told.contains(&name.as_str()), "no test names {name}");
                }
            }
        }
    };
}

stories! {
    a_gateway_that_spoils_answers_makes_nobody_get_two = "bad-gateway",
    a_million_on_a_bad_day = "black-friday",
    thirty_crashes_lose_and_double_nothing = "crash-storm",
    a_last_word_after_the_deadline_is_not_retried = "failed-after-the-deadline",
    everything_arrives_when_everybody_is_back = "everyone-offline-overnight",
    a_million_with_everything_at_once = "everything-at-once",
    the_first_campaign_is_worked_out_from_its_shares = "first-campaign",
    a_full_disk_stops_the_engine_and_nothing_else = "full-disk",
    who_opted_out_is_not_written_to_again = "half-opted-out",
    halts_spend_nothing = "halts",
    a_wave_of_limits_waits_twelve_hours = "limit-wave",
    nobody_gets_two_where_nothing_may_be_resent = "never-twice",
    an_old_backup_doubles_only_what_it_forgot = "old-backup",
    an_outage_in_the_first_hour_costs_its_time = "outage-in-the-first-hour",
    nobody_is_woken_at_night = "quiet-nights",
    second_thoughts_are_obeyed = "second-thoughts",
    a_silence_outlives_the_engine_that_lay_in_it = "silence-before-a-crash",
    shuffled_statuses_end_like_clean_ones = "shuffled-statuses",
    statuses_before_the_reply_are_understood = "statuses-before-the-reply",
    a_template_paused_twice_holds_only_its_campaign = "template-paused-twice",
    a_tier_raised_midway_is_used = "tier-raised-midway",
    a_token_revoked_at_noon_spends_nothing = "token-revoked-at-noon",
    what_does_not_fit_into_three_days_says_so = "too-many-for-three-days",
    an_idle_channel_prolongs_nobodys_wait = "two-garbled-replies",
    campaigns_on_one_number_take_turns_by_rank = "two-campaigns-on-one-number",
    one_of_two_numbers_halts_and_the_other_goes_on = "two-numbers",
    webhooks_lost_for_an_hour_are_reported = "webhooks-lost-for-an-hour",
}
