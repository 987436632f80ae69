//! `cargo xtask test`: every suite, then a table, then the sum.

use crate::build;
use crate::fuzz;
use crate::project::Project;
use crate::release;
use crate::setup::{self, Browser, Npm, Tools};
use crate::tally::Tally;
use crate::wasm_target::Source;
use anyhow::{Result, bail};
use std::fs;

/// The suites, in the order they run.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Suite {
    /// Rust, natively: core, emulator, xtask
    Native,
    /// Each fuzz target, for a few seconds
    Fuzz,
    /// wasm-bindgen-test in Node
    WasmNode,
    /// wasm-bindgen-test in headless Chromium
    WasmChromium,
    /// The npm package: conformance in Node and workerd, the official SDK, types, packing
    Js,
}

const ALL: [Suite; 5] = [Suite::Native, Suite::Fuzz, Suite::WasmNode, Suite::WasmChromium, Suite::Js];
/// How long each fuzz target runs; `cargo xtask fuzz` takes longer.
const FUZZ_SECONDS: u32 = 5;
/// Crates with wasm-bindgen-tests.
const WASM_CRATES: [&str; 3] = ["src/wasm", "src/wasm-cipher", "src/wasm-emulator"];

pub(crate) fn test(project: &Project, suites: &[Suite]) -> Result<()> {
    let suites = if suites.is_empty() { &ALL[..] } else { suites };
    let has = |suite| suites.contains(&suite);
    // All set-up first, so that nothing is missing half-way.
    let tools = if has(Suite::Js) {
        Some(build::build(project)?)
    } else if has(Suite::WasmNode) || has(Suite::WasmChromium) {
        Some(setup::tools(project, Source::Auto)?)
    } else {
        None
    };
    let browser =
        if has(Suite::WasmChromium) || has(Suite::Js) { Some(setup::browser(project)?) } else { None };

    let python = if has(Suite::Js) { setup::python(project)? } else { None };
    let newer = if has(Suite::Js) { setup::newer_node(project)? } else { None };
    if has(Suite::Js) {
        setup::npm(project, Npm::Everything)?;
    }

    let mut tally = Tally::default();
    if has(Suite::Native) {
        tally.run(project, "native", project.command("cargo").args(["test", "--locked", "--quiet"]))?;
    }
    if has(Suite::Fuzz) {
        fuzz::run_targets(project, &[], FUZZ_SECONDS, &mut tally)?;
    }
    if let (Some(tools), true) = (&tools, has(Suite::WasmNode)) {
        for source in WASM_CRATES {
            let name = format!("{source} in Node");
            tally.run(project, &name, wasm_pack_test(project, tools)?.args(["--node", source]))?;
        }
    }
    if let (Some(tools), Some(browser), true) = (&tools, &browser, has(Suite::WasmChromium)) {
        for source in WASM_CRATES {
            let name = format!("{source} in Chromium");
            let mut command = wasm_pack_test(project, tools)?;
            in_chromium(project, browser, source)?;
            command.args(["--headless", "--chrome", "--chromedriver"]).arg(&browser.driver).arg(source);
            command.env("WASM_BINDGEN_USE_BROWSER", "1");
            tally.run(project, &name, &mut command)?;
        }
    }
    if let (Some(browser), true) = (&browser, has(Suite::Js)) {
        let mut tsc = project.command("node_modules/.bin/tsc");
        tally.check(
            project,
            "declarations (tsc)",
            tsc.args(["--noEmit", "--project", "tests/tsconfig.json"]),
        )?;
        release::release(project, Some("git+https://example.com/workos-vault-edge.git"))?;
        tally.check(
            project,
            "bill of materials (CycloneDX)",
            project.command("node").arg("tests/release.check.js"),
        )?;
        let mut files = Vec::new();
        for file in fs::read_dir(project.path("tests"))? {
            let path = file?.path();
            let name = path.to_string_lossy();
            if name.ends_with(".test.ts") && (python.is_some() || !name.ends_with("python.test.ts")) {
                files.push(path);
            }
        }
        files.sort();
        let mut node = project.command("node");
        node.args(["--import", "tsx", "--test", "--test-reporter=spec"]).args(files);
        node.env("CHROME_BIN", &browser.chromium);
        if let Some(python) = &python {
            node.env("WORKOS_PYTHON", python);
        }
        if let Some(newer) = &newer {
            node.env("NODE_NEWER", newer);
        }
        let notes = project.path("target/conformance.txt");
        let _ = fs::remove_file(&notes);
        tally.run(project, "npm package", node.env("CONFORMANCE_TABLE", &notes))?;
        Tally::runtimes(&fs::read_to_string(&notes).unwrap_or_default());
    }
    if !tally.close() {
        bail!("not all tests passed");
    }
    Ok(())
}

/// Takes options, then the crate: whatever follows that is cargo's.
fn wasm_pack_test(project: &Project, tools: &Tools) -> Result<std::process::Command> {
    let mut command = tools.command(project, "wasm-pack")?;
    command.args(["test", "--mode", "no-install"]);
    Ok(command)
}

/// Tells wasm-bindgen-test's runner how to start the browser: where it is, and without the sandbox that root
/// cannot have and the background traffic that a closed network refuses.
fn in_chromium(project: &Project, browser: &Browser, source: &str) -> Result<()> {
    let flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ];
    let flags = flags.map(|flag| format!("\"{flag}\"")).join(", ");
    let binary = browser.chromium.display();
    let text = format!("{{\"goog:chromeOptions\": {{\"binary\": \"{binary}\", \"args\": [{flags}]}}}}\n");
    fs::write(project.path(source).join("webdriver.json"), text)?;
    Ok(())
}
