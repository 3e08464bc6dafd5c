//! The command line of the simulation.

use hydra_os::sim::Mutation;

/// What to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Args {
    /// The first seed.
    pub seed: u64,
    /// How many.
    pub seeds: u64,
    /// How many at a time.
    pub jobs: usize,
    /// Run the first seed in this very process, on this processor.
    pub alone: Option<usize>,
    /// Every call to the disk is told.
    pub tell: bool,
    /// The disk lies: to see whether that is noticed.
    pub lie: Option<&'static str>,
}

/// What the command line may say.
pub const USAGE: &str = "\
usage: simulate [--seed S] [--seeds N] [--jobs J] [--tell] [--lie NAME]

    --seed S     the first seed; random if left out
    --seeds N    how many seeds: S, S+1, ...; 1 where --seed is given, else 500
    --jobs J     how many at a time; as many as there are processors
    --tell       every call to the disk is told on standard error; one seed
    --lie NAME   have the disk lie, so that seeds must fail: syncs-do-nothing, kills-lose-the-cache, writes-lie";

/// The lies by name.
const LIES: [(&str, Mutation); 3] = [
    ("syncs-do-nothing", Mutation::SyncsDoNothing),
    ("kills-lose-the-cache", Mutation::KillsLoseTheCache),
    ("writes-lie", Mutation::WritesLie),
];

impl Default for Args {
    fn default() -> Args {
        Args {
            seed: 1,
            seeds: 1,
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            alone: None,
            tell: false,
            lie: None,
        }
    }
}

impl Args {
    /// Reads the command line.
    ///
    /// # Errors
    /// A sentence about the word that is wrong.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
        let (mut seed, mut seeds) = (None, None);
        let mut args = Args::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` wants a value"));
            match word.as_str() {
                "--seed" => seed = Some(number(&value()?)?),
                "--seeds" => seeds = Some(number(&value()?)?),
                "--jobs" => args.jobs = number(&value()?)?.clamp(1, 64) as usize,
                "--alone" => args.alone = Some(number(&value()?)? as usize),
                "--tell" => (args.tell, args.alone) = (true, args.alone.or(Some(0))),
                "--lie" => args.lie = Some(lie(&value()?)?.0),
                _ => return Err(format!("`{word}` is no option")),
            }
        }
        args.seeds = seeds.unwrap_or(if seed.is_some() { 1 } else { 500 });
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed();
        args.seed = seed.unwrap_or_else(|| now.map_or(0, |now| now.as_nanos() as u64 % 1_000_000_000));
        Ok(args)
    }

    /// Has the disk lie, if it is to.
    pub fn begin_to_lie(&self) {
        if let Some(Ok((_, mutation))) = self.lie.map(lie) {
            hydra_os::sim::mutate(mutation);
        }
    }
}

fn lie(name: &str) -> Result<(&'static str, Mutation), String> {
    let found = LIES.iter().find(|(known, _)| *known == name);
    found
        .copied()
        .ok_or_else(|| format!("`{name}` is no lie that the disk can tell"))
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is no whole number"))
}
