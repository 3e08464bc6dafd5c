//! The program that is killed: it logs what its spec says and ends as its spec says.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hydra_logger::config::{ByteSize, Rotate};
use hydra_logger::{
    AsyncHydraLogger, Error, ErrorKind, FallbackStep, Format, HydraLogger, Level, LogDestination, LogLayer,
    LoggingConfig, Receipt, error, info,
};

use crate::calls;
use crate::payload::Id;
use crate::spec::{
    DIRECT, EMERGENCY, ENOUGH, End, Files, Front, HEALTH, JOURNAL, JSON, PLAIN, Play, REFUSED, Rotation, STARVED, Spec,
    TAPE,
};
use crate::stall;
use crate::tape::Tape;

mod children;
mod crowd;
mod display;
pub mod gate;
pub mod handler;
mod stalled;

/// The layer that victims log to.
pub const LAYER: &str = "KILL";
/// What a victim that panics on purpose says.
pub const AS_TOLD: &str = "as told";
/// How long a victim's shutdown may take.
pub const SHUTDOWN: Duration = Duration::from_secs(60);
/// How long a call may wait for its guarantee while it is stepped through.
const STEPPED_FOR: Duration = Duration::from_secs(3600);
/// Rotated files that are kept: more than any round makes, so that none is removed.
const BACKUPS: u32 = 1_000;
/// Records between two looks at whether it is enough.
const LOOKS_EVERY: u64 = 64;
/// What a victim says by ending with this code: a record was refused.
pub const ENDED_REFUSED: u8 = 3;

static KEPT: OnceLock<Log> = OnceLock::new();
static REFUSALS: OnceLock<std::fs::File> = OnceLock::new();

/// Either handle.
#[derive(Clone, Debug)]
pub enum Log {
    /// The sync handle.
    Sync(HydraLogger),
    /// The async handle.
    Async(AsyncHydraLogger),
}

/// Returns the configuration a spec asks for: one layer, one or two files.
///
/// # Errors
/// What the library says about it.
pub fn config(spec: &Spec) -> Result<LoggingConfig, Error> {
    let file = |name: &str, format| {
        let file = LogDestination::file(spec.dir.join(name))
            .format(format)
            .max_size(ByteSize::new(spec.rotate))
            .rotate(match spec.rotation {
                Rotation::Never => Rotate::Size,
                Rotation::Hourly => Rotate::Hourly,
            });
        file.backup_count(BACKUPS)
    };
    let mut layer = LogLayer::new(Level::Info);
    if spec.files != Files::Json {
        layer = layer.destination(file(PLAIN, Format::PlainText));
    }
    if spec.files != Files::Plain {
        layer = layer.destination(file(JSON, Format::Json));
    }
    let mut builder = LoggingConfig::builder()
        .layer(LAYER, layer)
        .emergency_file(spec.dir.join(EMERGENCY));
    if spec.journal {
        builder = builder.journal_dir(spec.dir.join(JOURNAL));
    }
    if spec.segment > 0 {
        builder = builder.journal_segment_size(ByteSize::new(spec.segment));
    }
    if spec.quota > 0 {
        builder = builder.journal_max_size(ByteSize::new(spec.quota));
    }
    if spec.play != Play::Log {
        // A call that is stepped through takes as long as its stepper likes.
        builder = builder.shutdown_timeout(STEPPED_FOR);
    } else if spec.patience_s > 0 {
        builder = builder.shutdown_timeout(Duration::from_secs(spec.patience_s));
    }
    builder.build()
}

/// Runs as a victim.
pub fn run(spec: &Spec) -> ExitCode {
    if spec.bears || spec.dir.join(REFUSED).exists() {
        open_refusals(spec);
    }
    if spec.traced
        && let Err(error) = calls::be_traced()
    {
        return complain(&error.to_string());
    }
    hydra_os::hazard::fail_allocation(spec.starve);
    let started = config(spec).and_then(|config| match spec.front {
        Front::Sync => HydraLogger::new(config).map(Log::Sync),
        Front::Async => AsyncHydraLogger::new(config).map(Log::Async),
    });
    let tape = Tape::open(&spec.dir.join(TAPE));
    let (log, tape) = match (started, tape) {
        (Ok(log), Ok(tape)) => (log, Arc::new(tape)),
        (Err(error), _) => return complain(&error.to_string()),
        (_, Err(error)) => return complain(&error.to_string()),
    };
    let drains = match &log {
        _ if !spec.drains => Ok(()),
        Log::Sync(log) => log.drain_on_signals(),
        Log::Async(log) => log.drain_on_signals(),
    };
    if let Err(error) = drains {
        return complain(&error.to_string());
    }
    match (&log, spec.play) {
        (Log::Sync(log), Play::Gate | Play::GateDelivered | Play::Roll) => gate::run(spec, log, &tape),
        (Log::Sync(log), Play::Stall) => stalled::run(spec, log, &tape),
        (Log::Sync(log), Play::Signal) => handler::run(spec, log.clone(), &tape),
        (Log::Sync(log), Play::Churn | Play::Crowd) => crowd::run(spec, log.clone(), &tape),
        (Log::Sync(log), Play::Display) => display::run(spec, log.clone(), &tape),
        (_, Play::Log) => work_and_end(spec, log, &tape),
        (Log::Async(_), _) => complain("the async handle cannot play that"),
    }
}

