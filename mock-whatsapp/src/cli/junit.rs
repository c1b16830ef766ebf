//! The judgement as a suite of JUnit: one case a rule.

use crate::control::referee::{Judged, Judgement};
use crate::junit::{self, Case, Suite, Verdict};

/// The whole file.
pub(super) fn write(tenant: &str, judgement: &Judgement) -> Vec<u8> {
    let mut cases: Vec<Case> = judgement.rules.iter().map(case).collect();
    let complete = match judgement.verdict.as_str() {
        "incomplete" => Verdict::Fail("more happened than the referee can remember".to_owned(), String::new()),
        _ => Verdict::Pass,
    };
    cases.push(Case::new("complete", complete));
    let properties = vec![("sends", judgement.sends.to_string())];
    let suite = Suite { name: format!("referee {tenant}"), properties, seconds: None, cases };
    let mut file = Vec::new();
    // Memory takes it.
    junit::write(&mut file, "mock-whatsapp referee", &[suite]).unwrap_or_default();
    file
}

fn case(rule: &Judged) -> Case {
    if rule.ignored {
        return Case::new(&*rule.rule, Verdict::Skipped("this rule is ignored".to_owned()));
    }
    let lines = |certain: bool| -> String {
        let of = rule.evidence.iter().filter(|evidence| evidence.certain == certain);
        of.map(|evidence| {
            let to = evidence.to.as_deref().unwrap_or("-");
            format!("{to} {}: {}\n", evidence.requests.join(" "), evidence.why)
        })
        .collect()
    };
    let verdict = match rule.certain {
        0 => Verdict::Pass,
        certain => Verdict::Fail(format!("{certain} certain, {} suspected", rule.suspected), lines(true)),
    };
    let remarks = (rule.suspected > 0).then(|| format!("{} suspected\n{}", rule.suspected, lines(false)));
    Case { remarks, ..Case::new(&*rule.rule, verdict) }
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
        let text =
            String::from_utf8(write("a\"b", &Judgement { verdict: "guilty".to_owned(), sends: 9, rules })).unwrap();
        assert!(
            text.contains("<testsuite name=\"referee a&quot;b\" tests=\"4\" failures=\"1\" skipped=\"1\">"),
            "{text}"
        );
        assert!(text.contains("name=\"duplicate\"><failure message=\"1 certain, 0 suspected\">14155550123 r1 r2: twice &amp; &lt;again&gt;\n</failure></testcase>"), "{text}");
        assert!(text.contains("name=\"wasteful\"/>") && text.contains("name=\"malformed\"><skipped"), "{text}");
        assert!(text.contains("name=\"complete\"/>"), "{text}");
    }
}
