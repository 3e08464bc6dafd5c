//! What stands in the file, held against the tape.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use super::burst::{RECORDS, THREADS, Tape};
use super::cannot;
use crate::outcome::Failure;
use crate::paint::Paint;

/// Counts of records.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    accepted: u64,
    /// Records in the file.
    written: u64,
    /// Of those, records whose call had not returned: accepted, and nobody was told.
    in_flight: u64,
    lost: u64,
    doubled: u64,
    /// Records out of a thread's order.
    disordered: u64,
    /// Lines that are none of the burst's: torn, or made up.
    foreign: u64,
}

/// Counts the file's records.
pub(crate) fn of(path: &Path, tape: &Tape) -> Result<Verdict, Failure> {
    let file = File::open(path).map_err(|error| cannot("read", path, &error))?;
    let mut verdict = Verdict {
        accepted: tape.iter().map(|(_, accepted)| accepted).sum(),
        ..Verdict::default()
    };
    let mut seen: [Vec<bool>; THREADS] = tape.map(|(begun, _)| vec![false; begun as usize]);
    let mut last = [None; THREADS];
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|error| cannot("read", path, &error))?;
        let place = numbers(&line).and_then(|(thread, number)| {
            let seen = seen.get_mut(thread)?.get_mut(usize::try_from(number).ok()?)?;
            Some((seen, last.get_mut(thread)?, number, tape.get(thread)?.1))
        });
        let Some((seen, last, number, accepted)) = place else {
            verdict.foreign += 1;
            continue;
        };
        verdict.written += 1;
        verdict.doubled += u64::from(std::mem::replace(seen, true));
        verdict.disordered += u64::from(last.replace(number).is_some_and(|before| before >= number));
        verdict.in_flight += u64::from(number >= accepted);
    }
    for (seen, (_, accepted)) in seen.iter().zip(tape) {
        verdict.lost += seen.iter().take(*accepted as usize).filter(|seen| !**seen).count() as u64;
    }
    Ok(verdict)
}

/// Takes thread and number from the end of a line.
fn numbers(line: &str) -> Option<(usize, u64)> {
    let (_, message) = line.rsplit_once("thread ")?;
    let (thread, number) = message.split_once(" number ")?;
    Some((thread.parse().ok()?, number.parse().ok()?))
}

impl Verdict {
    pub(crate) fn is_good(&self) -> bool {
        self.lost + self.doubled + self.disordered + self.foreign == 0
    }

    /// Says it: `before` records stood in the file before the recovery, which brought `recovered`.
    pub(crate) fn text(&self, before: u64, recovered: u64, paint: Paint) -> String {
        let row = |count: u64, what: &str| format!("{:>12}  {what}\n", grouped(count));
        let bad = |count: u64, what: &str| match count {
            0 => format!("{}  {what}\n", paint.green(format_args!("{:>12}", 0))),
            _ => format!("{}  {what}\n", paint.red(format_args!("{:>12}", grouped(count)))),
        };
        let mut text = row(
            THREADS as u64 * RECORDS,
            &format!("records intended, by {THREADS} threads"),
        );
        text += &row(self.accepted, "accepted when SIGKILL came");
        text += &row(self.in_flight, "more whose call had not returned");
        text += &row(before, "in the file before the recovery");
        text += &row(recovered, "recovered from the dead process's journal");
        text += &row(self.written, "in the file now");
        text += &bad(self.lost, "lost");
        text += &bad(self.doubled, "doubled");
        for (count, what) in [(self.disordered, "out of order"), (self.foreign, "torn lines")] {
            if count > 0 {
                text += &bad(count, what);
            }
        }
        text
    }
}

/// Writes a number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records lost, doubled, out of order and torn are each seen.
    #[test]
    fn sees_what_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("burst.log");
        let line = |thread: u64, number: u64| format!("time - BURST - INFO - thread {thread} number {number}\n");
        let mut tape = [(0, 0); THREADS];
        (tape[0], tape[1]) = ((4, 3), (3, 3));
        let good = [(0, 0), (1, 0), (0, 1), (0, 2), (1, 1), (1, 2), (0, 3)]
            .map(|(a, b)| line(a, b))
            .concat();
        std::fs::write(&path, &good).unwrap();
        let verdict = of(&path, &tape).unwrap();
        assert!(verdict.is_good());
        assert_eq!((verdict.accepted, verdict.written, verdict.in_flight), (6, 7, 1));
        let bad = [
            line(0, 0),
            line(0, 0),
            line(1, 2),
            line(1, 1),
            "thread 0 num".to_owned(),
            line(0, 4),
        ]
        .concat();
        std::fs::write(&path, &bad).unwrap();
        let verdict = of(&path, &tape).unwrap();
        assert_eq!(
            (verdict.lost, verdict.doubled, verdict.disordered, verdict.foreign),
            (3, 1, 2, 1)
        );
    }

    /// Thousands are set apart.
    #[test]
    fn groups_digits() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
