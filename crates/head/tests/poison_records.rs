//! Promises about records that a destination will never take.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{LONG, Program, adopt, messages};
use hydra_format::{ClockFace, Formatter};
use hydra_head::{Counts, Head};
use hydra_record::{Level, Record};
use hydra_sink::{Batch, Begun, Error, Mark, Memory, Sink};

/// Logs records from `first` on, up to and without `end`, so that a head sees many of them at once.
fn log(program: &Program, numbers: std::ops::Range<u64>) {
    for number in numbers {
        program.log(1, Level::Info, &format!("<{number}>"));
    }
}

fn numbers(range: std::ops::Range<u64>, without: &[u64]) -> Vec<String> {
    let wanted = range.filter(|number| !without.contains(number));
    wanted.map(|number| format!("<{number}>")).collect()
}

/// Delivers `<0>` to `<total>` without the poisoned ones, which go to the dead-letter file.
fn deliver(memory: &Memory, total: u64, dead: &Path) -> (Counts, Vec<String>) {
    let program = Program::start();
    log(&program, 0..0);
    let mut spec = program.spec(0, Level::Trace, memory, None);
    spec.dead_letter = Some(dead.to_owned());
    memory.block();
    let head = Head::start(spec, &program.journal, &[]).unwrap();
    log(&program, 0..total);
    memory.unblock();
    program.settle(&head);
    let letters = std::fs::read_to_string(dead).unwrap_or_default();
    (head.counts(), letters.lines().map(str::to_owned).collect())
}

