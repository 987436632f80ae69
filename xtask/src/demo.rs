//! `cargo xtask demo`: the quickstart example, in Node and in workerd.

use crate::build;
use crate::project::{Project, run};
use anyhow::Result;

pub(crate) fn demo(project: &Project) -> Result<()> {
    build::build(project)?;
    project.say("The quickstart in Node");
    run(project.command("node").arg("examples/quickstart/node.js"))?;
    project.say("The quickstart in a Cloudflare Worker (workerd, by miniflare)");
    run(project.command("node").arg("examples/quickstart/workerd.js"))?;
    project.say("The demo passed in both runtimes.");
    Ok(())
}
