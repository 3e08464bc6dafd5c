//! What a seed draws before anything happens.

use std::time::Duration;

use hydra_logger::config::{ByteSize, Fsync, Overflow};
use hydra_logger::{Error, Format, Guarantee, Level, LogDestination, LogLayer, LoggingConfig};
use hydra_os::sim::{Death, Faults, Plan};

use crate::random::Random;

/// The layer that everything is logged to.
pub const LAYER: &str = "SIM";
/// Where the files are.
pub const DIR: &str = "/log";
/// What the name ends in of a file that serves instead of another.
pub const INSTEAD: &str = "-instead";
/// Where the journals are.
pub const JOURNAL: &str = "/journal";
/// After how long who waits for a guarantee looks for himself: when nothing else happens.
pub const LOOKS_AFTER: Duration = Duration::from_secs(67);
/// More rotated files than any round makes, so that none is removed.
const BACKUPS: u32 = 1_000;
/// About how many bytes a life writes to its journal at most.
const LIFE_BYTES_MAX: u64 = 500_000;
const KIB: u64 = 1 << 10;

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The process is killed.
    Kill,
    /// The power goes.
    Cut,
    /// Calls to the disk fail.
    Fault,
    /// Calls to the disk fail, and the power goes.
    Chaos,
}

impl Family {
    /// Whether the power may go: what nobody had synced may be lost then, or come twice.
    pub fn loses_power(self) -> bool {
        matches!(self, Family::Cut | Family::Chaos)
    }

    /// Whether calls to the disk may fail.
    pub fn has_faults(self) -> bool {
        matches!(self, Family::Fault | Family::Chaos)
    }
}

/// A file to log to.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Plain text or JSON.
    pub format: Format,
    /// The least level it takes.
    pub level: Level,
    /// Rotate at so many bytes; 0 for never.
    pub rotate: u64,
    /// When it is synced.
    pub fsync: Fsync,
    /// Bytes of a write; 0 for the default.
    pub buffer: u64,
    /// Each record by itself.
    pub one_by_one: bool,
    /// What gives way when the journal is full because of it.
    pub overflow: Overflow,
    /// The format of a second file that serves while this one does not; none if there is no such file.
    pub fallback: Option<Format>,
    /// Whether a reload may take it away for a while, or have it take other levels.
    pub comes_and_goes: bool,
}

impl Target {
    /// Returns the name of the file that serves while this one does not.
    pub fn fallback_name(&self) -> String {
        format!("{}{INSTEAD}", self.name)
    }
}

/// Everything but the course of events.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The seed.
    pub seed: u64,
    /// What can happen.
    pub family: Family,
    /// The files.
    pub targets: Vec<Target>,
    /// What each level is promised.
    pub guarantees: Vec<(Level, Guarantee)>,
    /// Bytes of a segment, and of the whole journal.
    pub segment: u64,
    /// See `segment`.
    pub quota: u64,
    /// Threads that log.
    pub threads: u64,
    /// Records of each.
    pub records: u64,
    /// One pause in so many records.
    pub pause_every: u64,
    /// Bytes that a record carries beside its message; no file shows them.
    pub pad: usize,
    /// How many of the threads log by the async handle.
    pub async_threads: u64,
    /// How often a life starts the logger anew.
    pub starts: u64,
    /// Whether the end comes while threads still log.
    pub is_cut_short: bool,
    /// How often another configuration comes into force while threads log.
    pub reloads: u64,
    /// How often the journals are moved away under the living process, which is not killed then.
    pub losses: u64,
}

/// The levels that are logged at.
pub const LEVELS: [Level; 4] = [Level::Debug, Level::Info, Level::Warning, Level::Error];

