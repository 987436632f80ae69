//! `cargo xtask lint`: formatting, clippy, rustdoc, TypeScript, TypeDoc, Biome.

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
    let typedoc = ["--options", "js/reference/typedoc.json", "--logLevel", "Warn"];
    check("typedoc", "js/reference/node_modules/.bin/typedoc", &typedoc, None)?;
    if !failed.is_empty() {
        bail!("not clean: {}", failed.join(", "));
    }
    project.say("All checks are clean.");
    Ok(())
}
