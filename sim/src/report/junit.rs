//! Checks as JUnit XML, which CI systems show: one suite a run, one case a check.

use crate::outcome::{Check, Outcome, Verdict};
use mock_whatsapp::junit::{self, Case, Suite};
use std::io::{self, Write};

/// Writes all results.
///
/// # Errors
/// If the output does not take them.
pub fn write(out: &mut dyn Write, outcomes: &[Outcome]) -> io::Result<()> {
    let suites: Vec<Suite> = outcomes.iter().map(suite).collect();
    junit::write(out, "campaign-sim", &suites)
}

fn suite(outcome: &Outcome) -> Suite {
    Suite {
        name: format!("{} at level {}", outcome.scenario, outcome.level),
        properties: vec![("seed", outcome.seed.to_string())],
        seconds: Some(outcome.wall_seconds),
        cases: outcome.checks.iter().map(case).collect(),
    }
}

fn case(check: &Check) -> Case {
    let verdict = match check.verdict {
        Verdict::Pass => junit::Verdict::Pass,
        Verdict::Fail => junit::Verdict::Fail(check.detail.clone(), String::new()),
        Verdict::Skipped => junit::Verdict::Skipped(check.detail.clone()),
    };
    Case::new(&*check.name, verdict)
}

#[cfg(test)]
mod tests {
    use crate::outcome::Check;
    use crate::report::text::tests::{finished, scenario};

    #[test]
    fn each_check_is_a_case_and_markup_in_a_detail_stays_text() {
        let mut outcome = finished(&scenario());
        outcome.checks.push(Check::fail("truth", "\"a\" < b & c\n\u{1}"));
        let mut xml = Vec::new();
        super::write(&mut xml, &[outcome]).unwrap();
        let xml = String::from_utf8(xml).unwrap();
        assert_eq!(xml.matches("<testcase ").count(), 5);
        assert!(
            xml.contains("<testsuites name=\"campaign-sim\" tests=\"5\" failures=\"2\" skipped=\"1\" time=\"0.500\">"),
            "{xml}"
        );
        assert!(xml.contains("<failure message=\"&quot;a&quot; &lt; b &amp; c&#10;\u{FFFD}\"/>"), "{xml}");
        assert!(
            xml.contains("name=\"no-duplicates\"/>") && xml.contains("<skipped message=\"measured at level live"),
            "{xml}"
        );
    }
}
