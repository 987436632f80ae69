//! `cargo xtask demo`: the quickstart example, in Node and in workerd.

use crate::build;
use crate::project::Project;
use anyhow::Result;

pub(crate) fn demo(project: &Project) -> Result<()> {
    build::build(project)?;
    project.say("The quickstart in Node");
    project.run(project.command("node").arg("examples/quickstart/node.js"))?;
    project.say("The quickstart in a Cloudflare Worker (workerd, by miniflare)");
    project.run(project.command("node").arg("examples/quickstart/workerd.js"))?;
    project.say("The demo passed in both runtimes.");
    Ok(())
}