fn work_and_end(spec: &Spec, log: Log, tape: &Arc<Tape>) -> ExitCode {
    let threads = (0..spec.threads).map(|thread| {
        let (spec, log, tape) = (spec.clone(), log.clone(), Arc::clone(tape));
        std::thread::Builder::new().spawn(move || work(&spec, &log, &tape, thread))
    });
    let threads = match threads.collect::<Result<Vec<_>, _>>() {
        Ok(threads) => threads,
        // Those that are there already go on; that nothing more is done is told.
        Err(error) => {
            complain(&error.to_string());
            let _ = shut_down(spec, &log);
            return ExitCode::FAILURE;
        }
    };
    let forked = children::fork(spec, &log, tape);
    if matches!(spec.end, End::ReturnBusy | End::ExitBusy) {
        // Each thread is in the middle of its records, and stays there.
        while (0..spec.threads).any(|thread| tape.of(spec.life, thread).1 < spec.records) {
            std::thread::yield_now();
        }
        return end(spec, log);
    }
    for thread in threads {
        match thread.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                complain(&error.to_string());
                return ExitCode::from(ENDED_REFUSED);
            }
            Err(_) if spec.end == End::PanicThread => {}
            Err(_) => return complain("a thread panicked"),
        }
    }
    if let Err(what) = forked.and_then(children::wait) {
        return complain(&what);
    }
    end(spec, log)
}

fn work(spec: &Spec, log: &Log, tape: &Tape, thread: u64) -> Result<(), Error> {
    let life = spec.life;
    let last = match spec.end {
        End::ReturnBusy | End::ExitBusy => u64::MAX,
        _ => spec.records,
    };
    for number in 1..=last {
        let text = Text::new(spec, Id { life, thread, number });
        if is_enough(spec, text.id) {
            break;
        }
        tape.intend(life, thread, number);
        let outcome = match log {
            Log::Sync(log) => {
                let receipt = sync_call(spec, log, &text);
                receipt.wait().map(|()| receipt.sequence())
            }
            Log::Async(log) => {
                let mut receipt = async_call(spec, log, &text);
                futures::executor::block_on(&mut receipt).map(|()| receipt.sequence())
            }
        };
        // A call after the end. That of a forked child, which is refused, says no more than that.
        if matches!(&outcome, Err(error) if error.kind() == ErrorKind::Closed && error.ended_at().is_some()) {
            break;
        }
        settle(spec, tape, text.id, outcome.map(drop))?;
    }
    if spec.end == End::PanicThread {
        panic_as_told();
    }
    Ok(())
}

/// Looks, now and then, whether the harness has had enough.
fn is_enough(spec: &Spec, id: Id) -> bool {
    spec.heeds && (spec.pace_us > 0 || id.number.is_multiple_of(LOOKS_EVERY)) && spec.dir.join(ENOUGH).exists()
}

/// Notes what became of a record, and waits for as long as the spec says.
fn settle(spec: &Spec, tape: &Tape, id: Id, outcome: Result<(), Error>) -> Result<(), Error> {
    if let Err(error) = &outcome
        && error.kind() == ErrorKind::Timeout
    {
        complain(&format!("{error}: {}", stall::threads(hydra_os::process::id())));
    }
    match outcome {
        Ok(()) => tape.accept(id.life, id.thread, id.number),
        Err(error) => {
            note_refusal(id, &error);
            if !spec.bears {
                return Err(error);
            }
        }
    }
    if spec.pace_us > 0 {
        std::thread::sleep(Duration::from_micros(spec.pace_us));
    }
    Ok(())
}

