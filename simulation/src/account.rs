//! Where each record is, as the logger itself says, against the tape: nothing is dropped silently.
//!
//! At the end of a logger that ended in good order each destination's balance must add up: *submitted = delivered + in
//! the journal + taken by the fallback + dead letters + dropped*, for the calls of its life whose level leads to it.
//! And what was dropped must be told in the destination itself.

use std::collections::BTreeSet;

use hydra_logger::Balance;
use hydra_logger::config::Overflow;

use crate::scene::{DIR, Family, Scene, Target};
use crate::tape::{Call, Tape};

/// What a summary of drops says behind their number.
const DROPPED: &str = " records dropped because the journal was full";

/// Returns how many drops a message tells of, if it is the summary of some.
pub fn drops_told(message: &str) -> Option<u64> {
    message.strip_suffix(DROPPED)?.parse().ok()
}

/// Returns what does not add up for a target whose files tell of `told` drops.
pub fn check(scene: &Scene, target: &Target, tape: &Tape, told: u64) -> Vec<String> {
    let calls = tape.calls();
    let lives: BTreeSet<u64> = calls.keys().map(|(life, _)| *life).collect();
    let balances = balances(target, tape);
    let name = &target.name;
    let mut troubles = Vec::new();
    for life in &lives {
        // A reload may change who takes what, and a call after the end is nobody's.
        if !has_ended_well(scene, tape, *life) || scene.reloads > 0 || scene.is_cut_short {
            continue;
        }
        let of_life = calls.iter().filter(|((whose, _), _)| whose == life);
        let meant: Vec<&Call> = of_life
            .flat_map(|(_, calls)| calls)
            .filter(|call| call.level >= target.level)
            .collect();
        let least = meant.iter().filter(|call| call.accepted || call.unwanted).count() as u64;
        let own: Vec<&Balance> = balances
            .iter()
            .filter(|(whose, _)| whose == life)
            .map(|(_, own)| own)
            .collect();
        let total: u64 = own.iter().map(|own| own.total()).sum();
        // What dead processes left counts as well where it does not get to its destination.
        let is_too_much = scene.family == Family::Kill && total > meant.len() as u64;
        if total < least || is_too_much {
            let most = meant.len();
            troubles.push(format!("{name}: life {life}: {least} to {most} records, but {own:?}"));
        }
    }
    let dropped: u64 = balances.iter().map(|(_, balance)| balance.dropped).sum();
    if dropped > 0 && target.overflow == Overflow::Block && scene.reloads == 0 {
        troubles.push(format!("{name}: {dropped} records dropped, though callers are to wait"));
    }
    // A killed process takes along what it had not told yet.
    let is_whole = scene.family == Family::Kill && lives.iter().all(|life| has_ended_well(scene, tape, *life));
    if is_whole && scene.reloads == 0 && told != dropped {
        troubles.push(format!(
            "{name}: {dropped} records dropped, of which the file tells {told}"
        ));
    }
    troubles
}

/// The balances of a target, with the lives they are of.
fn balances(target: &Target, tape: &Tape) -> Vec<(u64, Balance)> {
    let path = format!("|file|{DIR}/{}", target.name);
    let all = tape.reports().into_iter().flat_map(|(life, report)| {
        let balances = report.balances.into_iter();
        balances.map(move |balance| (life, balance))
    });
    all.filter(|(_, balance)| balance.destination.ends_with(&path))
        .collect()
}

/// Says whether each of a life's loggers was shut down, and reported.
fn has_ended_well(scene: &Scene, tape: &Tape, life: u64) -> bool {
    tape.reports().iter().filter(|(whose, _)| *whose == life).count() as u64 == scene.starts
}
