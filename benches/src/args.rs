//! The command line: what is to be measured, how long, and where the reports go.

use std::path::PathBuf;
use std::time::Duration;

use crate::peer::Error;
use crate::peers::{self, Entry};
use crate::scenario::{self, Kind, PACE_PER_SECOND, Scenario};

/// For how many records a scenario of `alone` is asked: it is only told whether the run is a quick one.
pub(crate) const ALONE_QUICK: u64 = 0;
const ALONE_FULL: u64 = 1;

const HELP: &str = "\
usage: cargo xtask bench [--quick] [--only NAME]... [--rounds N] [--out DIR]

    --quick        shorter runs: under three minutes in all
    --only NAME    only peers or scenarios whose name holds NAME; may be given several times
    --rounds N     rounds of which the median is taken (3 at least for a report; default 3 quick, 5 else)
    --out DIR      where bench.md, bench.html and bench.json go (default: target/bench)
";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) peers: Vec<Entry>,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) rounds: u64,
    pub(crate) quick: bool,
    pub(crate) out: PathBuf,
}

impl Plan {
    /// Reads the command line.
    ///
    /// # Errors
    ///
    /// An unknown option or name, with the ones there are.
    pub(crate) fn parse(words: &[String]) -> Result<Self, Error> {
        let (mut quick, mut rounds, mut only) = (false, None, Vec::new());
        let mut out = PathBuf::from("target/bench");
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value\n\n{HELP}"));
            match word.as_str() {
                "--quick" => quick = true,
                "--only" => only.push(value()?.clone()),
                "--rounds" => rounds = Some(value()?.parse::<u64>()?.max(1)),
                "--out" => out = PathBuf::from(value()?),
                "--help" | "-h" => return Err(HELP.into()),
                other => return Err(format!("unknown option `{other}`\n\n{HELP}").into()),
            }
        }
        let mut plan = Self {
            peers: peers::ALL.to_vec(),
            scenarios: scenario::ALL.to_vec(),
            rounds: rounds.unwrap_or(if quick { 3 } else { 5 }),
            quick,
            out,
        };
        plan.narrow(&only)?;
        Ok(plan)
    }

    /// Keeps what the names ask for: names of peers narrow the peers, names of scenarios the scenarios.
    fn narrow(&mut self, only: &[String]) -> Result<(), Error> {
        let is_peer = |name: &str| peers::ALL.iter().any(|entry| entry.name.contains(name));
        let is_scenario = |name: &str| scenario::ALL.iter().any(|scenario| scenario.name.contains(name));
        if let Some(unknown) = only.iter().find(|name| !is_peer(name) && !is_scenario(name)) {
            let peers: Vec<&str> = peers::ALL.iter().map(|entry| entry.name).collect();
            let scenarios: Vec<&str> = scenario::ALL.iter().map(|scenario| scenario.name).collect();
            let known = format!("peers: {}\nscenarios: {}", peers.join(", "), scenarios.join(", "));
            return Err(format!("nothing is called `{unknown}`\n{known}").into());
        }
        if only.iter().any(|name| is_peer(name)) {
            self.peers
                .retain(|entry| only.iter().any(|name| entry.name.contains(name.as_str())));
        }
        if only.iter().any(|name| is_scenario(name)) {
            self.scenarios
                .retain(|scenario| only.iter().any(|name| scenario.name.contains(name.as_str())));
        }
        Ok(())
    }

    /// How many records a run of this scenario logs. Bursts differ by round, so that no buffer size fits them all.
    pub(crate) fn records(&self, scenario: &Scenario, round: u64) -> u64 {
        let (quick, full) = match scenario.kind {
            Kind::Throughput => (200_000, 2_000_000),
            Kind::LatencyFull => (200_000, 1_000_000),
            Kind::LatencyPaced => (PACE_PER_SECOND / 2, PACE_PER_SECOND * 3),
            Kind::Disabled => (10_000_000, 100_000_000),
            // Each knows for itself; it is told which of the two.
            Kind::Alone => (ALONE_QUICK, ALONE_FULL),
            Kind::End(_) => (50_021 + round * 7_919, 200_003 + round * 7_919),
        };
        if self.quick { quick } else { full }
    }

    /// How long one run may take before it counts as failed.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(if self.quick { 20 } else { 120 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Plan, Error> {
        Plan::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    /// `--only` narrows peers by names of peers and scenarios by names of scenarios, each without the other.
    #[test]
    fn only_narrows_what_it_names() {
        let plan = parse("--only throughput --only fern").expect("both are known");
        assert_eq!(plan.peers.len(), 1);
        assert_eq!(plan.scenarios.len(), 4);
        let plan = parse("--only tracing").expect("it is known");
        assert_eq!((plan.peers.len(), plan.scenarios.len()), (3, scenario::ALL.len()));
    }

    /// An unknown name or option is an error that says what there is.
    #[test]
    fn unknown_words_are_errors() {
        assert!(
            parse("--only quill")
                .expect_err("not there")
                .to_string()
                .contains("spdlog-rs")
        );
        assert!(parse("--fast").expect_err("not there").to_string().contains("--quick"));
        assert!(
            parse("--out")
                .expect_err("no value")
                .to_string()
                .contains("needs a value")
        );
    }
}
