//! What a victim is told, as words of a command line.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Declares an enum with its words.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(word: &str) -> Result<$name, String> {
                match word {
                    $($word => Ok($name::$variant),)+
                    _ => Err(format!("`{word}` is none of {:?}", [$($word),+])),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($name::$variant => $word,)+ })
            }
        }
    };
}

words!(
    /// Which handle logs.
    Front {
        /// `HydraLogger`.
        Sync = "sync",
        /// `AsyncHydraLogger`, each receipt awaited.
        Async = "async",
    }
);

words!(
    /// Which files are written.
    Files {
        /// `plain.log`.
        Plain = "plain",
        /// `records.jsonl`.
        Json = "json",
        /// Both.
        Both = "both",
    }
);

words!(
    /// What a victim does between its start and its end.
    Play {
        /// Its threads log their records.
        Log = "log",
        /// A thread logs its records, waits at the gate and logs one more.
        Gate = "gate",
        /// As `Gate`; then all of it is delivered before the last one counts as accepted.
        GateDelivered = "gate-delivered",
        /// A thread logs until the journal begins its second segment.
        Roll = "roll",
        /// As `Gate`; there the thread stands still, and another one logs and shuts down.
        Stall = "stall",
        /// As `Gate`, then the end; a signal's handler logs, too.
        Signal = "signal",
        /// Short threads come and go, each logs some records, the last one as it is torn down.
        Churn = "churn",
        /// All threads are there at once.
        Crowd = "crowd",
        /// Records whose `Display` misbehaves.
        Display = "display",
    }
);

words!(
    /// When files are rotated besides by their size.
    Rotation {
        /// Not.
        Never = "never",
        /// At each full hour.
        Hourly = "hourly",
    }
);

words!(
    /// How a victim ends once its records are logged.
    End {
        /// Waits to be killed.
        Park = "park",
        /// Shuts down and returns.
        Shutdown = "shutdown",
        /// Returns from `main`; its handles are locals.
        Return = "return",
        /// Returns from `main`; its handle is leaked.
        Leak = "leak",
        /// Returns from `main`; its handle is in a static.
        Static = "static",
        /// Calls `process::exit`.
        Exit = "exit",
        /// Panics in `main`; its handles are locals.
        Panic = "panic",
        /// Panics in `main`; its handle is leaked.
        PanicLeak = "panic-leak",
        /// A thread panics after logging, `main` returns.
        PanicThread = "panic-thread",
        /// Calls `process::abort`.
        Abort = "abort",
        /// Dies of a segmentation fault.
        Segfault = "segfault",
        /// Leaves by `_exit`.
        Leave = "leave",
        /// Returns from `main` while its threads still log.
        ReturnBusy = "return-busy",
        /// Calls `process::exit` while its threads still log.
        ExitBusy = "exit-busy",
        /// Panics in `main`, and a panic aborts; the logger records it.
        PanicAbort = "panic-abort",
        /// Overflows its stack in a `Display`.
        Overflow = "overflow",
        /// Kills itself.
        Kill = "kill",
    }
);

/// What a victim is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The round's directory.
    pub dir: PathBuf,
    /// The round's seed.
    pub seed: u64,
    /// Which life this is.
    pub life: u64,
    /// What it does.
    pub play: Play,
    /// Whether it waits, at its start, for a tracer to take it in hand.
    pub traced: bool,
    /// How many threads log.
    pub threads: u64,
    /// How many records each logs.
    pub records: u64,
    /// Which handle logs.
    pub front: Front,
    /// Which files are written.
    pub files: Files,
    /// Whether there is a journal directory.
    pub journal: bool,
    /// The size of a segment of the journal in bytes; 0: the default.
    pub segment: u64,
    /// The journal's quota in bytes; 0: the default.
    pub quota: u64,
    /// The size at which the files are rotated in bytes; 0: never.
    pub rotate: u64,
    /// When the files are rotated besides.
    pub rotation: Rotation,
    /// One record in so many is an error, and so synced or delivered; 0: none.
    pub errors: u64,
    /// Whether a thread goes on after a record was refused, which it notes; else the victim ends with an error.
    pub bears: bool,
    /// Whether SIGTERM and SIGINT drain its logger.
    pub drains: bool,
    /// Whether the threads stop once the harness says that it is enough, though they have more records.
    pub heeds: bool,
    /// How long a thread waits after each record, in microseconds.
    pub pace_us: u64,
    /// How long a shutdown may take, in seconds; 0: as long as most need.
    pub patience_s: u64,
    /// How many children are forked while the threads log; they take the lives after the victim's own.
    pub forks: u64,
    /// Which of its allocations fails; 0: none.
    pub starve: u64,
    /// How the victim ends.
    pub end: End,
}

