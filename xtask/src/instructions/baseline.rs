//! The committed counts, and what is made of a new one.

use std::fmt;

/// By how much a count may differ.
const PERCENT: u64 = 3;

const HEADER: &str = "\
# Instructions of one call or of one record, as callgrind counts them in a release build on Linux, x86-64.
# `cargo xtask instructions` compares: more than 3 % over a count here fails the gate. `--save` writes this file.
#
# Counts depend on the compiler, so it is named. They do not depend on the processor as long as copying does not: glibc
# is told to use its plain routines. Another version of glibc may shift them by a few instructions.
";

/// What a file of baselines holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Baseline {
    /// The version of the compiler.
    pub(super) compiler: String,
    /// Each measure's instructions.
    pub(super) counts: Vec<(String, u64)>,
}

impl Baseline {
    /// Reads `name = value` lines; others are comments.
    pub(super) fn parse(text: &str) -> Baseline {
        let mut baseline = Baseline::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.split_once('=') else {
                continue;
            };
            let (name, value) = (name.trim(), value.trim());
            match value.parse() {
                Ok(count) => baseline.counts.push((name.to_owned(), count)),
                Err(_) if name == "rustc" => baseline.compiler = value.trim_matches('"').to_owned(),
                Err(_) => {}
            }
        }
        baseline
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = format!("{HEADER}rustc = \"{}\"\n\n", self.compiler);
        for (name, count) in &self.counts {
            text.push_str(&format!("{name} = {count}\n"));
        }
        text
    }

    pub(super) fn count(&self, name: &str) -> Option<u64> {
        self.counts
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, count)| *count)
    }
}

/// How a count compares with its baseline.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Same,
    More,
    Less,
    /// There is no baseline.
    Unknown,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Same => "ok",
            Verdict::More => "FAILED: over the baseline by more than 3 %",
            Verdict::Less => "lower by more than 3 %",
            Verdict::Unknown => "FAILED: no baseline",
        })
    }
}

pub(super) fn judge(before: Option<u64>, count: u64) -> Verdict {
    match before {
        None => Verdict::Unknown,
        Some(before) if count * 100 > before * (100 + PERCENT) => Verdict::More,
        Some(before) if count * 100 < before * (100 - PERCENT) => Verdict::Less,
        Some(_) => Verdict::Same,
    }
}

/// Finds the sum in what callgrind tells at its end.
pub(super) fn collected(text: &str) -> Option<u64> {
    let (_, rest) = text.lines().find_map(|line| line.split_once("Collected :"))?;
    rest.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Baselines come back as written, comments aside.
    #[test]
    fn baselines_round_trip() {
        let baseline = Baseline {
            compiler: "1.95.0".to_owned(),
            counts: vec![("append".to_owned(), 889), ("json".to_owned(), 2390)],
        };
        let text = baseline.to_text();
        assert_eq!(Baseline::parse(&text), baseline);
        assert_eq!((baseline.count("json"), baseline.count("xml")), (Some(2390), None));
    }

    /// Three percent more is let pass, anything above is not; a measure without a baseline never passes unseen.
    #[test]
    fn three_percent_are_let_pass() {
        assert_eq!(judge(Some(1000), 1030), Verdict::Same);
        assert_eq!(judge(Some(1000), 1031), Verdict::More);
        assert_eq!(judge(Some(1000), 970), Verdict::Same);
        assert_eq!(judge(Some(1000), 969), Verdict::Less);
        assert_eq!(judge(Some(12), 13), Verdict::More);
        assert_eq!(judge(None, 1), Verdict::Unknown);
    }

    /// The sum is found among callgrind's other lines, and nothing is made up where there is none.
    #[test]
    fn reads_what_callgrind_tells() {
        let text = "==7== Events    : Ir\n==7== Collected : 4744210\n==7== \n==7== I   refs:      4,744,210\n";
        assert_eq!(collected(text), Some(4_744_210));
        assert_eq!(collected("==7== Command: x"), None);
    }
}
