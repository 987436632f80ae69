//! A Rust toolchain that builds for wasm32-unknown-unknown.
//!
//! Most machines have it or get it by `rustup target add`. Where Rust's download site cannot be reached but
//! Debian's packages can, Debian's own rustc with its library source builds the target's std once, and keeps
//! it in that compiler's sysroot, where cargo and wasm-pack find it like an installed target.

use crate::project::{Project, find, run};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

const TARGET: &str = "wasm32-unknown-unknown";

/// Where the target is to come from.
#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Source {
    /// What is there; else rustup; else Debian's packages
    #[default]
    Auto,
    /// rustup only
    Rustup,
    /// Debian's packages only
    Debian,
}

/// A toolchain that has the target: `None` for the one on PATH, else the folder of another's cargo and rustc.
pub(crate) struct Toolchain(pub(crate) Option<PathBuf>);

impl Toolchain {
    /// PATH with this toolchain, and the project's own tools, in front.
    pub(crate) fn path(&self, tools: &Path) -> Result<std::ffi::OsString> {
        let mut folders: Vec<PathBuf> = self.0.iter().cloned().collect();
        folders.push(tools.to_owned());
        folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        Ok(std::env::join_paths(folders)?)
    }
}

pub(crate) fn ensure(project: &Project, source: Source) -> Result<Toolchain> {
    if source != Source::Debian && on_path(project) {
        return Ok(Toolchain(None));
    }
    if source != Source::Rustup
        && let Some(debian) = debian(project).filter(Debian::has_target)
    {
        return Ok(Toolchain(Some(debian.bin)));
    }
    if source != Source::Debian && find("rustup").is_some() {
        project.say(format!("Adding the target {TARGET} with rustup"));
        let added = project.command("rustup").args(["target", "add", TARGET]).status();
        if added.is_ok_and(|status| status.success()) && on_path(project) {
            return Ok(Toolchain(None));
        }
        println!("rustup could not add it.");
    }
    if source == Source::Rustup || find("apt-get").is_none() {
        bail!(
            "this needs a Rust toolchain with the target {TARGET}: install rustup (https://rustup.rs), then run `rustup target add {TARGET}`"
        );
    }
    install_debian(project)
}

fn on_path(project: &Project) -> bool {
    let sysroot = project.output("rustc", &["--print", "sysroot"]);
    sysroot.is_some_and(|sysroot| has_std(Path::new(&sysroot)))
}

fn has_std(sysroot: &Path) -> bool {
    let files = fs::read_dir(sysroot.join("lib/rustlib").join(TARGET).join("lib"));
    files.is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
    })
}

/// Debian's current Rust, of the packages that it builds browsers with.
struct Debian {
    bin: PathBuf,
    rustc: PathBuf,
    cargo: PathBuf,
    sysroot: PathBuf,
}

impl Debian {
    fn has_target(&self) -> bool {
        has_std(&self.sysroot)
    }
}

const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// The first file of a Debian package whose path ends so.
fn file_of(project: &Project, package: &str, end: &str) -> Option<PathBuf> {
    let files = project.output("dpkg", &["-L", package])?;
    files.lines().find(|line| line.ends_with(end)).map(PathBuf::from)
}

fn debian(project: &Project) -> Option<Debian> {
    for package in PACKAGES {
        let status = project.output("dpkg-query", &["-W", "-f", "${db:Status-Status}", package])?;
        if status != "installed" {
            return None;
        }
    }
    let rustc = file_of(project, "rustc-web", "/bin/rustc")?;
    let cargo = file_of(project, "cargo-web", "/bin/cargo")?;
    let sysroot = PathBuf::from(project.output(&rustc, &["--print", "sysroot"])?);
    Some(Debian { bin: rustc.parent()?.to_owned(), rustc, cargo, sysroot })
}

/// Installs Debian packages, as root only.
pub(crate) fn apt_install(project: &Project, packages: &[&str]) -> Result<()> {
    if project.output("id", &["-u"]).as_deref() != Some("0") {
        bail!("as root, run: apt-get install {}", packages.join(" "));
    }
    project.say(format!("Installing Debian packages: {}", packages.join(", ")));
    let apt = |args: &[&str]| {
        let mut command = project.command("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq").args(args);
        command.stdout(std::process::Stdio::null());
        command
    };
    run(&mut apt(&["update"]))?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    run(&mut apt(&arguments))
}

fn install_debian(project: &Project) -> Result<Toolchain> {
    if debian(project).is_none() {
        apt_install(project, &PACKAGES)?;
    }
    let debian =
        debian(project).context("Debian's rustc-web, cargo-web and rust-web-src are not as expected")?;
    let version = project.output(&debian.rustc, &["-vV"]).context("Debian's rustc does not run")?;
    let fact = |name: &str| version.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let host = fact("host:").context("rustc names no host")?;
    let llvm =
        fact("LLVM version:").and_then(|llvm| llvm.split('.').next()).context("rustc names no LLVM")?;

    // rustc links wasm with its own rust-lld, which Debian leaves to the LLVM packages.
    let package = format!("lld-{llvm}");
    if file_of(project, &package, "/bin/lld").is_none() {
        apt_install(project, &[&package])?;
    }
    let lld = file_of(project, &package, "/bin/lld").with_context(|| format!("{package} holds no lld"))?;
    let folder = debian.sysroot.join("lib/rustlib").join(host).join("bin");
    fs::create_dir_all(&folder)?;
    let link = folder.join("rust-lld");
    if link.symlink_metadata().is_err() {
        #[cfg(unix)]
        std::os::unix::fs::symlink(&lld, &link)?;
    }

    project.say(format!("Building std for {TARGET} with Debian's rustc, once"));
    let seed = project.path("target/tools/wasm32-std");
    fs::create_dir_all(seed.join("src"))?;
    fs::write(seed.join("src/lib.rs"), "#![no_std]\n")?;
    let manifest = "[package]\nname = \"sysroot-seed\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n\n[profile.release]\npanic = \"abort\"\n";
    fs::write(seed.join("Cargo.toml"), manifest)?;
    let mut build = project.command(&debian.cargo);
    build.current_dir(&seed).env("RUSTC", &debian.rustc).env("RUSTC_BOOTSTRAP", "1");
    build.args(["build", "--release", "--target", TARGET, "-Zbuild-std=std,panic_abort,test"]);
    run(&mut build)?;

    let library = debian.sysroot.join("lib/rustlib").join(TARGET).join("lib");
    fs::create_dir_all(&library)?;
    for file in fs::read_dir(seed.join("target").join(TARGET).join("release/deps"))? {
        let file = file?;
        let name = file.file_name();
        let text = name.to_string_lossy();
        if text.ends_with(".rlib") && !text.starts_with("libsysroot_seed") {
            fs::copy(file.path(), library.join(&name))?;
        }
    }
    if !debian.has_target() {
        bail!("std for {TARGET} was built, but is not in {}", library.display());
    }
    Ok(Toolchain(Some(debian.bin)))
}
