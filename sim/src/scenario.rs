//! Scenario files: what one says, once every mistake in it has been ruled out.
//!
//! Types and loading are here; the sections are read in the submodules. Nothing here runs anything.

pub mod agreement;
pub(crate) mod campaigns;
pub mod count;
pub mod diagnostic;
pub mod expect;
pub(crate) mod faults;
pub mod lint;
pub(crate) mod parse;
mod reader;
pub mod write;

pub use agreement::Agreement;
pub use count::{Bound, Count};
pub use diagnostic::Diagnostic;
pub use expect::{Expectation, Percentile, Stretch, Wanted};
pub use write::Written;

use crate::contacts::ContactList;
use cloud_api::time::Span;
use engine_core::quiet::Zones;
use mock_whatsapp_model::spec::{FaultSpec, Kind, MessagingLimit, Timing};
use serde::Serialize;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Most contacts of all campaigns together. A row of the model is 80 bytes or so: this is what fits a large laptop.
pub const CONTACTS_MOST: u32 = 20_000_000;
/// Most senders; the mock's messages name theirs in a byte.
pub const SENDERS_MOST: usize = 64;
/// Most campaigns.
pub const CAMPAIGNS_MOST: usize = 1_000;
/// Most faults, and most operator's acts.
pub const FAULTS_MOST: usize = 1_000;
/// Most `[[contacts]]` groups.
pub const GROUPS_MOST: usize = 64;
/// The longest time that a file may name.
pub const TIME_MOST: Span = Span::hours(24 * 365);
/// The most that is read of a scenario file, in bytes.
pub const FILE_MOST: u64 = 1 << 20;

/// Everything that a scenario file says.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file, as it was named.
    pub file: String,
    /// Its name.
    pub name: String,
    /// What it is about, in a sentence or two.
    pub story: String,
    /// What all chance hangs on, unless the command line says otherwise.
    pub seed: u64,
    /// Where a plain `run` runs it, in this order.
    pub levels: Vec<Level>,
    /// Whether `+1 AAA 555 NNNN` has its meanings.
    pub magic_numbers: bool,
    /// The engine's configuration.
    pub engine: Engine,
    /// At least one.
    pub senders: Vec<Sender>,
    /// At least one.
    pub campaigns: Vec<Campaign>,
    /// Shares of the contacts whose telephones are not plain.
    pub groups: Vec<Group>,
    /// How long handsets take.
    pub timing: Timing,
    /// What goes wrong.
    pub faults: Vec<FaultSpec>,
    /// What people do, in order of time.
    pub operators: Vec<Operator>,
    /// What must hold at the end.
    pub expectations: Vec<Expectation>,
}

/// How a scenario is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Engine core and mock world, no sockets, virtual time.
    Model,
    /// The real services on a simulated network and clock.
    Stack,
    /// The real binaries on real sockets.
    Live,
}

/// `[engine]`.
#[derive(Clone, Debug)]
pub struct Engine {
    /// What an attempt ends as whose outcome stays unknown.
    pub on_unknown: OnUnknown,
    /// When contacts are left in peace, where a campaign does not say.
    pub quiet_hours: Option<QuietHours>,
    /// Where contacts live, as far as the settings say.
    pub zones: Zones,
    /// The same for those who judge: the beginning of a number, and minutes ahead of UTC, least and greatest.
    pub offsets: Vec<(String, i32, i32)>,
    /// Whether the STOP button is an opt-out.
    pub stop_is_an_opt_out: bool,
    /// Every key of the section, as it is written.
    pub settings: toml::Table,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            on_unknown: OnUnknown::default(),
            quiet_hours: None,
            zones: Zones::default(),
            offsets: Vec::new(),
            stop_is_an_opt_out: true,
            settings: toml::Table::new(),
        }
    }
}

/// What becomes of an attempt of unknown outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnknown {
    /// Given up, and the message sent again.
    #[default]
    Resend,
    /// The message ends as failed.
    Never,
}

/// `[[sender]]`: a telephone number that sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Its name.
    pub name: String,
    /// The portfolio that it belongs to.
    pub portfolio: String,
    /// Messages a second that WhatsApp allows it; the engine is configured with the same.
    pub throughput: u32,
    /// Its portfolio's. All senders of a portfolio have the same here.
    pub messaging_limit: MessagingLimit,
}

