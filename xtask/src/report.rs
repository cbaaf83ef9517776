//! Steps: one line for each with its time, and a summary of many.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

/// How a step ended, if it did not fail.
pub enum Outcome {
    /// All that it looks at is as it should be.
    Passed,
    /// It cannot be done here, for this reason.
    Skipped(String),
}

/// Runs a step and prints one line with its name and time.
pub fn timed<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let result = work();
    let sign = if result.is_ok() { "✓" } else { "✗" };
    eprintln!("{sign} {name:<24} {:>7}", seconds(start.elapsed()));
    result
}

/// A time in seconds, with one decimal.
pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// The steps so far. A step that fails is noted and the next one runs all the same, so that one run
/// shows every failure.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    time: Duration,
    result: Result<Outcome>,
}

impl Report {
    /// Runs a step and notes how it ended.
    pub fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<Outcome>) {
        eprintln!("\n── {name}");
        let start = Instant::now();
        let result = work();
        match &result {
            Ok(Outcome::Passed) => {}
            Ok(Outcome::Skipped(reason)) => eprintln!("skipped: {reason}"),
            Err(error) => eprintln!("failed: {error:#}"),
        }
        self.rows.push(Row { name, time: start.elapsed(), result });
    }

    /// Prints the summary; the error says that a step failed.
    pub fn finish(self) -> Result<()> {
        let (table, failed) = self.summary();
        eprintln!("\n{table}");
        ensure!(failed == 0, "{failed} failed");
        Ok(())
    }

    fn summary(&self) -> (String, usize) {
        let mut table = String::new();
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        for Row { name, time, result } in &self.rows {
            let (verdict, reason) = match result {
                Ok(Outcome::Passed) => (&mut passed, None),
                Ok(Outcome::Skipped(reason)) => (&mut skipped, Some(reason.clone())),
                Err(error) => (&mut failed, Some(format!("{error:#}"))),
            };
            *verdict += 1;
            let word = match result {
                Ok(Outcome::Passed) => "passed",
                Ok(Outcome::Skipped(_)) => "skipped",
                Err(_) => "FAILED",
            };
            let reason = reason.unwrap_or_default();
            let line = format!("{name:<24} {word:<8} {:>8}  {reason}", seconds(*time));
            writeln!(table, "{}", line.trim_end()).expect("a string takes all");
        }
        write!(table, "{passed} passed, {failed} failed, {skipped} skipped")
            .expect("a string takes all");
        (table, failed)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn every_step_is_counted_and_every_reason_printed() {
        let mut report = Report::default();
        report.step("one", || Ok(Outcome::Passed));
        report.step("two", || Err(anyhow!("it broke")));
        report.step("three", || Ok(Outcome::Skipped("no such tool".into())));
        let (table, failed) = report.summary();
        assert_eq!(failed, 1);
        assert!(table.contains("it broke") && table.contains("no such tool"));
        assert!(table.ends_with("1 passed, 1 failed, 1 skipped"));
        assert!(report.finish().is_err());
    }
}