impl Scene {
    /// Draws a scene.
    pub fn draw(seed: u64) -> Scene {
        let mut random = Random::of(&[seed, 1]);
        let family = random.pick(&[Family::Kill, Family::Cut, Family::Fault, Family::Chaos]);
        let targets: Vec<Target> = (0..random.pick(&[1, 1, 2, 2, 3]))
            .map(|number| target(number, &mut random))
            .collect();
        let guarantees = LEVELS.map(|level| {
            let usual = if level == Level::Error {
                Guarantee::Synced
            } else {
                Guarantee::Journaled
            };
            let drawn = random.pick(&[
                usual,
                usual,
                Guarantee::Journaled,
                Guarantee::Synced,
                Guarantee::Delivered,
            ]);
            (level, drawn)
        });
        let segment = random.pick(&[64 * KIB, 64 * KIB, 128 * KIB]);
        let (threads, starts) = (random.pick(&[1, 2, 3, 4]), random.pick(&[1, 1, 1, 2]));
        let pad = random.pick(&[0, 0, 0, 0, 0, 500, 3_000, 20_000]);
        // So many that segments are recycled, and no more: a round is checked in a moment.
        let records_max = LIFE_BYTES_MAX / ((pad as u64 + 300) * threads * starts);
        // What was drawn above stays what it was before there was anything below.
        let mut later = Random::of(&[seed, 5]);
        let targets = targets.into_iter().map(|target| beyond(target, &mut later)).collect();
        Scene {
            seed,
            family,
            targets,
            guarantees: guarantees.to_vec(),
            segment,
            quota: segment * random.pick(&[4, 5, 8, 16]),
            threads,
            records: random.pick(&[3, 10, 40, 120]).min(records_max.max(3)),
            pause_every: random.pick(&[2, 10, 50, 1_000]),
            pad,
            async_threads: random.pick(&[0, 0, 1, 4]),
            starts,
            is_cut_short: random.below(4) == 0,
            reloads: later.pick(&[0, 0, 0, 1, 3, 8]),
            losses: match family.loses_power() {
                true => 0,
                false => later.pick(&[0, 0, 0, 0, 0, 1, 4]),
            },
        }
    }

    /// Returns the scene with some targets away or changed, as a reload may have it.
    pub fn varied(&self, random: &mut Random) -> Scene {
        let mut scene = self.clone();
        for target in &mut scene.targets {
            match random.below(4) {
                // Where an earlier logger of the process may have the file still, it must be wanted the same way.
                0 if self.starts == 1 => target.rotate = random.pick(&[0, 2 * KIB, 20 * KIB]),
                1 => target.buffer = random.pick(&[0, 1, 4 * KIB]),
                2 => target.one_by_one = !target.one_by_one,
                _ => {}
            }
            if target.comes_and_goes && random.below(2) == 0 {
                target.level = random.pick(&LEVELS);
            }
        }
        scene
            .targets
            .retain(|target| !target.comes_and_goes || random.below(3) > 0);
        scene
    }

    /// Returns what a record of that level is promised: a level may be raised by what is asked for those below it.
    pub fn guarantee(&self, level: Level) -> Guarantee {
        let config = self.config();
        config.map_or(Guarantee::Queued, |config| config.wanted(LAYER, level).guarantee)
    }

    /// Returns the configuration.
    ///
    /// # Errors
    /// What the library says about it.
    pub fn config(&self) -> Result<LoggingConfig, Error> {
        let mut layer = LogLayer::new(Level::Debug);
        for target in &self.targets {
            let mut file = LogDestination::file(format!("{DIR}/{}", target.name))
                .format(target.format)
                .level(target.level)
                .max_size(ByteSize::new(target.rotate))
                .backup_count(BACKUPS)
                .fsync(target.fsync)
                .overflow(target.overflow)
                .force_flush(target.one_by_one);
            if let Some(format) = target.fallback {
                let path = format!("{DIR}/{}", target.fallback_name());
                file = file.fallback(LogDestination::file(path).format(format));
            }
            if target.buffer > 0 {
                file = file.buffer_size(ByteSize::new(target.buffer));
            }
            layer = layer.destination(file);
        }
        let last = LogLayer::new(Level::Critical).destination(LogDestination::file(format!("{DIR}/rest.log")));
        let mut builder = LoggingConfig::builder()
            .layer(LAYER, layer)
            .layer("DEFAULT", last)
            .journal_dir(JOURNAL)
            .journal_segment_size(ByteSize::new(self.segment))
            .journal_max_size(ByteSize::new(self.quota))
            .shutdown_timeout(LOOKS_AFTER);
        for (level, guarantee) in &self.guarantees {
            builder = builder.guarantee(*level, *guarantee);
        }
        builder.build()
    }

