//! The program that is killed: it logs what its spec says and ends as its spec says.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hydra_logger::config::ByteSize;
use hydra_logger::{
    AsyncHydraLogger, Error, Format, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig, Receipt, error, info,
};

use crate::payload::Id;
use crate::spec::{End, Files, Front, JOURNAL, JSON, PLAIN, Spec, TAPE};
use crate::tape::Tape;

mod children;

/// The layer that victims log to.
pub const LAYER: &str = "KILL";
/// How long a victim's shutdown may take.
pub const SHUTDOWN: Duration = Duration::from_secs(60);
/// Rotated files that are kept: more than any round makes, so that none is removed.
const BACKUPS: u32 = 1_000;
/// What a victim says by ending with this code: a record was refused.
const REFUSED: u8 = 3;

static KEPT: OnceLock<Log> = OnceLock::new();

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
            .max_size(ByteSize::new(spec.rotate));
        file.backup_count(BACKUPS)
    };
    let mut layer = LogLayer::new(Level::Info);
    if spec.files != Files::Json {
        layer = layer.destination(file(PLAIN, Format::PlainText));
    }
    if spec.files != Files::Plain {
        layer = layer.destination(file(JSON, Format::Json));
    }
    let mut builder = LoggingConfig::builder().layer(LAYER, layer);
    if spec.journal {
        builder = builder.journal_dir(spec.dir.join(JOURNAL));
    }
    if spec.segment > 0 {
        builder = builder.journal_segment_size(ByteSize::new(spec.segment));
    }
    if spec.quota > 0 {
        builder = builder.journal_max_size(ByteSize::new(spec.quota));
    }
    builder.build()
}

/// Runs as a victim.
pub fn run(spec: &Spec) -> ExitCode {
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
    let threads: Vec<_> = (0..spec.threads)
        .map(|thread| {
            let (spec, log, tape) = (spec.clone(), log.clone(), Arc::clone(&tape));
            std::thread::spawn(move || work(&spec, &log, &tape, thread))
        })
        .collect();
    let forked = children::fork(spec, &log, &tape);
    for thread in threads {
        match thread.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                complain(&error.to_string());
                return ExitCode::from(REFUSED);
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
    match log {
        Log::Sync(log) => {
            for number in 1..=spec.records {
                tape.intend(spec.life, thread, number);
                sync_call(
                    spec,
                    log,
                    Id {
                        life: spec.life,
                        thread,
                        number,
                    },
                )
                .wait()?;
                tape.accept(spec.life, thread, number);
            }
        }
        Log::Async(log) => futures::executor::block_on(async {
            for number in 1..=spec.records {
                tape.intend(spec.life, thread, number);
                async_call(
                    spec,
                    log,
                    Id {
                        life: spec.life,
                        thread,
                        number,
                    },
                )
                .await?;
                tape.accept(spec.life, thread, number);
            }
            Ok::<(), Error>(())
        })?,
    }
    if spec.end == End::PanicThread {
        panic_as_told();
    }
    Ok(())
}

/// Logs one record: in turn by a macro with typed fields, by a method, and through a layer's handle.
macro_rules! call {
    ($name:ident, $handle:ty) => {
        fn $name(spec: &Spec, log: &$handle, id: Id) -> Receipt {
            let Id { life, thread, number } = id;
            let body = id.body(spec.seed);
            if spec.errors > 0 && number % spec.errors == 0 {
                return error!(log, layer: LAYER, "{life} {thread} {number} {body}");
            }
            match number % 3 {
                0 => log.info(LAYER, id.text(spec.seed)),
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
        End::Shutdown => return shut_down(&log),
        End::Return | End::PanicThread => {}
        End::Leak => std::mem::forget(log),
        End::Static => {
            let _ = KEPT.set(log);
        }
        End::Exit => std::process::exit(0),
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
    panic!("as told")
}

fn shut_down(log: &Log) -> ExitCode {
    let report = match log {
        Log::Sync(log) => log.shutdown(SHUTDOWN),
        Log::Async(log) => futures::executor::block_on(log.shutdown(SHUTDOWN)),
    };
    match report {
        Ok(report) if report.left_in_journal == 0 && report.fell_back == 0 && report.dropped == 0 => ExitCode::SUCCESS,
        Ok(report) => complain(&format!("not everything was delivered: {report:?}")),
        Err(error) => complain(&error.to_string()),
    }
}

fn complain(what: &str) -> ExitCode {
    // The harness looks at the exit code as well.
    let _ = writeln!(std::io::stderr(), "victim: {what}");
    ExitCode::FAILURE
}
