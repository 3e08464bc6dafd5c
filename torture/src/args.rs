//! The command line of the harness.

use std::path::PathBuf;
use std::time::Duration;

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    /// The rows asked for; all if there are none.
    pub rows: Vec<String>,
    /// Where the rounds' seeds begin.
    pub seed: u64,
    /// How long to go on; none: until each row has had its kills.
    pub time: Option<Duration>,
    /// How many SIGKILLs the rows that kill share.
    pub kills: u64,
    /// Rows that go through every instruction or system call leave none out, however long it takes.
    pub exhaustive: bool,
    /// Where each run adds a line, so that runs of many days add up.
    pub ledger: Option<PathBuf>,
    /// Only names the rows.
    pub list: bool,
    /// Only names the packages that must be installed first.
    pub packages: bool,
}

/// The kills of a run that does not say how many.
const KILLS: u64 = 1_000;

impl Default for Args {
    fn default() -> Args {
        Args {
            rows: Vec::new(),
            seed: 0,
            time: None,
            kills: KILLS,
            exhaustive: false,
            ledger: None,
            list: false,
            packages: false,
        }
    }
}

impl Args {
    /// Reads the command line; without `--seed` the seed is random.
    ///
    /// # Errors
    /// A sentence about the word that is wrong.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
        let mut args = Args {
            seed: hydra_os::random::u64() % 1_000_000_000,
            ..Args::default()
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` wants a value"));
            match word.as_str() {
                "--row" => args.rows.push(value()?),
                "--seed" => args.seed = number(&value()?)?,
                "--minutes" => args.time = Some(Duration::from_secs(60 * number(&value()?)?)),
                "--kills" => args.kills = number(&value()?)?,
                "--exhaustive" => args.exhaustive = true,
                "--ledger" => args.ledger = Some(PathBuf::from(value()?)),
                "--list" => args.list = true,
                "--packages" => args.packages = true,
                _ => return Err(format!("`{word}` is no option")),
            }
        }
        Ok(args)
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is no whole number"))
}
