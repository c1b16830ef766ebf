//! Checks as JUnit XML, which CI systems show: one suite a run, one case a check.

use crate::outcome::{Outcome, Verdict};
use std::fmt;
use std::io::{self, Write};

/// Writes all results.
///
/// # Errors
/// If the output does not take them.
pub fn write(out: &mut dyn Write, outcomes: &[Outcome]) -> io::Result<()> {
    let count = |verdict: Option<Verdict>| {
        let checks = outcomes.iter().flat_map(|outcome| &outcome.checks);
        checks.filter(|check| verdict.is_none_or(|wanted| check.verdict == wanted)).count()
    };
    let time: f64 = outcomes.iter().map(|outcome| outcome.wall_seconds).sum();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuites name=\"campaign-sim\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{time:.3}\">",
        count(None),
        count(Some(Verdict::Fail)),
        count(Some(Verdict::Skipped))
    )?;
    for outcome in outcomes {
        suite(out, outcome)?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
    let name = format!("{} at level {}", outcome.scenario, outcome.level);
    let count = |verdict| outcome.checks.iter().filter(|check| check.verdict == verdict).count();
    writeln!(
        out,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{:.3}\">",
        Escaped(&name),
        outcome.checks.len(),
        count(Verdict::Fail),
        count(Verdict::Skipped),
        outcome.wall_seconds
    )?;
    writeln!(out, "    <properties><property name=\"seed\" value=\"{}\"/></properties>", outcome.seed)?;
    for check in &outcome.checks {
        write!(out, "    <testcase classname=\"{}\" name=\"{}\"", Escaped(&name), Escaped(&check.name))?;
        match check.verdict {
            Verdict::Pass => writeln!(out, "/>")?,
            Verdict::Fail => writeln!(out, "><failure message=\"{}\"/></testcase>", Escaped(&check.detail))?,
            Verdict::Skipped => writeln!(out, "><skipped message=\"{}\"/></testcase>", Escaped(&check.detail))?,
        }
    }
    writeln!(out, "  </testsuite>")
}

/// Text inside an attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\n' | '\t' | '\r' => write!(f, "&#{};", c as u32)?,
                // XML 1.0 has no other control characters.
                c if c.is_control() => f.write_char('\u{FFFD}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
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
