//! What all rounds came to: medians by peer and scenario.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::scenario::Scenario;

/// One round of one scenario with one peer.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) peer: &'static str,
    pub(crate) scenario: Scenario,
    /// What the child has printed and the parent has counted; or why there is nothing.
    pub(crate) outcome: Result<Value, String>,
}

/// Everything measured, and what was not.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) rounds: Vec<Round>,
    /// Peers that could not take part, with the reason.
    pub(crate) skipped: BTreeMap<&'static str, String>,
}

impl Results {
    /// The median over the rounds of a number that was measured; none if no round has it.
    pub(crate) fn median(&self, peer: &str, scenario: &str, key: &str) -> Option<f64> {
        median(
            self.values(peer, scenario)
                .filter_map(|value| value.get(key)?.as_f64())
                .collect(),
        )
    }

    /// The greatest over the rounds of a number that was measured.
    pub(crate) fn greatest(&self, peer: &str, scenario: &str, key: &str) -> Option<f64> {
        self.values(peer, scenario)
            .filter_map(|value| value.get(key)?.as_f64())
            .reduce(f64::max)
    }

    /// The latency distribution: for each quantile the median over the rounds, in ns.
    pub(crate) fn distribution(&self, peer: &str, scenario: &str) -> Vec<(f64, f64)> {
        let rounds: Vec<Vec<(f64, f64)>> = self.values(peer, scenario).filter_map(points).collect();
        let Some(first) = rounds.first() else { return Vec::new() };
        let at = |index: usize| rounds.iter().filter_map(|points| Some(points.get(index)?.1)).collect();
        first
            .iter()
            .enumerate()
            .filter_map(|(index, (part, _))| Some((*part, median(at(index))?)))
            .collect()
    }

    /// One quantile of the latency distribution, in ns.
    pub(crate) fn quantile(&self, peer: &str, scenario: &str, part: f64) -> Option<f64> {
        at(&self.distribution(peer, scenario), part)
    }

    /// Why the rounds of this cell failed, if any did.
    pub(crate) fn failure<'a>(&'a self, peer: &'a str, scenario: &'a str) -> Option<&'a str> {
        self.cell(peer, scenario)
            .find_map(|round| round.outcome.as_ref().err())
            .map(String::as_str)
    }

    /// Whether every round found all its records in the files.
    pub(crate) fn is_complete(&self, peer: &str, scenario: &str) -> bool {
        self.values(peer, scenario)
            .all(|value| value.get("missing").and_then(Value::as_u64).unwrap_or(0) == 0)
    }

    /// The names of the peers that were run, in order.
    pub(crate) fn peers(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        for round in &self.rounds {
            if !names.contains(&round.peer) {
                names.push(round.peer);
            }
        }
        let order = |name: &str| crate::peers::ALL.iter().position(|entry| entry.name == name);
        names.sort_by_key(|name| order(name));
        names
    }

    /// Everything as it was measured.
    pub(crate) fn raw(&self) -> Value {
        let rounds: Vec<Value> = self.rounds.iter().map(raw_round).collect();
        json!({ "rounds": rounds, "skipped": self.skipped })
    }

    fn cell<'a>(&'a self, peer: &'a str, scenario: &'a str) -> impl Iterator<Item = &'a Round> {
        self.rounds
            .iter()
            .filter(move |round| round.peer == peer && round.scenario.name == scenario)
    }

    fn values<'a>(&'a self, peer: &'a str, scenario: &'a str) -> impl Iterator<Item = &'a Value> {
        self.cell(peer, scenario)
            .filter_map(|round| round.outcome.as_ref().ok())
    }
}

fn raw_round(round: &Round) -> Value {
    let (measured, error) = match &round.outcome {
        Ok(value) => (value.clone(), Value::Null),
        Err(why) => (Value::Null, json!(why)),
    };
    json!({ "peer": round.peer, "scenario": round.scenario.name, "measured": measured, "error": error })
}

/// The latency distribution that one run has printed: quantiles, each with its time in ns.
pub(crate) fn points(value: &Value) -> Option<Vec<(f64, f64)>> {
    let pair = |point: &Value| Some((point.get(0)?.as_f64()?, point.get(1)?.as_f64()?));
    value.get("quantiles_ns")?.as_array()?.iter().map(pair).collect()
}

/// The time of one quantile of a distribution.
pub(crate) fn at(points: &[(f64, f64)], part: f64) -> Option<f64> {
    let found = points.iter().find(|(own, _)| (own - part).abs() < 1e-9);
    found.map(|(_, ns)| *ns)
}

/// The middle value; of an even number the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let high = *values.get(values.len() / 2)?;
    let low = *values.get((values.len() - 1) / 2)?;
    Some(f64::midpoint(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    fn round(value: Value) -> Round {
        let scenario = scenario::ALL[0];
        Round {
            peer: "fern",
            scenario,
            outcome: Ok(value),
        }
    }

    /// A figure is the median of its rounds; a failed round takes no part in it and is told.
    #[test]
    fn figures_are_medians() {
        let mut results = Results::default();
        for value in [3.0, 1.0, 100.0] {
            results
                .rounds
                .push(round(json!({ "x": value, "quantiles_ns": [[0.5, value]] })));
        }
        results.rounds.push(Round {
            outcome: Err("it hung".to_owned()),
            ..round(Value::Null)
        });
        let name = scenario::ALL[0].name;
        assert_eq!(results.median("fern", name, "x"), Some(3.0));
        assert_eq!(results.greatest("fern", name, "x"), Some(100.0));
        assert_eq!(results.quantile("fern", name, 0.5), Some(3.0));
        assert_eq!(results.failure("fern", name), Some("it hung"));
        assert_eq!(results.median("fern", name, "y"), None);
    }

    /// One missing record in one round marks the figure.
    #[test]
    fn a_missing_record_marks_the_figure() {
        let mut results = Results::default();
        results.rounds.push(round(json!({ "missing": 0 })));
        let name = scenario::ALL[0].name;
        assert!(results.is_complete("fern", name));
        results.rounds.push(round(json!({ "missing": 1 })));
        assert!(!results.is_complete("fern", name));
    }
}
