//! `cargo xtask demo`: the quickstart example, in Node and in workerd. `cargo xtask example`: any of them.
//! `cargo xtask bench`: measured side by side with the official SDK.

use crate::build;
use crate::project::{Project, run};
use crate::setup::{self, Npm};
use anyhow::{Result, bail};
use std::fs;

pub(crate) fn demo(project: &Project) -> Result<()> {
    build::build(project)?;
    project.say("The quickstart in Node");
    run(project.command("node").arg("examples/quickstart/node.js"))?;
    project.say("The quickstart in a Cloudflare Worker (workerd, by miniflare)");
    run(project.command("node").arg("examples/quickstart/workerd.js"))?;
    project.say("The demo passed in both runtimes.");
    Ok(())
}

/// `npm start` of an example.
pub(crate) fn example(project: &Project, name: &str) -> Result<()> {
    let folder = project.path("examples").join(name);
    if !folder.join("package.json").is_file() {
        let mut names: Vec<_> = fs::read_dir(project.path("examples"))?
            .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
            .collect();
        names.sort();
        bail!("there is no example {name}; there are: {}", names.join(", "));
    }
    build::build(project)?;
    setup::npm(project, Npm::Everything)?;
    project.say(format!("npm start in examples/{name}"));
    run(project.command("npm").arg("start").current_dir(folder))
}

/// Both SDKs on the same work, in a runtime.
pub(crate) fn bench(project: &Project, runtime: &str) -> Result<()> {
    build::build(project)?;
    setup::npm(project, Npm::Everything)?;
    project.say(format!("Measuring in {runtime}: a table here, figures in benches/"));
    run(project.command("node").args(["--import", "tsx", "benches/run.ts", runtime]))
}
