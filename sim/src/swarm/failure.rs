//! `failure.json`: everything that it takes to see a failed run again, in one file.

use super::options::Options;
use super::trial::Trial;
use crate::outcome::Check;
use crate::scenario::{Diagnostic, Level, Scenario, Written};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::{fmt, io};

/// The form of the file that this build writes and reads.
const FORMAT: u32 = 1;
/// Messages that are named with a check.
const MESSAGES_NAMED: usize = 8;
/// The most that is read of such a file, in bytes: room for the contacts of a large list.
const FILE_MOST: u64 = 1 << 30;

/// A failed run. Fields may be added, none renamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// The level's name.
    pub level: String,
    /// What chance hung on.
    pub seed: u64,
    /// The size of each campaign that is not of a list, where the command line gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contacts: Option<u32>,
    /// How many times faster than real time the clocks of level live ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_scale: Option<f64>,
    /// What the seed drew, where a swarm drew it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Options>,
    /// The file that it is a variation of.
    pub file: String,
    /// The scenario that was run, as the text of a file.
    pub scenario: String,
    /// The lists of contacts that it names: file name and content.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contacts_files: BTreeMap<String, String>,
    /// The checks that failed.
    pub checks: Vec<Broken>,
    /// The running hash of all deliveries, where the run replays.
    pub fingerprint: Option<String>,
    /// The hash after each minute in which something happened, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "super::checkpoints::one_line")]
    pub checkpoints: Vec<(u32, String)>,
}

/// A check that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// Its name.
    pub name: String,
    /// What was found.
    pub detail: String,
    /// The first messages that it is about, by their ids across all campaigns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<u32>,
}

/// Why a failure cannot be run again.
#[derive(Debug)]
pub enum Error {
    /// The file cannot be read.
    Unreadable(io::Error),
    /// It is not such a file.
    Malformed(String),
    /// The scenario in it is wrong.
    Scenario(Box<Diagnostic>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "it cannot be read: {error}"),
            Self::Malformed(why) => write!(f, "it is no failure of a run: {why}"),
            Self::Scenario(mistake) => write!(f, "the scenario in it cannot be read:\n{mistake}"),
        }
    }
}

impl std::error::Error for Error {}

impl Failure {
    /// What is to be kept of a failed run of `scenario`.
    pub fn of(scenario: &Scenario, level: Level, seed: u64, options: Option<Options>, trial: &Trial) -> Self {
        let Written { text, contacts_files } = scenario.written();
        Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            level: level.name().to_owned(),
            seed,
            contacts: None,
            time_scale: None,
            options,
            file: scenario.file.clone(),
            scenario: text,
            contacts_files,
            checks: trial.failed.iter().map(Broken::of).collect(),
            fingerprint: trial.fingerprint().map(str::to_owned),
            checkpoints: super::checkpoints::kept(trial.outcome.as_ref()),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read or is of another form.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let size = std::fs::metadata(path).map_err(Error::Unreadable)?.len();
        if size > FILE_MOST {
            return Err(Error::Malformed(format!("it has {size} bytes, and {FILE_MOST} are the most")));
        }
        let text = std::fs::read_to_string(path).map_err(Error::Unreadable)?;
        let failure: Self = serde_json::from_str(&text).map_err(|error| Error::Malformed(error.to_string()))?;
        if failure.format != FORMAT {
            let form = failure.format;
            return Err(Error::Malformed(format!("its format is {form}, and this build reads format {FORMAT}")));
        }
        Ok(failure)
    }

    /// Writes the file, in a folder that is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        std::fs::write(path, text)
    }

    /// The scenario in it, with its lists of contacts.
    ///
    /// # Errors
    /// If the text of it is wrong, or the lists cannot be laid down for reading.
    pub fn scenario(&self) -> Result<Scenario, Error> {
        let folder = tempfile::tempdir().map_err(Error::Unreadable)?;
        for (name, content) in &self.contacts_files {
            let path = folder.path().join(name);
            if path.parent() != Some(folder.path()) {
                return Err(Error::Malformed(format!("the list of contacts \"{name}\" is not a file's name")));
            }
            std::fs::write(path, content).map_err(Error::Unreadable)?;
        }
        Scenario::parse(&self.scenario, &self.file, folder.path()).map_err(|mistake| Error::Scenario(Box::new(mistake)))
    }

    /// The level.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn level(&self) -> Result<Level, Error> {
        let known = Level::ALL.iter().find(|(name, _)| *name == self.level);
        known.map(|(_, level)| *level).ok_or_else(|| Error::Malformed(format!("there is no level `{}`", self.level)))
    }

    /// The names of the checks that failed.
    pub fn names(&self) -> Vec<String> {
        self.checks.iter().map(|check| check.name.clone()).collect()
    }
}

impl Broken {
    /// What is to be kept of a failed check.
    pub fn of(check: &Check) -> Self {
        let messages = check.messages.iter().copied().take(MESSAGES_NAMED).collect();
        Self { name: check.name.clone(), detail: check.detail.clone(), messages }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> (Scenario, Failure) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.csv"), "phone,name\n+49 151 23456789,Ana\n").unwrap();
        let text = "name = \"t\"\n[[campaign]]\nname = \"a\"\ncontacts_file = \"p.csv\"\n";
        let scenario = Scenario::parse(text, "t.toml", folder.path()).unwrap();
        let check = Check { messages: (0..100).collect(), ..Check::fail("no-duplicates", "two") };
        let trial = Trial { failed: vec![check], outcome: None };
        let checkpoints = vec![(0, "00ff".to_owned()), (9, "0a".to_owned())];
        let failure =
            Failure { checkpoints, ..Failure::of(&scenario, Level::Model, u64::MAX, Some(Options::default()), &trial) };
        (scenario, failure)
    }

    #[test]
    fn a_failure_carries_its_scenario_and_its_contacts_and_comes_back_from_its_file() {
        let (scenario, failure) = failed();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/failure.json");
        failure.save(&path).unwrap();
        let back = Failure::load(&path).unwrap();
        assert_eq!(back, failure);
        assert_eq!(back.scenario().unwrap().campaigns[0].people.size(), scenario.campaigns[0].people.size());
        assert_eq!((back.level().unwrap(), back.seed), (Level::Model, u64::MAX));
        assert_eq!(back.checks[0].messages.len(), MESSAGES_NAMED);
    }

    #[test]
    fn what_is_no_failure_is_refused_with_the_reason() {
        let (_, failure) = failed();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("failure.json");
        Failure { format: 9, ..failure.clone() }.save(&path).unwrap();
        assert!(Failure::load(&path).unwrap_err().to_string().contains("reads format 1"));
        std::fs::write(&path, "{}").unwrap();
        assert!(Failure::load(&path).unwrap_err().to_string().contains("no failure of a run"));
        let contacts_files = BTreeMap::from([("../x.csv".to_owned(), String::new())]);
        let outside = Failure { contacts_files, ..failure.clone() };
        assert!(outside.scenario().unwrap_err().to_string().contains("not a file's name"));
        assert!(Failure { level: "moon".to_owned(), ..failure }.level().is_err());
    }
}
