//! A scenario as the text of a file: what the reader reads back as the same scenario.
//!
//! What is as the reader would take it by default is left out, so that a small scenario is a small file.

use super::count::grouped;
use super::expect::{Percentile, Stretch, Wanted};
use super::{Act, Campaign, Expectation, Group, Level, OnUnknown, Operator, People, Scenario, Sender, faults};
use crate::contacts::ContactList;
use cloud_api::time::Span;
use mock_whatsapp_model::distribution::Distribution;
use mock_whatsapp_model::spec::{FaultSpec, MessagingLimit, Timing};
use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

/// A scenario as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub text: String,
    /// The lists of contacts that it names, which lie beside it: file name and content.
    pub contacts_files: BTreeMap<String, String>,
}

impl Scenario {
    /// The text of a file that says the same.
    pub fn written(&self) -> Written {
        let mut contacts_files = BTreeMap::new();
        let mut text = String::new();
        // Writing into a String cannot fail.
        self.write(&mut text, &mut contacts_files).unwrap_or_default();
        Written { text, contacts_files }
    }

    fn write(&self, out: &mut String, files: &mut BTreeMap<String, String>) -> fmt::Result {
        writeln!(out, "name = {}", quoted(&self.name))?;
        if !self.story.is_empty() {
            writeln!(out, "story = {}", quoted(&self.story))?;
        }
        writeln!(out, "seed = {}", self.seed)?;
        if self.levels != [Level::Model] {
            let names: Vec<String> = self.levels.iter().map(|level| quoted(level.name())).collect();
            writeln!(out, "levels = [{}]", names.join(", "))?;
        }
        if self.magic_numbers {
            writeln!(out, "magic_numbers = true")?;
        }
        self.engine(out)?;
        for sender in &self.senders {
            one_sender(out, sender)?;
        }
        for (place, campaign) in self.campaigns.iter().enumerate() {
            self.campaign(out, place, campaign, files)?;
        }
        for group in &self.groups {
            contacts(out, group)?;
        }
        timing(out, &self.timing)?;
        for fault in &self.faults {
            one_fault(out, fault)?;
        }
        for operator in &self.operators {
            self.operator(out, operator)?;
        }
        self.expect(out)
    }

    fn engine(&self, out: &mut String) -> fmt::Result {
        let mut settings = self.engine.settings.clone();
        settings.remove("on_unknown");
        if self.engine.on_unknown == OnUnknown::Never {
            settings.insert("on_unknown".to_owned(), toml::Value::String("never".to_owned()));
        }
        if settings.is_empty() {
            return Ok(());
        }
        let mut whole = toml::Table::new();
        whole.insert("engine".to_owned(), toml::Value::Table(settings));
        write!(out, "\n{whole}")
    }

    fn campaign(
        &self,
        out: &mut String,
        place: usize,
        campaign: &Campaign,
        files: &mut BTreeMap<String, String>,
    ) -> fmt::Result {
        writeln!(out, "\n[[campaign]]\nname = {}", quoted(&campaign.name))?;
        match campaign.senders[..] {
            [_] if self.senders.len() == 1 => {}
            [sender] => writeln!(out, "sender = {}", quoted(&self.senders[sender].name))?,
            _ => {
                let names: Vec<String> =
                    campaign.senders.iter().map(|sender| quoted(&self.senders[*sender].name)).collect();
                writeln!(out, "senders = [{}]", names.join(", "))?;
            }
        }
        match &campaign.people {
            People::Generated(size) => writeln!(out, "contacts = {}", grouped(u64::from(*size)))?,
            People::Listed(list) => {
                let name = format!("{}-{}.csv", self.name, campaign.name);
                writeln!(out, "contacts_file = {}", quoted(&name))?;
                files.insert(name, csv(list));
            }
        }
        writeln!(out, "template = {}", quoted(&campaign.template))?;
        if campaign.language != "en_US" {
            writeln!(out, "language = {}", quoted(&campaign.language))?;
        }
        if let Some((name, _)) = super::Category::ALL.iter().skip(1).find(|(_, known)| *known == campaign.category) {
            writeln!(out, "category = {}", quoted(name))?;
        }
        if campaign.start != Span::ZERO {
            writeln!(out, "start = \"{}\"", campaign.start)?;
        }
        if campaign.priority != 0 {
            writeln!(out, "priority = {}", campaign.priority)?;
        }
        if let Some(quiet) = campaign.quiet_hours {
            let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
            writeln!(out, "quiet_hours = \"{}..{}\"", time(quiet.from), time(quiet.until))?;
        }
        if let Some(overlap) = campaign.overlap {
            let share = Share(overlap.share);
            if overlap.with + 1 == place {
                writeln!(out, "overlap = {share}")?;
            } else {
                let with = quoted(&self.campaigns[overlap.with].name);
                writeln!(out, "overlap = {{ share = {share}, with = {with} }}")?;
            }
        }
        Ok(())
    }

