//! Counting tests by what each runner says at its end.

use crate::project::Project;
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Tests that ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

/// One row of the closing table.
struct Row {
    suite: String,
    counts: Counts,
    seconds: u64,
}

/// What every suite counted.
#[derive(Default)]
pub(crate) struct Tally(Vec<Row>);

impl Tally {
    /// Runs a suite's command, shows its output and counts its tests. A runner that fails without counting a
    /// failure, or counts nothing at all, is one failure.
    pub(crate) fn run(&mut self, project: &Project, suite: &str, command: &mut Command) -> Result<()> {
        project.say(format!("Tests: {suite}"));
        let started = std::time::Instant::now();
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start the tests of {suite}"))?;
        let mut counts = Counts::default();
        for line in BufReader::new(child.stdout.take().context("no standard output")?).lines() {
            let line = line?;
            println!("{line}");
            counts.read(&line);
        }
        let status = child.wait()?;
        if counts.failed == 0 && (!status.success() || counts.passed == 0) {
            println!("{suite}: the runner ended with {status} and counted {} tests", counts.passed);
            counts.failed = 1;
        }
        self.0.push(Row { suite: suite.into(), counts, seconds: started.elapsed().as_secs() });
        Ok(())
    }

    /// Runs a check that is either passed or not, and counts as one test.
    pub(crate) fn check(&mut self, project: &Project, name: &str, command: &mut Command) -> Result<()> {
        self.judge(project, name, || {
            Ok(command.status().with_context(|| format!("cannot start the check {name}"))?.success())
        })
    }

    /// Runs a check that has its own say on whether it passed, and counts as one test.
    pub(crate) fn judge(
        &mut self,
        project: &Project,
        name: &str,
        check: impl FnOnce() -> Result<bool>,
    ) -> Result<()> {
        project.say(format!("Check: {name}"));
        let started = std::time::Instant::now();
        let passed = check()?;
        let counts = Counts { passed: passed.into(), failed: (!passed).into() };
        self.0.push(Row { suite: name.into(), counts, seconds: started.elapsed().as_secs() });
        Ok(())
    }

    /// Prints what of the conformance suite passed in which runtime, as its hosts noted it: a line each, of name, passed
    /// and failed between tabs.
    pub(crate) fn runtimes(notes: &str) {
        println!("\n{:<34} {:>7} {:>7}", "conformance suite in", "passed", "failed");
        let mut lines: Vec<Vec<&str>> = notes.lines().map(|line| line.split('\t').collect()).collect();
        lines.sort_unstable();
        for line in lines {
            if let [runtime, passed, failed] = line[..] {
                println!("{runtime:<34} {passed:>7} {failed:>7}");
            }
        }
    }

    /// Prints the table and, as the last line, the sum. Whether all passed.
    pub(crate) fn close(&self) -> bool {
        println!("\n{:<28} {:>7} {:>7} {:>6}", "suite", "passed", "failed", "time");
        let mut total = Counts::default();
        for row in &self.0 {
            println!(
                "{:<28} {:>7} {:>7} {:>5}s",
                row.suite, row.counts.passed, row.counts.failed, row.seconds
            );
            total.passed += row.counts.passed;
            total.failed += row.counts.failed;
        }
        println!("\n{} passed, {} failed", total.passed, total.failed);
        total.failed == 0 && total.passed > 0
    }
}

impl Counts {
    /// Adds what a closing line says: libtest's and wasm-bindgen-test's `test result: …`, node:test's
    /// `# pass 12` and `ℹ pass 12`.
    fn read(&mut self, line: &str) {
        if let Some(result) = line.trim().strip_prefix("test result: ") {
            for part in result.split([';', '.']) {
                let mut words = part.split_whitespace();
                let (Some(count), Some(what)) =
                    (words.next().and_then(|word| word.parse::<u64>().ok()), words.next())
                else {
                    continue;
                };
                match what {
                    "passed" => self.passed += count,
                    "failed" => self.failed += count,
                    _ => {}
                }
            }
        }
        for mark in ["# ", "ℹ "] {
            let Some((what, count)) = line.strip_prefix(mark).and_then(|rest| rest.split_once(' ')) else {
                continue;
            };
            match (what, count.trim().parse::<u64>()) {
                ("pass", Ok(count)) => self.passed += count,
                ("fail" | "cancelled", Ok(count)) => self.failed += count,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_all_runners_are_counted() {
        let mut counts = Counts::default();
        for line in [
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 filtered out",
            "ℹ pass 7",
            "ℹ fail 1",
            "# pass 4",
            "# cancelled 1",
            "ℹ tests 8",
            "a line that says 5 passed",
        ] {
            counts.read(line);
        }
        assert_eq!(counts, Counts { passed: 26, failed: 4 });
    }
}
