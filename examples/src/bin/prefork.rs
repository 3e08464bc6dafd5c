//! Worker processes that serve one socket, as preforking servers do. Each has a logger of its own, with a journal and a
//! file of its own; a worker that dies is started anew, and delivers first what the dead one left.
//!
//! `cargo run -p examples --bin prefork -- logs` starts three workers, makes some requests, on some of which a worker
//! dies, and ends; the records are in `logs/worker-N.jsonl`.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use hydra_logger::{Format, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig, info, warning};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const WORKERS: usize = 3;
const REQUESTS: usize = 60;

fn main() -> Result<ExitCode, Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [dir] => supervise(Path::new(dir))?,
        [dir, number] => work(Path::new(dir), number)?,
        _ => {
            eprintln!("usage: prefork DIR");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The parent: it binds the socket, makes the workers, and makes the dead ones anew. It does not log.
fn supervise(dir: &Path) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut workers = Vec::new();
    for number in 0..WORKERS {
        workers.push(start(dir, number, &listener)?);
    }
    for number in 0..REQUESTS {
        let crashes = number % 20 == 10;
        let path = if crashes { "crash" } else { "page" };
        let answer = ask(address, &format!("/{path}/{number}"))?;
        if !crashes {
            assert!(answer.starts_with("served by worker "), "{answer}");
            continue;
        }
        // Who was asked is gone: it is made anew, and finds its journal.
        let dead = answer.trim().parse::<usize>()?;
        let worker = workers.get_mut(dead).ok_or("no such worker")?;
        let status = worker.wait()?;
        assert!(!status.success(), "{status}");
        *worker = start(dir, dead, &listener)?;
    }
    for _ in 0..WORKERS {
        ask(address, "/stop")?;
    }
    for mut worker in workers {
        let status = worker.wait()?;
        assert!(status.success(), "{status}");
    }
    Ok(())
}

/// Starts a worker, which finds the socket as its standard input.
fn start(dir: &Path, number: usize, listener: &TcpListener) -> Result<Child, Failure> {
    let socket = OwnedFd::from(listener.try_clone()?);
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(dir).arg(number.to_string()).stdin(Stdio::from(socket));
    Ok(command.spawn()?)
}

/// A worker: the logger is made here, after the processes have parted.
fn work(dir: &Path, number: &str) -> Result<(), Failure> {
    let place = |name: String| -> PathBuf { dir.join(name) };
    let file = LogDestination::file(place(format!("worker-{number}.jsonl"))).format(Format::Json);
    let config = LoggingConfig::builder()
        .journal_dir(place(format!(".journal-{number}")))
        .layer("HTTP", LogLayer::new(Level::Info).destination(file));
    let log = HydraLogger::new(config.build()?)?;
    let listener = TcpListener::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    loop {
        let (connection, _) = listener.accept()?;
        let mut line = String::new();
        BufReader::new(&connection).read_line(&mut line)?;
        let path = line.trim_end();
        match path {
            "/stop" => {
                writeln!(&connection, "stopped")?;
                break;
            }
            _ if path.starts_with("/crash/") => {
                warning!(log, layer: "HTTP", "about to die"; path = path, worker = number);
                writeln!(&connection, "{number}")?;
                std::process::abort();
            }
            _ => {
                info!(log, layer: "HTTP", "served {path}", path = path; worker = number);
                writeln!(&connection, "served by worker {number}")?;
            }
        }
    }
    let report = log.shutdown(Duration::from_secs(30))?;
    assert_eq!(report.left_in_journal, 0);
    Ok(())
}

fn ask(address: SocketAddr, path: &str) -> Result<String, Failure> {
    let mut connection = TcpStream::connect(address)?;
    writeln!(connection, "{path}")?;
    let mut answer = String::new();
    BufReader::new(connection).read_line(&mut answer)?;
    Ok(answer)
}