/// A line for the oracle; one that is lost makes it stricter.
fn note_refusal(Id { life, thread, number }: Id, error: &Error) {
    let step = match error.ended_at() {
        Some(FallbackStep::Direct) => DIRECT,
        Some(FallbackStep::EmergencyFile) => EMERGENCY,
        _ => "-",
    };
    if let Some(mut file) = REFUSALS.get() {
        let _ = file.write_all(format!("{life} {thread} {number} {step}\n").as_bytes());
    }
}

/// Opens the list of refusals, while it can be opened for certain.
fn open_refusals(spec: &Spec) {
    let path = spec.dir.join(REFUSED);
    if let Ok(file) = std::fs::OpenOptions::new().create(true).append(true).open(path) {
        let _ = REFUSALS.set(file);
    }
}

/// What a record says, made before the call: the call alone is what is killed.
struct Text {
    id: Id,
    body: String,
    whole: String,
}

impl Text {
    fn new(spec: &Spec, id: Id) -> Text {
        let body = id.body(spec.seed);
        let whole = id.text_of(&body);
        Text { id, body, whole }
    }
}

/// Logs one record: in turn by a macro with typed fields, by a method, and through a layer's handle.
macro_rules! call {
    ($name:ident, $handle:ty) => {
        fn $name(spec: &Spec, log: &$handle, text: &Text) -> Receipt {
            let Text { id, body, whole } = text;
            let Id { life, thread, number } = *id;
            if spec.errors > 0 && number % spec.errors == 0 {
                return error!(log, layer: LAYER, "{life} {thread} {number} {body}");
            }
            match number % 3 {
                0 => log.info(LAYER, whole),
                1 => info!(log, layer: LAYER, "{life} {thread} {number} {body}"; half = number as f64 / 2.0),
                _ => info!(log.layer(LAYER), "{} {} {} {body}", life, thread, number),
            }
        }
    };
}

call!(sync_call, HydraLogger);
call!(async_call, AsyncHydraLogger);

fn end(spec: &Spec, log: Log) -> ExitCode {
    match spec.end {
        End::Park => loop {
            std::thread::park();
        },
        End::Shutdown => return shut_down(spec, &log),
        End::Return | End::PanicThread | End::ReturnBusy => {}
        End::Leak => std::mem::forget(log),
        End::Static => {
            let _ = KEPT.set(log);
        }
        End::Exit | End::ExitBusy => std::process::exit(0),
        End::Leave => hydra_os::hazard::leave(0),
        // The runtime looks at the first one, whether the stack overflowed, and lets go of the signal.
        End::Segfault => loop {
            let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSEGV);
        },
        End::PanicAbort => {
            std::panic::set_hook(Box::new(|_| std::process::abort()));
            match &log {
                Log::Sync(log) => log.install_panic_hook(),
                Log::Async(log) => log.install_panic_hook(),
            }
            panic_as_told();
        }
        End::Overflow => display::overflow(&log),
        End::Panic => {
            let _in_scope = log;
            panic_as_told();
        }
        End::PanicLeak => {
            std::mem::forget(log);
            panic_as_told();
        }
        End::Abort => std::process::abort(),
        End::Kill => {
            let me = hydra_os::process::id().to_string();
            // It is over before this returns.
            let _ = std::process::Command::new("kill").args(["-KILL", &me]).status();
        }
    }
    ExitCode::SUCCESS
}

#[expect(clippy::panic, reason = "a victim panics when it is told to")]
fn panic_as_told() -> ! {
    panic!("{AS_TOLD}")
}

fn shut_down(spec: &Spec, log: &Log) -> ExitCode {
    let timeout = match spec.patience_s {
        0 => SHUTDOWN,
        seconds => Duration::from_secs(seconds),
    };
    let (report, health) = match log {
        Log::Sync(log) => (log.shutdown(timeout), log.health()),
        Log::Async(log) => (futures::executor::block_on(log.shutdown(timeout)), log.health()),
    };
    // For rows that ask whether a fault was told; one that is missing tells nothing.
    let _ = std::fs::write(spec.dir.join(HEALTH), format!("{health:?}"));
    if spec.starve > 0 {
        let left = hydra_os::hazard::allocations_left();
        let _ = std::fs::write(spec.dir.join(STARVED), left.to_string());
    }
    match report {
        Ok(report) if report.left_in_journal + report.dropped == 0 && (spec.bears || report.fell_back == 0) => {
            ExitCode::SUCCESS
        }
        Ok(report) => complain(&format!("not everything was delivered: {report:?}")),
        Err(error) => complain(&error.to_string()),
    }
}

fn complain(what: &str) -> ExitCode {
    // The harness looks at the exit code as well.
    let _ = writeln!(std::io::stderr(), "victim: {what}");
    ExitCode::FAILURE
}