    fn operator(&self, out: &mut String, operator: &Operator) -> fmt::Result {
        let (act, about, name) = match operator.act {
            Act::Pause(place) => ("pause", "campaign", &self.campaigns[place].name),
            Act::Resume(place) => ("resume", "campaign", &self.campaigns[place].name),
            Act::Cancel(place) => ("cancel", "campaign", &self.campaigns[place].name),
            Act::ResumeSender(place) => ("resume_sender", "sender", &self.senders[place].name),
        };
        let at = operator.at;
        writeln!(out, "\n[[operator]]\nat = \"{at}\"\ndo = \"{act}\"\n{about} = {}", quoted(name))
    }

    fn expect(&self, out: &mut String) -> fmt::Result {
        let mut places: Vec<Option<usize>> = self.expectations.iter().map(|wanted| wanted.campaign).collect();
        places.sort_unstable();
        places.dedup();
        for place in places {
            match place {
                None => writeln!(out, "\n[expect]")?,
                Some(place) => writeln!(out, "\n[expect.{}]", quoted(&self.campaigns[place].name))?,
            }
            for expectation in self.expectations.iter().filter(|expectation| expectation.campaign == place) {
                expected(out, expectation)?;
            }
        }
        Ok(())
    }
}

fn one_sender(out: &mut String, sender: &Sender) -> fmt::Result {
    writeln!(out, "\n[[sender]]\nname = {}", quoted(&sender.name))?;
    if sender.portfolio != "default" {
        writeln!(out, "portfolio = {}", quoted(&sender.portfolio))?;
    }
    writeln!(out, "throughput = {}", sender.throughput)?;
    match sender.messaging_limit {
        MessagingLimit::Unlimited => Ok(()),
        MessagingLimit::Contacts(limit) => writeln!(out, "messaging_limit = {}", grouped(u64::from(limit))),
    }
}

fn contacts(out: &mut String, group: &Group) -> fmt::Result {
    writeln!(out, "\n[[contacts]]\nkind = \"{}\"\nshare = {}", faults::kind_name(group.kind), Share(group.share))?;
    match group.away {
        None => Ok(()),
        Some(away) => writeln!(out, "for = \"{away}\""),
    }
}

fn timing(out: &mut String, timing: &Timing) -> fmt::Result {
    let usual = Timing::default();
    if *timing == usual {
        return Ok(());
    }
    writeln!(out, "\n[handset]")?;
    for (key, delay, usual) in [
        ("sent_after", &timing.sent_after, &usual.sent_after),
        ("delivered_after", &timing.delivered_after, &usual.delivered_after),
        ("read_after", &timing.read_after, &usual.read_after),
        ("reply_after", &timing.reply_after, &usual.reply_after),
        ("failed_after", &timing.failed_after, &usual.failed_after),
        ("answer_after", &timing.answer_after, &usual.answer_after),
    ] {
        if delay != usual {
            writeln!(out, "{key} = {}", Delay(delay))?;
        }
    }
    if timing.read_share == usual.read_share {
        return Ok(());
    }
    writeln!(out, "read_share = {}", Share(timing.read_share))
}

