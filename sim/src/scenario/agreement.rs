//! Whether every message of a scenario must end in the same state at every level, or only the promises hold at each.
//!
//! The rule is conservative and looks at the file alone: outcomes may differ as soon as one can hang on when something
//! happens, since levels differ in nothing else.

use super::{People, Scenario, faults};
use cloud_api::catalogue::{Class, find};
use cloud_api::time::Span;
use engine_core::limits::{DEADLINE, QUICK_WAITS, UNKNOWN_WAIT};
use mock_whatsapp_model::spec::{FaultKind, FaultSpec, Kind, MessagingLimit};
use std::collections::BTreeSet;

/// What the levels have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// Every message ends in the same state at every level.
    Exact,
    /// At every level promises and expectations hold. Why it is not more.
    Promises(Vec<String>),
}

impl Agreement {
    /// The class's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Promises(_) => "promises",
        }
    }

    /// The class of a scenario.
    pub fn of(scenario: &Scenario) -> Self {
        let sending = Sending::of(scenario);
        let mut reasons = Vec::new();
        limits(scenario, &sending, &mut reasons);
        for (place, fault) in scenario.faults.iter().enumerate() {
            let why = by_kind(fault).or_else(|| sending.edge(fault));
            reasons.extend(why.map(|why| format!("fault {} ({}) {why}", place + 1, faults::name(fault.kind))));
        }
        if !scenario.operators.is_empty() {
            reasons.push("what an operator does meets other messages at each level".to_owned());
        }
        if shares_contacts(scenario) {
            reasons.push("some contacts are in more than one campaign".to_owned());
        }
        if reasons.is_empty() { Self::Exact } else { Self::Promises(reasons) }
    }
}

/// When messages are sent: from the first campaign's start until the last retry that is not a matter of hours.
struct Sending {
    from: Span,
    until: Span,
    /// The longest that a campaign takes from its start.
    longest: Span,
}

impl Sending {
    fn of(scenario: &Scenario) -> Self {
        let from = scenario.campaigns.iter().map(|campaign| campaign.start).min().unwrap_or(Span::ZERO);
        let last = scenario.campaigns.iter().map(|campaign| campaign.start).max().unwrap_or(Span::ZERO);
        let queue = (0..scenario.senders.len()).map(|sender| queue(scenario, sender)).max().unwrap_or(Span::ZERO);
        let waits = if scenario.faults.is_empty() {
            Span::ZERO
        } else {
            QUICK_WAITS.iter().fold(Span::ZERO, |sum, wait| sum + *wait) + scenario.timing.failed_after.longest() * 4
        };
        let unknown = [FaultKind::Reset, FaultKind::LostReply, FaultKind::GarbledReply];
        let unknown = scenario.faults.iter().any(|fault| unknown.contains(&fault.kind));
        // Without evidence an attempt is given up after twice the wait, and there are four.
        let evidence = if unknown { UNKNOWN_WAIT * 8 } else { Span::ZERO };
        let delays = scenario
            .faults
            .iter()
            .filter_map(|fault| fault.delay.as_ref())
            .fold(Span::ZERO, |sum, delay| sum + delay.longest());
        let longest = queue + waits + evidence + delays * 4 + scenario.timing.answer_after.longest() * 4;
        Self { from, until: last + longest, longest }
    }

    /// Why a window that begins or ends while messages are sent meets other messages at each level.
    fn edge(&self, fault: &FaultSpec) -> Option<String> {
        let inside = |at: &Span| *at > self.from && *at < self.until;
        let at = Some(fault.from).filter(inside).or(fault.until.filter(inside))?;
        Some(format!("begins or ends at {at}, while messages are sent (until about {})", rounded(self.until)))
    }
}

/// Minutes are enough for a person.
fn rounded(span: Span) -> Span {
    Span::mins(span.as_secs().div_ceil(60))
}

/// How long a sender's own messages take it.
fn queue(scenario: &Scenario, sender: usize) -> Span {
    let messages: u64 = scenario
        .campaigns
        .iter()
        .filter(|campaign| campaign.senders.contains(&sender))
        .map(|campaign| u64::from(campaign.people.size()))
        .sum();
    Span::micros(messages.saturating_mul(1_000_000) / u64::from(scenario.senders[sender].throughput))
}

fn limits(scenario: &Scenario, sending: &Sending, reasons: &mut Vec<String>) {
    if sending.longest >= DEADLINE {
        reasons.push(format!("sending takes up to {}: the deadline of {DEADLINE} binds", rounded(sending.longest)));
    }
    let mut portfolios = BTreeSet::new();
    for sender in &scenario.senders {
        let MessagingLimit::Contacts(limit) = sender.messaging_limit else { continue };
        let is_its = |place: &usize| scenario.senders[*place].portfolio == sender.portfolio;
        let contacts: u64 = scenario
            .campaigns
            .iter()
            .filter(|campaign| campaign.senders.iter().any(is_its))
            .map(|campaign| u64::from(campaign.people.size()))
            .sum();
        if contacts > u64::from(limit) && portfolios.insert(&sender.portfolio) {
            reasons.push(format!(
                "the messaging limit of {limit} of portfolio `{}` binds: it sends to {contacts} contacts",
                sender.portfolio
            ));
        }
    }
    let marketing = scenario.campaigns.iter().any(|campaign| campaign.category == super::Category::Marketing);
    if marketing && scenario.groups.iter().any(|group| group.kind == Kind::MarketingCapped && group.share > 0) {
        reasons.push("marketing caps are retried every 24 h: the deadline binds".to_owned());
    }
}

