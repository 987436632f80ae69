//! Where things are, and how steps are run and announced.

use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The project's folder.
pub(crate) struct Project {
    root: PathBuf,
    started: Instant,
}

impl Project {
    pub(crate) fn open() -> Result<Self> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent folder")?.to_owned();
        Ok(Project { root, started: Instant::now() })
    }

    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// Announces a step.
    pub(crate) fn say(&self, what: impl AsRef<str>) {
        let seconds = self.started.elapsed().as_secs();
        println!("\n[{:2}:{:02}] {}", seconds / 60, seconds % 60, what.as_ref());
    }

    /// A command in the project's folder, without the variables that cargo set for xtask.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command.current_dir(&self.root);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let of_cargo = text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST");
            if of_cargo || ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTC"].contains(&&*text) {
                command.env_remove(&name);
            }
        }
        command
    }

    /// A command's standard output, trimmed; `None` where it cannot be started or fails.
    pub(crate) fn output(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Option<String> {
        let output = self.command(program).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// Runs a command and fails with what it was where it fails.
pub(crate) fn run(command: &mut std::process::Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", describe(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", describe(command));
    }
    Ok(())
}

fn describe(command: &std::process::Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Whether a program is on PATH.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}