/// `[[campaign]]`.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Its name.
    pub name: String,
    /// Places in [`Scenario::senders`]; at least one.
    pub senders: Vec<usize>,
    /// To whom.
    pub people: People,
    /// What it sends.
    pub template: String,
    /// The template's language.
    pub language: String,
    /// The template's category.
    pub category: Category,
    /// When, from the start of the run.
    pub start: Span,
    /// Higher goes first.
    pub priority: u8,
    /// When nothing is sent.
    pub quiet_hours: Option<QuietHours>,
    /// Contacts that another campaign has too.
    pub overlap: Option<Overlap>,
}

/// A campaign's contacts.
#[derive(Clone, Debug)]
pub enum People {
    /// This many, made from the seed.
    Generated(u32),
    /// Those of a file.
    Listed(Arc<ContactList>),
}

/// What a template is to WhatsApp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Advertising: opt-outs and caps apply.
    Marketing,
    /// Orders, appointments.
    Utility,
    /// One-time passwords.
    Authentication,
}

/// A daily time in which nothing is sent, in minutes after midnight by the contact's own clock; over midnight where `from` is later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// The first quiet minute.
    pub from: u16,
    /// The first minute that is not quiet any more.
    pub until: u16,
}

impl QuietHours {
    /// The longest of them, in minutes. A country may span seven and a half hours of offsets; where less of the day is left,
    /// there would be no moment at which nobody in it has quiet hours.
    pub const LONGEST: u16 = 16 * 60;

    /// How long, in minutes.
    pub fn length(self) -> u16 {
        (self.until + 24 * 60 - self.from) % (24 * 60)
    }
}

/// Contacts that a campaign shares with an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// Of this campaign's contacts, in millionths.
    pub share: u32,
    /// With which campaign: its place, lower than this one's.
    pub with: usize,
}

/// `[[contacts]]`: a share of the contacts with another kind of telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Of all contacts, in millionths.
    pub share: u32,
    /// Which kind.
    pub kind: Kind,
    /// How long it is away, or capped.
    pub away: Option<Span>,
}

/// `[[operator]]`: something that a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// When, from the start of the run.
    pub at: Span,
    /// What.
    pub act: Act,
}

/// What an operator does; campaigns and senders by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Holds a campaign.
    Pause(usize),
    /// Lets it go on.
    Resume(usize),
    /// Ends it.
    Cancel(usize),
    /// Lifts a halt of a sender.
    ResumeSender(usize),
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn load(path: &Path) -> Result<Self, Diagnostic> {
        let name = path.display().to_string();
        let unreadable = |error: std::io::Error| {
            Diagnostic::of_file(
                &name,
                format!("the scenario file cannot be read: {error}"),
                "name a TOML file that exists",
            )
        };
        let size = std::fs::metadata(path).map_err(unreadable)?.len();
        if size > FILE_MOST {
            let what = format!("the file has {size} bytes, a scenario at most {FILE_MOST}");
            return Err(Diagnostic::of_file(&name, what, "put long lists of contacts into a contacts_file"));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&text, &name, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads the text of a file. `file` is what mistakes are reported under; contacts files are looked for from `base`.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn parse(text: &str, file: &str, base: &Path) -> Result<Self, Diagnostic> {
        parse::scenario(text, file, base)
    }

    /// How many messages all campaigns have together.
    pub fn messages(&self) -> u64 {
        self.campaigns.iter().map(|campaign| u64::from(campaign.people.size())).sum()
    }
}

impl People {
    /// How many.
    pub fn size(&self) -> u32 {
        match self {
            Self::Generated(size) => *size,
            Self::Listed(list) => u32::try_from(list.rows.len()).unwrap_or(u32::MAX),
        }
    }
}

impl Level {
    /// Every level, as files and the command line write them.
    pub const ALL: [(&'static str, Self); 3] = [("model", Self::Model), ("stack", Self::Stack), ("live", Self::Live)];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Stack => "stack",
            Self::Live => "live",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Category {
    /// Every category, as files and the API write them.
    pub const ALL: [(&'static str, Self); 3] =
        [("marketing", Self::Marketing), ("utility", Self::Utility), ("authentication", Self::Authentication)];
}
