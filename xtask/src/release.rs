//! `cargo xtask build --release`: the package with its bill of materials, packed for `npm publish`.
//!
//! The bill is CycloneDX 1.6 JSON (ECMA-424): every crate compiled into the WebAssembly modules, and every npm
//! package bundled into the command line.

use crate::build;
use crate::project::{Project, run};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

/// The crates whose dependencies are shipped.
const SHIPPED: [&str; 3] = ["vault-wasm", "vault-cipher-wasm", "vault-emulator-wasm"];

/// Builds, adds the bill of materials and, where one is given, the repository that provenance names, and packs.
pub(crate) fn release(project: &Project, repository: Option<&str>) -> Result<()> {
    build::build(project)?;
    let out = project.path("target/release-package");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    let package = out.join("package");
    build::copy(&project.path("pkg"), &package)?;
    let mut manifest: Value = serde_json::from_str(&fs::read_to_string(package.join("package.json"))?)?;
    let files = manifest["files"].as_array_mut().context("package.json lists no files")?;
    files.push("sbom.cdx.json".into());
    if let Some(url) = repository {
        manifest["repository"] = json!({ "type": "git", "url": url });
    } else {
        project.say("No --repository URL: npm gives provenance only where package.json has one");
    }
    fs::write(package.join("package.json"), format!("{manifest:#}\n"))?;
    let bill = bill(project, &manifest)?;
    let count = bill["components"].as_array().map_or(0, Vec::len);
    fs::write(package.join("sbom.cdx.json"), format!("{bill:#}\n"))?;
    run(project.command("npm").current_dir(&out).args(["pack", "./package", "--silent"]))?;
    project.say(format!("Packed in target/release-package, with a bill of {count} components"));
    Ok(())
}

fn bill(project: &Project, manifest: &Value) -> Result<Value> {
    let (name, version) = (text(&manifest["name"])?, text(&manifest["version"])?);
    let own = format!("pkg:npm/{name}@{version}");
    let mut components = crates(project)?;
    components.extend(bundled(project)?);
    let references: Vec<&String> = components.keys().collect();
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": own,
                "name": name,
                "version": version,
                "description": manifest["description"],
                "licenses": [{ "expression": manifest["license"] }],
                "purl": own,
            }
        },
        "dependencies": [{ "ref": own, "dependsOn": references }],
        "components": components.values().collect::<Vec<_>>(),
    }))
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().context("a text is missing")
}

/// Components by their package URL.
type Components = BTreeMap<String, Value>;

fn component(
    kind: &str,
    name: &str,
    version: &str,
    licence: &str,
    hash: Option<(&str, &str)>,
) -> (String, Value) {
    // A scope is the namespace of a package URL, its @ encoded.
    let purl = format!("pkg:{kind}/{}@{version}", name.replace('@', "%40"));
    let mut component = json!({
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        // Older crates write "MIT/Apache-2.0", which SPDX does not know.
        "licenses": [{ "expression": licence.replace('/', " OR ") }],
        "purl": purl,
    });
    if let Some((algorithm, content)) = hash {
        component["hashes"] = json!([{ "alg": algorithm, "content": content }]);
    }
    (purl, component)
}

fn crates(project: &Project) -> Result<Components> {
    let lock = fs::read_to_string(project.path("Cargo.lock"))?;
    let mut found = Components::new();
    for shipped in SHIPPED {
        let tree = project
            .output(
                "cargo",
                &[
                    "tree",
                    "--locked",
                    "--package",
                    shipped,
                    "--target",
                    "wasm32-unknown-unknown",
                    "--edges",
                    "normal,no-proc-macro",
                    "--prefix",
                    "none",
                    "--format",
                    "{p}|{l}",
                ],
            )
            .context("cargo tree failed")?;
        for line in tree.lines() {
            let (package, licence) = line.trim_end_matches(" (*)").split_once('|').context("cargo tree")?;
            let mut words = package.split(' ');
            let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
            // This project's own crates are the package itself.
            if words.next().is_some() {
                continue;
            }
            let version = version.trim_start_matches('v');
            let checksum = checksum(&lock, name, version);
            let (purl, crate_) =
                component("cargo", name, version, licence, checksum.map(|sum| ("SHA-256", sum)));
            found.insert(purl, crate_);
        }
    }
    ensure!(!found.is_empty(), "cargo tree named no crate");
    Ok(found)
}

/// A crate's checksum in Cargo.lock.
fn checksum<'a>(lock: &'a str, name: &str, version: &str) -> Option<&'a str> {
    let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
    let rest = &lock[lock.find(&entry)? + entry.len()..];
    let rest = rest.split("\n\n").next()?;
    rest.lines().find_map(|line| line.strip_prefix("checksum = \"")?.strip_suffix('"'))
}

fn bundled(project: &Project) -> Result<Components> {
    let mut found = Components::new();
    for name in build::bundled(project)? {
        let manifest = fs::read_to_string(project.path("node_modules").join(&name).join("package.json"))?;
        let manifest: Value = serde_json::from_str(&manifest)?;
        let (purl, package) =
            component("npm", &name, text(&manifest["version"])?, text(&manifest["license"])?, None);
        found.insert(purl, package);
    }
    Ok(found)
}
