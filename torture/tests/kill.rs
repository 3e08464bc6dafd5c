//! The rows of the torture table, in a form short enough for every test run.

mod holds;

use std::path::Path;

use holds::holds;
use torture::life::HANGS_AFTER;
use torture::pipe::Pipe;
use torture::round::Round;
use torture::spec::{End, Files, PLAIN};

/// The harness is not blind: what a process without a journal had not delivered is lost with it, and counted.
#[test]
fn loss_is_seen() {
    let mut round = Round::begin(Path::new(env!("CARGO_BIN_EXE_torture")), 1).expect("a directory");
    (round.spec.journal, round.spec.files) = (false, Files::Plain);
    let pipe = Pipe::make_full(&round.dir().join(PLAIN)).expect("a pipe");
    (round.spec.records, round.spec.end) = (500, End::Kill);
    round
        .live()
        .and_then(|mut life| life.end(HANGS_AFTER))
        .expect("a victim");
    pipe.remove().expect("removed");
    round.recover().expect("a second start");
    let found = round.look().expect("readable files");
    assert_eq!((found.accepted, found.lost, found.recovered), (501, 500, 1));
}

/// Whatever was accepted before a SIGKILL is in the files after the next start: whole, once, in order.
#[test]
fn nothing_accepted_is_lost() {
    holds(&["kill-1", "kill-4", "kill-32"], 30);
}

/// The same for the async handle, for synced records and where segments are recycled.
#[test]
fn nothing_accepted_is_lost_by_any_handle() {
    holds(&["kill-async", "kill-synced", "kill-recycle"], 18);
}

/// The same while files are rotated, and when recoveries are killed.
#[test]
fn nothing_accepted_is_lost_in_rotation_or_recovery() {
    holds(&["kill-rotate", "kill-recovery"], 20);
}

/// One dead process's journal is delivered once, however many start at the same time.
#[test]
fn one_of_eight_adopts() {
    holds(&["adoption-race"], 0);
}

/// A destination that blocks delays no other, and gets everything once it is read.
#[test]
fn a_blocked_destination_delays_nobody() {
    holds(&["blocked"], 0);
}

/// Forked children take nothing from their parent, and lose nothing they were told is accepted.
#[test]
fn forked_children_are_their_own() {
    holds(&["fork"], 0);
}

/// Files that are renamed by somebody else, under load and under kills, cost no line.
#[test]
fn renamed_files_cost_nothing() {
    holds(&["logrotate"], 0);
}

/// A damaged journal costs what the damage hits, and never a panic.
#[test]
fn damage_is_stepped_over() {
    holds(&["corrupt"], 0);
}
