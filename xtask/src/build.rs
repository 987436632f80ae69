//! `cargo xtask build`: the npm package in `pkg/`.
//!
//! Rust becomes three modules in `js/wasm` (wasm-pack, wasm-bindgen, wasm-opt), TypeScript becomes `pkg/dist`, both
//! become few files in `pkg/bundle`, those CommonJS in `pkg/cjs`, and `pkg-template` supplies the rest.

use crate::project::{Project, run};
use crate::setup::{self, Npm, Tools};
use crate::wasm_target::Source;
use anyhow::{Context, Result};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// The crates that become modules, and what their files are called.
const MODULES: [(&str, &str, &[&str]); 3] = [
    ("src/wasm", "client", &["--features", "module"]),
    ("src/wasm-cipher", "cipher", &["--features", "module"]),
    ("src/wasm-emulator", "emulator", &[]),
];

/// wasm features that every runtime we name has had for years. Naming them one by one keeps wasm-opt from
/// using newer ones that Node 20 rejects.
const FEATURES: [&str; 6] = [
    "bulk-memory",
    "multivalue",
    "mutable-globals",
    "nontrapping-float-to-int",
    "reference-types",
    "sign-ext",
];

/// Rust's own library rebuilt for size, and without the text of panics, which nobody sees here: a tenth of the bytes.
/// Taken where the library's source is there (`rustup component add rust-src`).
const LEAN: [&str; 2] = ["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"];
const LEAN_FLAGS: &str = "-Zunstable-options -Cpanic=immediate-abort";

/// Of SHA-256, of which the emulator hashes little, the smallest form.
const COMPACT: &str = "--cfg sha2_backend_soft=\"compact\" ";

pub(crate) fn build(project: &Project) -> Result<Tools> {
    let tools = setup::tools(project, Source::Auto)?;
    setup::npm(project, Npm::Root)?;
    for (source, name, features) in MODULES {
        module(project, &tools, source, name, features)?;
    }
    assemble(project)?;
    Ok(tools)
}

fn module(project: &Project, tools: &Tools, source: &str, name: &str, features: &[&str]) -> Result<()> {
    let out = project.path("js/wasm").join(name);
    let stamp = out.join("built");
    let newest =
        ["src", "Cargo.toml", "Cargo.lock", "xtask/src/build.rs"].map(|input| newest(&project.path(input)));
    let newest = newest.into_iter().max().flatten();
    if fs::metadata(&stamp).and_then(|built| built.modified()).ok() > newest {
        return Ok(());
    }
    project.say(format!("Compiling {source} to WebAssembly"));
    let pack = |lean: bool| -> Result<()> {
        let mut pack = tools.command(project, "wasm-pack")?;
        pack.args(["--quiet", "build", source, "--release", "--target", "web", "--mode", "no-install"]);
        pack.args(["--no-pack", "--no-opt", "--out-name", name, "--out-dir"]).arg(&out);
        pack.arg("--").args(features);
        let mut flags = remap() + COMPACT;
        if lean {
            pack.args(LEAN).env("RUSTC_BOOTSTRAP", "1");
            flags.push_str(LEAN_FLAGS);
        }
        pack.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags);
        run(&mut pack)
    };
    if !tools.has_std_source(project) {
        pack(false)?;
    } else if let Err(error) = pack(true) {
        println!("Rust's own library could not be built for size ({error}): it is taken as it came.");
        pack(false)?;
    }
    // It would keep npm from packing the folder.
    let _ = fs::remove_file(out.join(".gitignore"));

    let file = out.join(format!("{name}_bg.wasm"));
    let before = fs::metadata(&file)?.len();
    let mut opt = project.command("node_modules/.bin/wasm-opt");
    opt.arg(&file).arg("-o").arg(&file).args(["-Oz", "--converge", "--strip-debug", "--strip-producers"]);
    // By itself it puts every function that is called once into its caller, which saves bytes, but not gzipped ones.
    opt.arg("--one-caller-inline-max-function-size=20");
    for feature in FEATURES {
        opt.arg(format!("--enable-{feature}"));
    }
    run(&mut opt)?;
    adapt(&out.join(format!("{name}.js")))?;
    let module = fs::read(&file)?;
    println!("{name}_bg.wasm: {before} bytes, {} after wasm-opt", module.len());
    // For runtimes and bundlers that have no way to load a file beside the code.
    let inline = format!("export const base64 = '{}';\n", BASE64_STANDARD.encode(module));
    fs::write(out.join("inline.js"), inline)?;
    fs::write(stamp, "Newer than every source that this module was built from.\n")?;
    Ok(())
}