impl Spec {
    /// Returns a spec that logs nothing and shuts down.
    pub fn new(dir: &Path, seed: u64) -> Spec {
        Spec {
            dir: dir.to_owned(),
            seed,
            life: 0,
            play: Play::Log,
            traced: false,
            threads: 1,
            records: 0,
            front: Front::Sync,
            files: Files::Both,
            journal: true,
            segment: 0,
            quota: 0,
            rotate: 0,
            rotation: Rotation::Never,
            errors: 0,
            bears: false,
            drains: false,
            heeds: false,
            pace_us: 0,
            patience_s: 0,
            forks: 0,
            starve: 0,
            end: End::Shutdown,
        }
    }

    /// Reads the words that [`Spec::words`] gives.
    ///
    /// # Errors
    /// A sentence about the word that is wrong.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Spec, String> {
        let mut spec = Spec::new(Path::new("."), 0);
        for word in words {
            let (key, value) = word
                .split_once('=')
                .ok_or_else(|| format!("`{word}` is not key=value"))?;
            match key {
                "dir" => spec.dir = PathBuf::from(value),
                "seed" => spec.seed = read(value)?,
                "life" => spec.life = read(value)?,
                "play" => spec.play = value.parse()?,
                "traced" => spec.traced = read::<u64>(value)? == 1,
                "threads" => spec.threads = read(value)?,
                "records" => spec.records = read(value)?,
                "front" => spec.front = value.parse()?,
                "files" => spec.files = value.parse()?,
                "journal" => spec.journal = read::<u64>(value)? == 1,
                "segment" => spec.segment = read(value)?,
                "quota" => spec.quota = read(value)?,
                "rotate" => spec.rotate = read(value)?,
                "rotation" => spec.rotation = value.parse()?,
                "errors" => spec.errors = read(value)?,
                "bears" => spec.bears = read::<u64>(value)? == 1,
                "drains" => spec.drains = read::<u64>(value)? == 1,
                "heeds" => spec.heeds = read::<u64>(value)? == 1,
                "pace" => spec.pace_us = read(value)?,
                "patience" => spec.patience_s = read(value)?,
                "forks" => spec.forks = read(value)?,
                "starve" => spec.starve = read(value)?,
                "end" => spec.end = value.parse()?,
                _ => return Err(format!("`{key}` is unknown")),
            }
        }
        Ok(spec)
    }

    /// Returns the words of the command line.
    pub fn words(&self) -> Vec<String> {
        vec![
            format!("dir={}", self.dir.display()),
            format!("seed={}", self.seed),
            format!("life={}", self.life),
            format!("play={}", self.play),
            format!("traced={}", u64::from(self.traced)),
            format!("threads={}", self.threads),
            format!("records={}", self.records),
            format!("front={}", self.front),
            format!("files={}", self.files),
            format!("journal={}", u64::from(self.journal)),
            format!("segment={}", self.segment),
            format!("quota={}", self.quota),
            format!("rotate={}", self.rotate),
            format!("rotation={}", self.rotation),
            format!("errors={}", self.errors),
            format!("bears={}", u64::from(self.bears)),
            format!("drains={}", u64::from(self.drains)),
            format!("heeds={}", u64::from(self.heeds)),
            format!("pace={}", self.pace_us),
            format!("patience={}", self.patience_s),
            format!("forks={}", self.forks),
            format!("starve={}", self.starve),
            format!("end={}", self.end),
        ]
    }

    /// Returns the names of the files that are written.
    pub fn file_names(&self) -> &'static [&'static str] {
        match self.files {
            Files::Plain => &[PLAIN],
            Files::Json => &[JSON],
            Files::Both => &[PLAIN, JSON],
        }
    }
}

/// The file in plain text.
pub const PLAIN: &str = "plain.log";
/// The file in JSON.
pub const JSON: &str = "records.jsonl";
/// The tape.
pub const TAPE: &str = "tape";
/// The records that were refused, one in a line: life, thread, number, and where the receipt said that they are.
pub const REFUSED: &str = "refused";
/// The file at the end of the fallback chain.
pub const EMERGENCY: &str = "emergency.jsonl";
/// What a list of refusals says of a record that every file must have: the call wrote it there itself.
pub const DIRECT: &str = "direct";
/// How the last victim that shut down was doing, as it said itself.
pub const HEALTH: &str = "health";
/// How many allocations the last victim that shut down had left until one would have failed.
pub const STARVED: &str = "starved";
/// Once it exists, a victim that was told so begins no more records.
pub const ENOUGH: &str = "enough";
/// The journal's directory.
pub const JOURNAL: &str = "journal";

fn read<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A victim is told exactly what was meant.
    #[test]
    fn words_come_back() {
        let spec = Spec {
            life: 3,
            play: Play::Roll,
            traced: true,
            threads: 32,
            records: 1_000,
            front: Front::Async,
            files: Files::Json,
            journal: false,
            segment: 65_536,
            rotate: 10,
            rotation: Rotation::Hourly,
            errors: 7,
            bears: true,
            drains: true,
            heeds: true,
            pace_us: 9,
            patience_s: 5,
            forks: 2,
            starve: 11,
            end: End::PanicThread,
            ..Spec::new(Path::new("/tmp/x"), 42)
        };
        assert_eq!(Spec::parse(spec.words().into_iter()), Ok(spec));
    }
}
