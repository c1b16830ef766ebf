//! JUnit XML, which CI systems show: suites of cases. The referee's judgement is written in it, and the simulator's checks.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

/// What belongs together.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// Its name, which is the class of its cases too.
    pub name: String,
    /// What else is worth knowing of it.
    pub properties: Vec<(&'static str, String)>,
    /// How long it took.
    pub seconds: Option<f64>,
    /// One by one.
    pub cases: Vec<Case>,
}

/// One thing that holds or does not.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is about.
    pub name: String,
    /// Whether it holds.
    pub verdict: Verdict,
    /// What there is to say about it whether it holds or not.
    pub remarks: Option<String>,
}

/// Whether a case holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Pass,
    /// It does not: in a line, and at length, which may be nothing.
    Fail(String, String),
    /// Nobody looked, for this reason.
    Skipped(String),
}

impl Case {
    /// A case about which there is no more to say.
    pub fn new(name: impl Into<String>, verdict: Verdict) -> Self {
        Self { name: name.into(), verdict, remarks: None }
    }
}

/// Writes a file.
///
/// # Errors
/// If the output does not take it.
pub fn write(out: &mut dyn Write, name: &str, suites: &[Suite]) -> io::Result<()> {
    let seconds = suites.iter().filter_map(|suite| suite.seconds).reduce(|sum, one| sum + one);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"{}\"{}>", Attribute(name), Numbers::of(suites, seconds))?;
    for suite in suites {
        let numbers = Numbers::of(std::slice::from_ref(suite), suite.seconds);
        writeln!(out, "  <testsuite name=\"{}\"{numbers}>", Attribute(&suite.name))?;
        if !suite.properties.is_empty() {
            write!(out, "    <properties>")?;
            for (name, value) in &suite.properties {
                write!(out, "<property name=\"{name}\" value=\"{}\"/>", Attribute(value))?;
            }
            writeln!(out, "</properties>")?;
        }
        for case in &suite.cases {
            write_case(out, &suite.name, case)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn write_case(out: &mut dyn Write, class: &str, case: &Case) -> io::Result<()> {
    write!(out, "    <testcase classname=\"{}\" name=\"{}\"", Attribute(class), Attribute(&case.name))?;
    if case.verdict == Verdict::Pass && case.remarks.is_none() {
        return writeln!(out, "/>");
    }
    write!(out, ">")?;
    match &case.verdict {
        Verdict::Pass => {}
        Verdict::Fail(line, text) if text.is_empty() => write!(out, "<failure message=\"{}\"/>", Attribute(line))?,
        Verdict::Fail(line, text) => {
            write!(out, "<failure message=\"{}\">{}</failure>", Attribute(line), Text(text))?;
        }
        Verdict::Skipped(line) => write!(out, "<skipped message=\"{}\"/>", Attribute(line))?,
    }
    if let Some(remarks) = &case.remarks {
        write!(out, "<system-out>{}</system-out>", Text(remarks))?;
    }
    writeln!(out, "</testcase>")
}

/// How many cases there are, as attributes.
struct Numbers {
    tests: usize,
    failures: usize,
    skipped: usize,
    seconds: Option<f64>,
}

impl Numbers {
    fn of(suites: &[Suite], seconds: Option<f64>) -> Self {
        let count = |wanted: fn(&Verdict) -> bool| {
            suites.iter().flat_map(|suite| &suite.cases).filter(|case| wanted(&case.verdict)).count()
        };
        Self {
            tests: count(|_| true),
            failures: count(|verdict| matches!(verdict, Verdict::Fail(..))),
            skipped: count(|verdict| matches!(verdict, Verdict::Skipped(_))),
            seconds,
        }
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " tests=\"{}\" failures=\"{}\" skipped=\"{}\"", self.tests, self.failures, self.skipped)?;
        match self.seconds {
            Some(seconds) => write!(f, " time=\"{seconds:.3}\""),
            None => Ok(()),
        }
    }
}

/// Text inside an element.
struct Text<'a>(&'a str);

/// Text inside an attribute, of which readers would make the ends of lines blanks.
struct Attribute<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| escape(f, c, c == '\n' || c == '\t'))
    }
}

impl fmt::Display for Attribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| escape(f, c, false))
    }
}

fn escape(f: &mut fmt::Formatter<'_>, c: char, as_it_is: bool) -> fmt::Result {
    match c {
        '&' => f.write_str("&amp;"),
        '<' => f.write_str("&lt;"),
        '>' => f.write_str("&gt;"),
        '"' => f.write_str("&quot;"),
        c if as_it_is => f.write_char(c),
        '\n' | '\t' | '\r' => write!(f, "&#{};", c as u32),
        // XML 1.0 has no other control characters, and not these two either.
        c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => f.write_char('\u{FFFD}'),
        c => f.write_char(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_names_and_texts_stays_text() {
        let cases = vec![
            Case::new("a<b", Verdict::Pass),
            Case::new("b", Verdict::Fail("two\nlines".to_owned(), "\"two\"\nlines\u{1}".to_owned())),
            Case { remarks: Some("but".to_owned()), ..Case::new("c", Verdict::Pass) },
            Case::new("d", Verdict::Skipped("later".to_owned())),
        ];
        let suite = Suite { name: "s&t".to_owned(), properties: vec![("seed", "7".to_owned())], seconds: None, cases };
        let timed = Suite { name: "timed".to_owned(), seconds: Some(0.5), ..Suite::default() };
        let mut written = Vec::new();
        write(&mut written, "all", &[suite, timed]).unwrap();
        let lines = [
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            r#"<testsuites name="all" tests="4" failures="1" skipped="1" time="0.500">"#,
            r#"  <testsuite name="s&amp;t" tests="4" failures="1" skipped="1">"#,
            r#"    <properties><property name="seed" value="7"/></properties>"#,
            r#"    <testcase classname="s&amp;t" name="a&lt;b"/>"#,
            r#"    <testcase classname="s&amp;t" name="b"><failure message="two&#10;lines">&quot;two&quot;"#,
            "lines\u{FFFD}</failure></testcase>",
            r#"    <testcase classname="s&amp;t" name="c"><system-out>but</system-out></testcase>"#,
            r#"    <testcase classname="s&amp;t" name="d"><skipped message="later"/></testcase>"#,
            "  </testsuite>",
            r#"  <testsuite name="timed" tests="0" failures="0" skipped="0" time="0.500">"#,
            "  </testsuite>",
            "</testsuites>\n",
        ];
        assert_eq!(String::from_utf8(written).unwrap(), lines.join("\n"));
    }
}