fn one_fault(out: &mut String, fault: &FaultSpec) -> fmt::Result {
    writeln!(out, "\n[[fault]]\nkind = \"{}\"", faults::name(fault.kind))?;
    let mut key = |key: &str, value: Option<String>| match value {
        None => Ok(()),
        Some(value) => writeln!(out, "{key} = {value}"),
    };
    let number = |number: u32| number.to_string();
    let span = |span: Span| format!("\"{span}\"");
    key("from", Some(fault.from).filter(|from| *from != Span::ZERO).map(span))?;
    key("until", fault.until.map(span))?;
    key("share", Some(fault.share).filter(|share| *share != 1_000_000).map(|share| Share(share).to_string()))?;
    key("sender", fault.sender.as_deref().map(quoted))?;
    key("code", fault.code.map(number))?;
    key("asynchronous", fault.asynchronous.map(|is_so| is_so.to_string()))?;
    key("rate", fault.rate.map(number))?;
    key("delay", fault.delay.as_ref().map(|delay| Delay(delay).to_string()))?;
    key("accepted", fault.accepted.map(|is_so| is_so.to_string()))?;
    key("form", fault.form.as_deref().map(quoted))?;
    key("copies", fault.copies.map(|copies| copies.to_string()))?;
    key("times", fault.times.map(number))?;
    key("down_for", fault.down_for.map(span))?;
    key("age", fault.age.map(span))?;
    key("by", fault.by.as_deref().map(quoted))?;
    key("template", fault.template.as_deref().map(quoted))?;
    key(
        "messaging_limit",
        fault.messaging_limit.map(|limit| match limit {
            MessagingLimit::Unlimited => "\"unlimited\"".to_owned(),
            MessagingLimit::Contacts(limit) => number(limit),
        }),
    )
}

fn expected(out: &mut String, expectation: &Expectation) -> fmt::Result {
    let percentile = |wanted: Percentile| {
        Percentile::ALL.iter().find(|(_, known)| *known == wanted).map_or("max", |(name, _)| *name)
    };
    match expectation.wanted {
        Wanted::Campaign(state) => writeln!(out, "campaign = \"{}\"", state.name()),
        Wanted::FinishedWithin(span) => writeln!(out, "finished_within = \"{span}\""),
        Wanted::Duplicates(count) => writeln!(out, "duplicates = \"{count}\""),
        Wanted::Messages(state, count) => writeln!(out, "messages.{} = \"{count}\"", state.name()),
        Wanted::Latency(stretch, at, span) => {
            let stretch = match stretch {
                Stretch::Accepted => "accepted",
                Stretch::Delivered => "delivered",
            };
            writeln!(out, "latency.{stretch}.{} = \"{span}\"", percentile(at))
        }
        Wanted::ThroughputMin(rate) => writeln!(out, "throughput_min = {rate:.0}"),
        Wanted::EngineMemoryMax(bytes) => writeln!(out, "memory.engine_max = {bytes}"),
        Wanted::WebhookLag(at, span) => writeln!(out, "webhook_lag.{} = \"{span}\"", percentile(at)),
    }
}

/// The good rows of a list; bad ones have no part in a run.
fn csv(list: &ContactList) -> String {
    let field = |text: &str| {
        if text.contains(['"', ',', '\n', '\r']) || text != text.trim() {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    let mut text = String::from("phone");
    for column in &list.columns {
        text.push(',');
        text.push_str(&field(column));
    }
    text.push('\n');
    for row in &list.rows {
        text.push_str(&format!("+{}", row.phone));
        for variable in &row.variables {
            text.push(',');
            text.push_str(&field(variable));
        }
        text.push('\n');
    }
    text
}

/// A string as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Millionths as a number from 0 to 1.
struct Share(u32);

impl Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000);
        let text = text.trim_end_matches('0');
        f.write_str(text)?;
        if text.ends_with('.') { f.write_str("0") } else { Ok(()) }
    }
}

/// A delay, read back from the table that was made of its percentiles: the median is the middle of it, and it is cut at three
/// times the 99th.
struct Delay<'a>(&'a Distribution);