/// Why a fault of this kind makes outcomes hang on time, whatever its window.
fn by_kind(fault: &FaultSpec) -> Option<String> {
    use FaultKind::*;
    let long = |what: &str| {
        let longest = fault.delay.as_ref().map_or(Span::ZERO, |delay| delay.longest());
        (longest >= UNKNOWN_WAIT)
            .then(|| format!("{what} up to {longest}, and after {UNKNOWN_WAIT} an attempt may be given up"))
    };
    match fault.kind {
        EngineCrash | EngineZombie | StaleStore => Some("takes the engine down".to_owned()),
        ClockStep => Some("moves the engine's clock".to_owned()),
        DiskFull | DiskSlow => Some("disturbs the engine's disk".to_owned()),
        WebhookLoss => Some("loses evidence".to_owned()),
        WebhookOutage | Outage => Some("holds up what arrives in that time".to_owned()),
        Throttle => Some("refuses whoever comes too fast".to_owned()),
        TokenRevoked | TemplatePaused | Tier => Some("holds up whatever is due".to_owned()),
        WebhookDelay => long("delays webhooks"),
        Latency | LostReply => long("delays messages"),
        Error => match find(fault.code.unwrap_or(0), None).class() {
            Class::MessagingLimit | Class::MarketingCap => {
                Some("is retried after 12 h or more: the deadline binds".to_owned())
            }
            Class::TemplateWide | Class::NumberWide | Class::AccountWide => Some("halts whatever is due".to_owned()),
            Class::Transient
            | Class::Throttled
            | Class::Pair
            | Class::InvalidContact
            | Class::Blocked
            | Class::Refused
            | Class::Generic => None,
        },
        Reset | GarbledReply | WebhookDuplicate | WebhookReorder | WebhookForged | StatusOddity => None,
        // No scenario has these.
        Drip | Close | WebhookSignature | WebhookBatch => None,
    }
}

fn shares_contacts(scenario: &Scenario) -> bool {
    let mut seen = BTreeSet::new();
    let listed = scenario.campaigns.iter().filter_map(|campaign| match &campaign.people {
        People::Listed(list) => Some(list),
        People::Generated(_) => None,
    });
    let overlap = scenario.campaigns.iter().any(|campaign| campaign.overlap.is_some_and(|overlap| overlap.share > 0));
    overlap || listed.flat_map(|list| &list.rows).any(|row| !seen.insert(row.phone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn class(text: &str) -> String {
        let text = format!("name = \"t\"\n{text}");
        match Agreement::of(&Scenario::parse(&text, "t.toml", Path::new("")).unwrap()) {
            Agreement::Exact => "exact".to_owned(),
            Agreement::Promises(reasons) => reasons.join("; "),
        }
    }

    #[test]
    fn outcomes_are_exact_where_nothing_hangs_on_time() {
        const SMALL: &str = "[[campaign]]\nname = \"a\"\ncontacts = 800\n";
        for text in [
            "",
            "[[fault]]\nkind = \"error\"\ncode = 131000\nshare = 0.1\n",
            "[[fault]]\nkind = \"reset\"\nshare = 0.1\naccepted = true\n",
            "[[fault]]\nkind = \"webhook_delay\"\ndelay = \"9m\"\n",
            "[[fault]]\nkind = \"webhook_duplicate\"\n",
            "[[fault]]\nkind = \"latency\"\ndelay = \"1s\"\nfrom = \"20h\"\n",
            "[[sender]]\nname = \"main\"\nmessaging_limit = 800\n",
        ] {
            assert_eq!(class(&format!("{SMALL}{text}")), "exact", "{text}");
        }
    }

    #[test]
    fn promises_remain_where_something_does_and_the_reason_is_said() {
        const SMALL: &str = "[[campaign]]\nname = \"a\"\ncontacts = 800\n";
        for (text, reason) in [
            ("[[fault]]\nkind = \"engine_crash\"\n", "fault 1 (engine_crash) takes the engine down"),
            ("[[fault]]\nkind = \"disk_full\"\n", "disk"),
            ("[[fault]]\nkind = \"webhook_loss\"\nshare = 0.1\n", "loses evidence"),
            ("[[fault]]\nkind = \"webhook_delay\"\ndelay = \"10m\"\n", "delays webhooks up to 10m"),
            ("[[fault]]\nkind = \"throttle\"\nrate = 4\n", "too fast"),
            ("[[fault]]\nkind = \"latency\"\ndelay = \"1s\"\nfrom = \"5s\"\n", "begins or ends at 5s"),
            ("[[fault]]\nkind = \"latency\"\ndelay = \"1s\"\nuntil = \"5s\"\n", "begins or ends at 5s"),
            ("[[fault]]\nkind = \"error\"\ncode = 131048\n", "the deadline binds"),
            ("[[sender]]\nname = \"main\"\nmessaging_limit = 799\n", "messaging limit of 799"),
            ("[[contacts]]\nshare = 0.1\nkind = \"marketing_capped\"\n", "marketing caps"),
            ("[[operator]]\nat = \"1s\"\ndo = \"pause\"\n", "operator"),
            ("[[campaign]]\nname = \"b\"\ncontacts = 10\noverlap = 0.5\n", "more than one campaign"),
            (
                "[[campaign]]\nname = \"b\"\ncontacts = 20_000_00\n[[sender]]\nname = \"m\"\nthroughput = 5\n",
                "deadline of 3d binds",
            ),
        ] {
            let found = class(&format!("{SMALL}{text}"));
            assert!(found.contains(reason), "{text}: {found}");
        }
    }
}