/// A record that the destination rejects is found by halving, goes to the dead-letter file with the reason, and
/// everything else is delivered once, in order.
#[test]
fn a_rejected_record_becomes_a_dead_letter() {
    for poisoned in [vec![0], vec![77], vec![255], vec![1, 2, 3, 130, 131, 254]] {
        let (dir, memory) = (tempfile::tempdir().unwrap(), Memory::new());
        for number in &poisoned {
            memory.reject(format!("<{number}>"));
        }
        let (counts, letters) = deliver(&memory, 256, &dir.path().join("dead"));
        assert_eq!(messages(&memory), numbers(0..256, &poisoned));
        let dead = poisoned.len() as u64;
        assert_eq!(
            (counts.delivered, counts.dead_lettered, counts.settled()),
            (256 - dead, dead, 256)
        );
        assert!(!counts.failing && counts.last_error.is_some());
        // log2 256, one more for the whole batch and one for the record alone.
        assert!(counts.failures <= dead * 10, "{} tries", counts.failures);
        assert_eq!(letters.len(), poisoned.len());
        for (letter, number) in letters.iter().zip(&poisoned) {
            assert!(letter.starts_with(r#"{"destination":"head 0","position":"#), "{letter}");
            assert!(
                letter.contains(r#""reason":"cannot write to memory: a test wants it so "#),
                "{letter}"
            );
            let record = r#","record":{"timestamp":"1970-01-01T00:00:00.000000Z","level":"INFO","logger":"API""#;
            assert!(letter.contains(record), "{letter}");
            assert!(letter.ends_with(&format!(r#""message":"<{number}>"}}}}"#)), "{letter}");
        }
    }
}

/// Without a dead-letter file the fallback gets what the destination rejects; without that, too, it is counted as
/// discarded, with the reason, and the rest goes on.
#[test]
fn without_a_dead_letter_file() {
    let (program, memory, second) = (Program::start(), Memory::new(), Memory::new());
    memory.reject("<5>");
    let with = program.head_with_fallback(0, Level::Trace, &memory, Some(&second));
    log(&program, 0..10);
    program.settle(&with);
    assert_eq!(messages(&second), ["<5>"]);
    assert_eq!((with.counts().delivered, with.counts().fell_back), (9, 1));

    let (program, memory) = (Program::start(), Memory::new());
    memory.reject("<5>");
    let without = program.head(1, Level::Trace, &memory);
    log(&program, 0..10);
    program.settle(&without);
    assert_eq!(messages(&memory), numbers(0..10, &[5]));
    let counts = without.counts();
    assert_eq!((counts.delivered, counts.discarded, counts.settled()), (9, 1, 10));
    assert!(counts.last_error.unwrap().contains("a test wants it so"));
}

/// A dead letter that cannot be written now is not given up: its record stays in the journal until it can be.
#[test]
fn a_dead_letter_is_not_lost() {
    let (dir, program, memory) = (tempfile::tempdir().unwrap(), Program::start(), Memory::new());
    let blocked = dir.path().join("blocked");
    std::fs::write(&blocked, "a file where a directory should be").unwrap();
    memory.reject("<3>");
    let mut spec = program.spec(0, Level::Trace, &memory, None);
    spec.dead_letter = Some(blocked.join("dead"));
    let head = Head::start(spec, &program.journal, &[]).unwrap();
    log(&program, 0..5);
    assert!(memory.wait_for_records(3, LONG));
    while head.counts().failures < 20 {
        std::thread::yield_now();
    }
    assert_eq!((head.counts().settled(), memory.records().len()), (3, 3));
    assert!(head.counts().failing);
    std::fs::remove_file(&blocked).unwrap();
    program.settle(&head);
    assert_eq!(messages(&memory), numbers(0..5, &[3]));
    assert_eq!((head.counts().dead_lettered, head.counts().settled()), (1, 5));
}

/// A sink that panics at the n-th record, for every n: caught, counted, tried again, and then that record is a dead
/// letter; no other is lost, doubled or moved.
#[test]
fn a_sink_that_panics() {
    for poisoned in 0..20 {
        let (dir, memory) = (tempfile::tempdir().unwrap(), Memory::new());
        memory.panic_at(format!("<{poisoned}>"));
        let (counts, letters) = deliver(&memory, 20, &dir.path().join("dead"));
        assert_eq!(messages(&memory), numbers(0..20, &[poisoned]));
        assert_eq!((counts.delivered, counts.dead_lettered, counts.settled()), (19, 1, 20));
        assert!(counts.panics >= 5 && !counts.failing);
        let said = "the destination panicked: a test wants the sink to panic";
        assert!(letters.len() == 1 && letters[0].contains(said), "{letters:?}");
    }
}

/// Panics at each record with this text in its message.
struct Touchy(&'static str);

impl Formatter for Touchy {
    fn write(&self, record: &Record<'_>, _: &mut ClockFace, out: &mut Vec<u8>) {
        out.extend_from_slice(b"torn");
        if record.message().contains(self.0) {
            std::panic::resume_unwind(Box::new("touched".to_owned()));
        }
        out.truncate(out.len() - 4);
        out.extend_from_slice(record.message().as_bytes());
        out.push(b'\n');
    }
}

/// A record that the format panics at is a dead letter; the others are written whole, in order.
#[test]
fn a_format_that_panics() {
    for batch_bytes in [1, 20, 4096] {
        let (dir, program, memory) = (tempfile::tempdir().unwrap(), Program::start(), Memory::new());
        let dead = dir.path().join("dead");
        let mut spec = program.spec(0, Level::Trace, &memory, None);
        spec.formatter = Arc::new(Touchy("3>"));
        spec.batch_bytes = batch_bytes;
        spec.dead_letter = Some(dead.clone());
        let head = Head::start(spec, &program.journal, &[]).unwrap();
        log(&program, 0..40);
        program.settle(&head);
        assert_eq!(messages(&memory), numbers(0..40, &[3, 13, 23, 33]));
        let counts = head.counts();
        assert_eq!((counts.delivered, counts.dead_lettered, counts.panics), (36, 4, 4));
        let letters = std::fs::read_to_string(dead).unwrap();
        assert_eq!(letters.matches("the format panicked: touched").count(), 4);
    }
}

const DIR: &str = "HYDRA_TEST_DIR";

/// Appends to a file, and takes the whole process down at one record.
struct Deadly(std::path::PathBuf);

impl Sink for Deadly {
    fn begin(&mut self, batch: Batch<'_>) -> Result<Begun, Error> {
        let (records, mark) = (batch.len(), Mark::NOWHERE);
        Ok(Begun { records, mark })
    }

    fn write(&mut self, batch: Batch<'_>) -> Result<Mark, Error> {
        use std::io::Write as _;
        if batch.records().any(|record| record.ends_with(b"<7>\n")) {
            std::process::abort();
        }
        let mut file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.0)
            .unwrap();
        file.write_all(batch.bytes).unwrap();
        Ok(Mark::NOWHERE)
    }

    fn abandon(&mut self) {}

    fn sync(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn resume(&mut self, _: Mark) -> Result<(), Error> {
        Ok(())
    }

    fn already(&mut self, _: Batch<'_>) -> Result<usize, Error> {
        Ok(0)
    }

    fn close(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// A record whose delivery kills the process does so a few times and is then a dead letter: no crash loop. Nothing else
/// is lost, and nothing comes twice, as each write that succeeded is known.
#[test]
fn a_record_that_kills_the_process() {
    if let Some(dir) = std::env::var_os(DIR) {
        return live(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let mut deaths = 0;
    loop {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "a_record_that_kills_the_process", "--nocapture"]);
        let output = child.env(DIR, dir.path()).output().unwrap();
        if output.status.success() {
            break;
        }
        deaths += 1;
        assert!(deaths < 20, "a crash loop: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(deaths, 5);
    let letters = std::fs::read_to_string(dir.path().join("dead")).unwrap();
    assert!(
        letters.lines().count() == 1 && letters.contains("5 processes died"),
        "{letters}"
    );
    let found = std::fs::read_to_string(dir.path().join("out")).unwrap();
    let found: Vec<_> = found.lines().map(|line| line.rsplit(" - ").next().unwrap()).collect();
    assert_eq!(found, numbers(0..20, &[7]));
}

fn live(dir: &Path) {
    let home = dir.join("journal");
    std::fs::create_dir_all(&home).unwrap();
    let adopted = adopt(&home);
    let is_first = adopted.is_empty();
    let program = Program::on_disk(&home);
    let mut spec = program.spec(0, Level::Trace, &Memory::new(), None);
    spec.sink = Box::new(Deadly(dir.join("out")));
    spec.dead_letter = Some(dir.join("dead"));
    // The first process has everything in its journal before any of it is delivered.
    let cursor = program.journal.cursor(&spec.name);
    if is_first {
        log(&program, 0..20);
    }
    drop(cursor);
    let head = Head::start(spec, &program.journal, &adopted).unwrap();
    assert!(head.wait_recovered(LONG) && head.is_recovered());
    for journal in adopted {
        // Those of the processes between hold nothing.
        assert!(journal.remove_if_done().unwrap());
    }
    program.settle(&head);
}