/// Keeps this machine's folders out of the module, where panics name their places.
fn remap() -> String {
    let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    home.map(|home| format!("--remap-path-prefix={}= ", home.join("registry/src").display()))
        .unwrap_or_default()
}

/// Changes wasm-bindgen's code where it does not do here, and fails where it is no longer as it was.
fn adapt(glue: &Path) -> Result<()> {
    const INSTANCE: &str = "!(module instanceof WebAssembly.Module)";
    // A compiled module of another realm, as Vercel's edge runtime has on Node, is one too: `instanceof` knows its own
    // realm only.
    const NAMED: &str = "Object.prototype.toString.call(module) !== '[object WebAssembly.Module]'";
    const NO_IMPORTS: &str = "function __wbg_get_imports() {\n    const import0 = {\n        __proto__: null,\n    };\n    return {\n        __proto__: null,\n        \"./client_bg.js\": import0,\n    };\n}\n";
    let mut text = fs::read_to_string(glue)?;
    anyhow::ensure!(text.contains(INSTANCE), "wasm-bindgen's code no longer has {INSTANCE}");
    text = text.replace(INSTANCE, NAMED);
    // Its declarations are not shipped.
    if let Some(end) = text.strip_prefix("/* @ts-self-types=").and_then(|rest| rest.find("*/\n")) {
        text.replace_range(.."/* @ts-self-types=".len() + end + "*/\n".len(), "");
    }
    // The client's module imports nothing.
    let is_client = glue.ends_with("client.js");
    anyhow::ensure!(is_client == text.contains(NO_IMPORTS), "wasm-bindgen's code has other imports");
    text = text.replace(NO_IMPORTS, "const __wbg_get_imports = () => ({});\n");
    // Kept for nobody.
    for line in ["    wasmInstance = instance;\n", "    wasmModule = module;\n"] {
        anyhow::ensure!(text.contains(line), "wasm-bindgen's code no longer has {line}");
        text = text.replace(line, "");
    }
    text = text.replace("let wasmModule, wasmInstance, wasm;", "let wasm;");
    // What is for callers and runtimes that there are none of: it would be in every bundle.
    for (from, to) in [
        ("} else {\n            console.warn('using deprecated", "        }\n"),
        ("if (!('encodeInto' in cachedTextEncoder)) {", "\n}\n"),
        ("    if (realloc === undefined) {", "        return ptr;\n    }\n"),
        // Where the module is by default: bundlers look for that, and nobody here leaves it out.
        ("    if (module_or_path === undefined) {", "    }\n"),
    ] {
        while let Some(start) = text.find(from) {
            let end = text[start..].find(to).context("wasm-bindgen's code is no longer as it was")?;
            let kept = if from.starts_with('}') { "}\n" } else { "" };
            text.replace_range(start..start + end + to.len(), kept);
        }
    }
    Ok(fs::write(glue, text)?)
}

/// When a file, or the newest Rust file or manifest below a folder, was last changed. Tests do not count.
fn newest(path: &Path) -> Option<SystemTime> {
    if path.is_file() {
        let counts = path.extension().is_some_and(|end| end == "rs" || end == "toml" || end == "lock");
        return counts.then(|| fs::metadata(path).and_then(|file| file.modified()).ok()).flatten();
    }
    if path.ends_with("tests") {
        return None;
    }
    fs::read_dir(path).ok()?.filter_map(|entry| newest(&entry.ok()?.path())).max()
}

