//! `cargo xtask lint`: formatting, clippy, rustdoc, TypeScript, TypeDoc, Biome, cargo-deny. `cargo xtask audit`:
//! advisories.

use crate::build;
use crate::project::Project;
use crate::setup::{self, Npm};
use anyhow::{Result, bail};

pub(crate) fn lint(project: &Project, fix: bool) -> Result<()> {
    build::build(project)?;
    setup::npm(project, Npm::Everything)?;
    let mut failed = Vec::new();
    let mut check =
        |name: &str, program: &str, args: &[&str], variable: Option<(&str, &str)>| -> Result<()> {
            project.say(name);
            let mut command = project.command(program);
            command.args(args).envs(variable);
            if !command.status()?.success() {
                failed.push(name.to_owned());
            }
            Ok(())
        };
    let format: &[&str] = if fix { &["fmt", "--all"] } else { &["fmt", "--all", "--check"] };
    check("rustfmt", "cargo", format, None)?;
    let clippy = ["clippy", "--locked", "--all-targets", "--all-features", "--", "-D", "warnings"];
    check("clippy", "cargo", &clippy, None)?;
    let fuzz = ["clippy", "--locked", "--package", "vault-fuzz", "--", "-D", "warnings"];
    check("clippy: fuzz targets", "cargo", &fuzz, None)?;
    let doc = ["doc", "--locked", "--no-deps", "--quiet"];
    check("rustdoc", "cargo", &doc, Some(("RUSTDOCFLAGS", "-D warnings")))?;
    let biome: &[&str] = if fix { &["check", "--write", "."] } else { &["ci", "."] };
    check("biome", "node_modules/.bin/biome", biome, None)?;
    check("tsc: js", "node_modules/.bin/tsc", &["--noEmit", "--project", "js/tsconfig.json"], None)?;
    check(
        "tsc: tests and examples",
        "node_modules/.bin/tsc",
        &["--noEmit", "--project", "tests/tsconfig.json"],
        None,
    )?;
    check("tsc: command line", "node_modules/.bin/tsc", &["--project", "js/tsconfig.cli.json"], None)?;
    // As `cargo deny`, which hands its own name over.
    let deny = setup::cargo_deny(project)?;
    let deny = deny.to_string_lossy();
    let checks =
        ["--workspace", "--locked", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    check("cargo-deny: licences, bans, sources", &deny, &checks, None)?;
    let typedoc = ["--options", "js/reference/typedoc.json", "--logLevel", "Warn"];
    check("typedoc", "js/reference/node_modules/.bin/typedoc", &typedoc, None)?;
    if !failed.is_empty() {
        bail!("not clean: {}", failed.join(", "));
    }
    project.say("All checks are clean.");
    Ok(())
}

/// `cargo xtask audit`: what is known against the crates and npm packages. Asks their registries.
pub(crate) fn audit(project: &Project) -> Result<()> {
    let deny = setup::cargo_deny(project)?;
    project.say("cargo-deny: advisories");
    let crates = project.command(deny).args(["--workspace", "--locked", "check", "advisories"]).status()?;
    project.say("npm audit");
    let packages = project.command("npm").args(["audit", "--audit-level=high"]).status()?;
    if !crates.success() || !packages.success() {
        bail!("there are advisories, or their database could not be had: see above");
    }
    Ok(())
}
