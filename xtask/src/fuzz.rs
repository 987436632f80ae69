//! `cargo xtask fuzz`: libFuzzer over the targets in `tests/fuzz`.
//!
//! The compiler's coverage instrumentation is LLVM's and needs no nightly toolchain; no memory checker is used, as
//! what is fuzzed has no unsafe code.

use crate::project::{Project, find, run};
use crate::tally::Tally;
use crate::wasm_target::apt_install;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::PathBuf;

const INSTRUMENTED: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Clink-dead-code",
    "--cfg=fuzzing",
];

/// Builds the targets and fuzzes each of those named (all, if none is) for so long. What it finds new is kept below
/// `target/fuzz`; what makes a target fail is written there and named.
pub(crate) fn fuzz(project: &Project, names: &[String], seconds: u32) -> Result<()> {
    let mut tally = Tally::default();
    run_targets(project, names, seconds, &mut tally)?;
    if !tally.close() {
        bail!("a fuzz target failed: the input is named above");
    }
    Ok(())
}

/// The same, as a part of the tests.
pub(crate) fn run_targets(
    project: &Project,
    names: &[String],
    seconds: u32,
    tally: &mut Tally,
) -> Result<()> {
    let all = targets(project)?;
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        bail!("there is no fuzz target {unknown}, only {}", all.join(", "));
    }
    let folder = build(project)?;
    for name in all.iter().filter(|name| names.is_empty() || names.contains(name)) {
        let corpus = project.path("target/fuzz/corpus").join(name);
        let failures = project.path("target/fuzz/failures").join(name);
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(&failures)?;
        let mut command = project.command(folder.join(name));
        command.arg(&corpus).arg(project.path("tests/fuzz/seeds").join(name));
        command.arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-artifact_prefix={}/", failures.display()));
        command.args([
            "-max_len=4096",
            "-timeout=10",
            "-rss_limit_mb=1024",
            "-print_final_stats=1",
            "-verbosity=0",
        ]);
        tally.judge(project, &format!("fuzz {name}, {seconds} s"), || {
            let output = command.output().with_context(|| format!("cannot start the fuzz target {name}"))?;
            let said = String::from_utf8_lossy(&output.stderr);
            if output.status.success() {
                let stat =
                    |what: &str| said.lines().find_map(|line| line.strip_prefix(what)).map_or("?", str::trim);
                let (tried, new) = (stat("stat::number_of_executed_units:"), stat("stat::new_units_added:"));
                println!("{tried} inputs tried, {new} of them reached something new");
            } else {
                println!("{said}");
            }
            Ok(output.status.success())
        })?;
    }
    Ok(())
}

/// The names of the targets: the files of the fuzz crate.
fn targets(project: &Project) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for file in fs::read_dir(project.path("tests/fuzz/src"))? {
        let name = file?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".rs").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn build(project: &Project) -> Result<PathBuf> {
    if find("c++").is_none() && find("apt-get").is_some() {
        // libFuzzer itself is C++.
        apt_install(project, &["g++"])?;
    }
    let version = project.output("rustc", &["-vV"]).context("rustc does not run")?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    project.say("Building the fuzz targets");
    let target = project.path("target/fuzz");
    let mut cargo = project.command("cargo");
    // With a target named, build scripts and macros are not instrumented.
    cargo.args([
        "build",
        "--locked",
        "--quiet",
        "--package",
        "vault-fuzz",
        "--profile",
        "fuzz",
        "--target",
        host,
    ]);
    cargo.arg("--target-dir").arg(&target).env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTED.join("\u{1f}"));
    run(&mut cargo)?;
    Ok(target.join(host).join("fuzz"))
}