fn assemble(project: &Project) -> Result<()> {
    project.say("Compiling js/ and putting the package together in pkg/");
    let pkg = project.path("pkg");
    if pkg.exists() {
        fs::remove_dir_all(&pkg)?;
    }
    copy(&project.path("pkg-template"), &pkg)?;
    for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "CHANGELOG.md"] {
        fs::copy(project.path(file), pkg.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    copy(&project.path("docs"), &pkg.join("docs"))?;
    for (_, name, _) in MODULES {
        let (from, to) = (project.path("js/wasm").join(name), pkg.join("wasm").join(name));
        fs::create_dir_all(&to)?;
        for file in [format!("{name}.js"), format!("{name}_bg.wasm"), "inline.js".into()] {
            fs::copy(from.join(&file), to.join(&file))?;
        }
    }
    link(project)?;
    // In this order: what comes later imports the package by its name, and so the declarations made before.
    for config in ["js/tsconfig.json", "js/tsconfig.node.json", "js/tsconfig.byname.json"] {
        run(project.command("node_modules/.bin/tsc").args(["--project", config]))?;
    }
    bundle(project)?;
    command_line(project)
}

/// What runtimes load that load files themselves, by `import` and by `require` (`js/rollup.config.js`), and what declares
/// the latter.
fn bundle(project: &Project) -> Result<()> {
    let pkg = project.path("pkg");
    for folder in ["dist", "dist/engine", "dist/entry", "dist/node", "wasm"] {
        for entry in fs::read_dir(pkg.join(folder))? {
            let file = entry?.path();
            let to = pkg.join("cjs").join(file.strip_prefix(&pkg)?);
            if file.to_string_lossy().ends_with(".d.ts") {
                fs::create_dir_all(to.parent().context("a file has a folder")?)?;
                fs::copy(file, to)?;
            }
        }
    }
    fs::write(pkg.join("cjs/package.json"), "{ \"type\": \"commonjs\" }\n")?;
    run(project.command("node_modules/.bin/rollup").args(["--config", "js/rollup.config.js", "--silent"]))?;
    // What nobody loads in any other way.
    for file in ["entry/inline.emulator", "entry/bundle.wasm", "node/server", "node/state", "openapi"] {
        for end in ["js", "js.map"] {
            fs::remove_file(pkg.join(format!("dist/{file}.{end}")))?;
        }
    }
    Ok(())
}

/// The command line, in one file with the libraries it uses: the package has no dependencies. The package itself is
/// imported by its name, as whoever uses it does.
fn command_line(project: &Project) -> Result<()> {
    let file = project.path("pkg/dist/cli.js");
    let mut esbuild = project.command("node_modules/.bin/esbuild");
    esbuild.args(["js/src/cli/main.ts", "--bundle", "--platform=node", "--format=esm", "--target=node20"]);
    esbuild.args([
        "--external:workos-vault-edge",
        "--minify-whitespace",
        "--legal-comments=none",
        "--log-level=warning",
    ]);
    // Some of the libraries are CommonJS and ask for Node's own modules at run time.
    esbuild.arg("--banner:js=#!/usr/bin/env node\nimport { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);");
    let meta = project.path("target/cli-meta.json");
    esbuild.arg(format!("--outfile={}", file.display())).arg(format!("--metafile={}", meta.display()));
    run(&mut esbuild)?;
    licences(project)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// The npm packages of which something is in the command line.
pub(crate) fn bundled(project: &Project) -> Result<Vec<String>> {
    let meta = fs::read_to_string(project.path("target/cli-meta.json"))?;
    let mut packages: Vec<String> = meta
        .split("\"node_modules/")
        .skip(1)
        .filter_map(|rest| {
            let parts = if rest.starts_with('@') { 2 } else { 1 };
            Some(rest[..rest.match_indices('/').nth(parts - 1)?.0].to_owned())
        })
        .collect();
    packages.sort_unstable();
    packages.dedup();
    Ok(packages)
}

/// What the libraries in the command line ask to be passed on with them: their licences.
fn licences(project: &Project) -> Result<()> {
    let mut text = String::from("Libraries that dist/cli.js holds, and their licences.\n");
    for package in bundled(project)? {
        let folder = project.path("node_modules").join(&package);
        let found = fs::read_dir(&folder)?.filter_map(Result::ok).find(|file| {
            let name = file.file_name().to_string_lossy().to_ascii_lowercase();
            name.starts_with("license") || name.starts_with("licence")
        });
        let found = found.with_context(|| format!("{package} has no licence"))?;
        let licence = fs::read_to_string(found.path())?;
        let _ = write!(text, "\n---- {package}\n\n{}\n", licence.trim());
    }
    fs::write(project.path("pkg/dist/cli.LICENSES.txt"), text)?;
    Ok(())
}

/// Tests, examples and the command line import the package by its name, as users do.
fn link(project: &Project) -> Result<()> {
    let link = project.path("node_modules/workos-vault-edge");
    if link.symlink_metadata().is_err() {
        #[cfg(unix)]
        std::os::unix::fs::symlink("../pkg", &link)?;
        #[cfg(windows)]
        std::os::windows::fs::symlink_dir("..\\pkg", &link)?;
    }
    Ok(())
}

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