impl Display for Delay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, median, most) = (self.0.draw(0), self.0.draw(1 << 63), self.0.longest());
        if least == most {
            return write!(f, "\"{most}\"");
        }
        write!(f, "{{ median = \"{median}\", p99 = \"{}\" }}", most / 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    /// What the scenario says, without where it was read.
    fn said(mut scenario: Scenario) -> String {
        scenario.file.clear();
        scenario.engine.settings.remove("on_unknown");
        for campaign in &mut scenario.campaigns {
            if let People::Listed(list) = &campaign.people {
                let rows = list.rows.clone();
                let list = ContactList::of_rows(PathBuf::new(), list.columns.clone(), rows);
                campaign.people = People::Listed(std::sync::Arc::new(list));
            }
        }
        scenario.expectations.sort_by(|a, b| a.name.cmp(&b.name));
        format!("{scenario:#?}")
    }

    fn comes_back(scenario: Scenario) -> Written {
        let written = scenario.written();
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in &written.contacts_files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let back = Scenario::parse(&written.text, "back.toml", folder.path())
            .unwrap_or_else(|mistake| panic!("{mistake}\n{}", written.text));
        assert_eq!(said(back), said(scenario), "{}", written.text);
        written
    }

    #[test]
    fn every_shipped_scenario_is_read_back_as_it_was_written() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                comes_back(Scenario::load(&path).unwrap());
            }
        }
    }

    #[test]
    fn everything_that_a_file_can_say_is_read_back_as_it_was_written() {
        let text = r#"
            name = "all.of-it"
            story = "It says \"no\",\nand more."
            seed = 18446744073709551615
            levels = ["live", "model"]
            magic_numbers = true
            [engine]
            on_unknown = "never"
            zones = { "49" = ["+01:00", "+02:00"] }
            [[sender]]
            name = "a"
            portfolio = "p"
            throughput = 7
            messaging_limit = 1_000
            [[sender]]
            name = "b.c"
            [[campaign]]
            name = "x.y"
            senders = ["a", "b.c"]
            contacts = 1_000
            category = "utility"
            language = "de"
            start = "1h1us"
            priority = 9
            quiet_hours = "21:05..08:00"
            [[campaign]]
            name = "z"
            sender = "a"
            contacts = 10
            overlap = 0.123456
            [[campaign]]
            name = "third"
            sender = "a"
            contacts = 10
            overlap = { share = 1, with = "x.y" }
            [[contacts]]
            kind = "offline"
            share = 0.000001
            for = "2h"
            [[contacts]]
            kind = "opts_out"
            share = 0.5
            [handset]
            sent_after = "0s"
            delivered_after = { median = "1500ms", p99 = "8s" }
            read_share = 1
            [[fault]]
            kind = "error"
            code = 131000
            asynchronous = true
            share = 0.05
            from = "1s"
            until = "2s"
            sender = "b.c"
            [[fault]]
            kind = "clock_step"
            by = "-90s"
            [[fault]]
            kind = "stale_store"
            age = "2m"
            [[fault]]
            kind = "engine_crash"
            times = 3
            down_for = "4s"
            [[fault]]
            kind = "garbled_reply"
            form = "html"
            accepted = false
            [[fault]]
            kind = "webhook_duplicate"
            copies = 255
            [[fault]]
            kind = "throttle"
            rate = 3
            [[fault]]
            kind = "tier"
            messaging_limit = "unlimited"
            [[fault]]
            kind = "template_paused"
            template = "x_y"
            [[fault]]
            kind = "latency"
            delay = { median = "1us", p99 = "1s" }
            [[operator]]
            at = "5s"
            do = "resume_sender"
            sender = "b.c"
            [[operator]]
            at = "5s"
            do = "cancel"
            campaign = "z"
            [expect]
            duplicates = 0
            latency.accepted.p99 = "2s"
            throughput_min = 12
            memory.engine_max = "1MiB"
            webhook_lag.max = "1s"
            [expect."x.y"]
            campaign = "Failed"
            finished_within = "3d"
            messages.Read = "60%..80.5%"
            messages.Failed = "..7"
        "#;
        comes_back(Scenario::parse(text, "all.toml", Path::new("")).unwrap());
    }

    #[test]
    fn what_is_usual_is_not_written() {
        let text = "name = \"t\"\n[[campaign]]\nname = \"a\"\ncontacts = 3\n";
        let written = comes_back(Scenario::parse(text, "t.toml", Path::new("")).unwrap());
        assert_eq!(
            written.text,
            "name = \"t\"\nseed = 1\n\n[[sender]]\nname = \"main\"\nthroughput = 80\n\n[[campaign]]\nname = \"a\"\ncontacts = 3\n\
             template = \"a\"\n"
        );
    }

    #[test]
    fn a_list_keeps_its_rows_whatever_is_in_them() {
        let rows = [("Ana", "a,b"), (" \"Bo\" ", "x")].iter().zip(491_512_345_670u64..).map(|((name, word), phone)| {
            crate::contacts::Row { phone, variables: vec![(*name).to_owned(), (*word).to_owned()] }
        });
        let columns = vec!["name".to_owned(), "a,b".to_owned()];
        let list = ContactList::of_rows(PathBuf::new(), columns, rows.collect());
        assert_eq!(csv(&list), "phone,name,\"a,b\"\n+491512345670,Ana,\"a,b\"\n+491512345671,\" \"\"Bo\"\" \",x\n");
    }
}
