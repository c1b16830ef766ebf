//! The judgement as JUnit XML, which CI systems show: one case a rule.

use crate::control::referee::{Judged, Judgement};
use std::fmt::{self, Write};

/// The whole file.
pub(super) fn write(tenant: &str, judgement: &Judgement) -> String {
    let incomplete = judgement.verdict == "incomplete";
    let ignored = judgement.rules.iter().filter(|rule| rule.ignored).count();
    let failed = judgement.rules.iter().filter(|rule| !rule.ignored && rule.certain > 0).count();
    let numbers = format!(
        "tests=\"{}\" failures=\"{}\" skipped=\"{ignored}\"",
        judgement.rules.len() + 1,
        failed + usize::from(incomplete)
    );
    let name = Escaped(tenant);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"mock-whatsapp referee\" {numbers}>\n  \
         <testsuite name=\"referee {name}\" {numbers}>\n    <properties><property name=\"sends\" value=\"{}\"/></properties>\n",
        judgement.sends
    );
    for rule in &judgement.rules {
        // Writing to a text cannot fail.
        case(&mut text, tenant, rule).unwrap_or_default();
    }
    let end = if incomplete {
        "><failure message=\"more happened than the referee can remember\"/></testcase>"
    } else {
        "/>"
    };
    text.push_str(&format!("    <testcase classname=\"referee {name}\" name=\"complete\"{end}\n"));
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

fn case(text: &mut String, tenant: &str, rule: &Judged) -> fmt::Result {
    write!(text, "    <testcase classname=\"referee {}\" name=\"{}\"", Escaped(tenant), rule.rule)?;
    if rule.ignored {
        return writeln!(text, "><skipped message=\"this rule is ignored\"/></testcase>");
    }
    if rule.certain + rule.suspected == 0 {
        return writeln!(text, "/>");
    }
    let lines = |certain: bool| -> String {
        let of = rule.evidence.iter().filter(|evidence| evidence.certain == certain);
        of.map(|evidence| {
            let to = evidence.to.as_deref().unwrap_or("-");
            format!("{to} {}: {}\n", evidence.requests.join(" "), evidence.why)
        })
        .collect()
    };
    text.push('>');
    if rule.certain > 0 {
        let message = format!("{} certain, {} suspected", rule.certain, rule.suspected);
        write!(text, "<failure message=\"{message}\">{}</failure>", Escaped(&lines(true)))?;
    }
    if rule.suspected > 0 {
        write!(text, "<system-out>{} suspected\n{}</system-out>", rule.suspected, Escaped(&lines(false)))?;
    }
    writeln!(text, "</testcase>")
}

/// Text inside an attribute or an element.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\n' => f.write_char('\n')?,
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
    use super::*;
    use crate::control::referee::Evidence;

    #[test]
    fn a_rule_is_a_case_that_fails_by_what_is_certain() {
        let evidence = Evidence {
            to: Some("14155550123".to_owned()),
            requests: vec!["r1".to_owned(), "r2".to_owned()],
            why: "twice & <again>".to_owned(),
            certain: true,
            at: String::new(),
        };
        let judged = |rule: &str, certain, suspected, ignored| Judged {
            rule: rule.to_owned(),
            certain,
            suspected,
            ignored,
            evidence: vec![evidence.clone()],
            evidence_left_out: 0,
        };
        let rules =
            vec![judged("duplicate", 1, 0, false), judged("wasteful", 0, 0, false), judged("malformed", 2, 0, true)];
        let text = write("a\"b", &Judgement { verdict: "guilty".to_owned(), sends: 9, rules });
        assert!(
            text.contains("<testsuite name=\"referee a&quot;b\" tests=\"4\" failures=\"1\" skipped=\"1\">"),
            "{text}"
        );
        assert!(text.contains("name=\"duplicate\"><failure message=\"1 certain, 0 suspected\">14155550123 r1 r2: twice &amp; &lt;again&gt;\n</failure></testcase>"), "{text}");
        assert!(text.contains("name=\"wasteful\"/>") && text.contains("name=\"malformed\"><skipped"), "{text}");
        assert!(text.contains("name=\"complete\"/>"), "{text}");
    }
}
