//! The programs as processes of their own. Each ends with the run, however the run ends.
//!
//! They are this executable in another role (see [`crate::program`]): the same code as the programs' own binaries, and
//! never a stale one that happens to lie beside.

use super::Broken;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a program may take until it listens.
const START_MOST: u32 = 200;

/// Between two looks for the port.
const START_LOOK: Duration = Duration::from_millis(25);

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    Mock,
    Engine,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::Mock => "mock-whatsapp",
            Self::Engine => "campaign-engine",
        }
    }
}

/// All that run.
#[derive(Debug, Default)]
pub(super) struct Programs {
    running: Vec<(Program, Child, PathBuf)>,
}

impl Programs {
    /// Starts one; what it prints goes to `log`.
    pub(super) fn start(
        &mut self,
        program: Program,
        arguments: &[&str],
        files: &[(&str, PathBuf)],
        environment: &[(&str, String)],
        log: &Path,
    ) -> Result<(), Broken> {
        let output = File::create(log)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(program.name()).args(arguments);
        for (option, path) in files {
            command.arg(option).arg(path);
        }
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::from(output.try_clone()?)).stderr(Stdio::from(output));
        self.running.push((program, command.spawn()?, log.to_owned()));
        Ok(())
    }

    /// Waits until it listens, and gives the port.
    pub(super) async fn port(&mut self, program: Program, port_file: &Path, log: &Path) -> Result<u16, Broken> {
        for _ in 0..START_MOST {
            if let Ok(text) = std::fs::read_to_string(port_file)
                && let Ok(port) = text.trim().parse()
            {
                return Ok(port);
            }
            self.still_run()?;
            tokio::time::sleep(START_LOOK).await;
        }
        Err(Broken(format!("{} does not listen: {}", program.name(), tail(log))))
    }

    /// Whether all still run.
    pub(super) fn still_run(&mut self) -> Result<(), Broken> {
        for (program, child, log) in &mut self.running {
            if let Some(status) = child.try_wait()? {
                return Err(Broken(format!("{} ended with {status}: {}", program.name(), tail(log))));
            }
        }
        Ok(())
    }

    /// The most memory that a program ever held, in bytes, where the system tells.
    pub(super) fn memory_max(&self, program: Program) -> Option<u64> {
        let (_, child, _) = self.running.iter().find(|(running, ..)| *running == program)?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1_024)
    }

    /// Ends them all.
    pub(super) fn stop(&mut self) {
        for (_, child, _) in &mut self.running {
            // One that is gone already cannot be ended again: either way it does not run.
            if child.kill().is_ok() {
                drop(child.wait());
            }
        }
        self.running.clear();
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join(" | ")
}