    /// Draws how the world behaves during a life that may end badly.
    pub fn plan(&self, random: &mut Random, steps_max: u64) -> Plan {
        // As many deaths among the first few hundred steps as among the last hundred thousand.
        let bits = 64 - steps_max.leading_zeros() as u64;
        let bits = 5 + random.below(bits.saturating_sub(5).max(1));
        let at = random.below(1 << bits);
        let death = match (self.family, random.below(8)) {
            (_, 0) => Death::None,
            // For a moment the records are where nobody looks for them.
            _ if self.losses > 0 => Death::None,
            (Family::Cut | Family::Chaos, 1..=5) => Death::PowerCut(at),
            (Family::Fault, 1..=4) => Death::None,
            _ => Death::Kill(at),
        };
        Plan {
            switch_every: random.pick(&[20, 100, 500, 2_000, 10_000]),
            priorities: random.below(3) == 0,
            spurious: random.pick(&[0, 20, 200]),
            write_back: random.pick(&[0, 5, 50]),
            death,
            faults: if self.family.has_faults() {
                faults(random)
            } else {
                Faults::default()
            },
        }
    }

    /// How the world behaves when nothing goes wrong.
    pub fn calm() -> Plan {
        Plan {
            switch_every: 500,
            ..Plan::default()
        }
    }
}

fn target(number: u64, random: &mut Random) -> Target {
    Target {
        name: format!("{number}.log"),
        format: random.pick(&[Format::PlainText, Format::Json]),
        level: random.pick(&[Level::Debug, Level::Debug, Level::Info, Level::Warning]),
        rotate: random.pick(&[0, 0, 2 * KIB, 20 * KIB]),
        fsync: random.pick(&[Fsync::Never, Fsync::Never, Fsync::Interval, Fsync::Every]),
        buffer: random.pick(&[0, 0, 1, 4 * KIB]),
        one_by_one: random.below(8) == 0,
        overflow: Overflow::Block,
        fallback: None,
        comes_and_goes: false,
    }
}

/// Draws the rest of a target.
fn beyond(target: Target, random: &mut Random) -> Target {
    let block = Overflow::Block;
    Target {
        overflow: random.pick(&[block, block, block, Overflow::DropOldest, Overflow::DropNewest]),
        fallback: random.pick(&[None, None, None, Some(Format::PlainText), Some(Format::Json)]),
        comes_and_goes: random.below(3) == 0,
        ..target
    }
}

/// Some faults, each now and then; few at a time, so that something is left to observe.
fn faults(random: &mut Random) -> Faults {
    let mut faults = Faults::default();
    for _ in 0..1 + random.below(3) {
        let one_in = random.pick(&[2, 5, 20, 100]);
        match random.below(10) {
            0 => faults.write = one_in,
            1 => (faults.write, faults.device) = (one_in, 2),
            // One sync of a head is a sync of each file it has rotated, and one that fails has it write all again.
            2 => faults.sync = 5 * one_in,
            3 => faults.sync_dir = one_in,
            4 => faults.rename = one_in,
            5 => faults.open = one_in,
            6 => faults.allocate = one_in,
            7 => faults.slow = 10 * one_in,
            8 => faults.spawn = one_in,
            _ => faults.clock = one_in,
        }
    }
    faults
}
