//! `cargo xtask <command>`: set-up, build, test, fuzz, demo and lint. Each command first does the set-up it needs,
//! and only what is missing.

mod build;
mod demo;
mod fuzz;
mod lint;
mod project;
mod release;
mod setup;
mod tally;
mod test;
mod wasm_target;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set-up, build, test, fuzzing, demo and lint of workos-vault-edge")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what building and testing need, and only what is missing
    Setup {
        /// Where the wasm32 target is to come from
        #[arg(long, value_enum, default_value_t)]
        wasm_target: wasm_target::Source,
    },
    /// Make the npm package in pkg/
    Build {
        /// Add a bill of materials (CycloneDX) and pack it for publishing
        #[arg(long)]
        release: bool,
        /// With --release: the repository's URL, which npm's provenance compares with where it was built
        #[arg(long, requires = "release")]
        repository: Option<String>,
    },
    /// Run every test, or the suites named
    Test {
        /// Suites to run; all of them if none is named
        #[arg(value_enum)]
        suites: Vec<test::Suite>,
    },
    /// Fuzz every target, or those named
    Fuzz {
        /// Targets: the files of tests/fuzz/src
        targets: Vec<String>,
        /// How long each runs, in seconds
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Run the main job end to end on the local Vault, in Node and in workerd
    Demo,
    /// Start an example, after installing and building what it needs
    Example {
        /// A folder of examples/
        name: String,
    },
    /// Measure side by side with the official SDK; writes benches/results.json and a chart
    Bench {
        /// Where
        #[arg(long, default_value = "node", value_parser = ["node", "workerd", "deno", "bun"])]
        runtime: String,
    },
    /// Ask the registries what is known against crates and npm packages
    Audit,
    /// Check formatting, clippy, rustdoc, TypeScript and Biome; with --fix, format in place
    Lint {
        /// Format and apply safe fixes instead of checking
        #[arg(long)]
        fix: bool,
    },
}

fn main() -> ExitCode {
    match command(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command(cli: Cli) -> Result<()> {
    let project = project::Project::open()?;
    match cli.command {
        Command::Setup { wasm_target } => {
            setup::tools(&project, wasm_target)?;
            setup::npm(&project, setup::Npm::Everything)?;
            setup::newer_node(&project)?;
            setup::cargo_deny(&project)?;
            setup::browser(&project)?;
            setup::python(&project)?;
            setup::done(&project);
            Ok(())
        }
        Command::Build { release: false, .. } => build::build(&project).map(drop),
        Command::Build { release: true, repository } => release::release(&project, repository.as_deref()),
        Command::Test { suites } => test::test(&project, &suites),
        Command::Fuzz { targets, seconds } => fuzz::fuzz(&project, &targets, seconds),
        Command::Demo => demo::demo(&project),
        Command::Example { name } => demo::example(&project, &name),
        Command::Bench { runtime } => demo::bench(&project, &runtime),
        Command::Audit => lint::audit(&project),
        Command::Lint { fix } => lint::lint(&project, fix),
    }
}
