//! Files behind a server that goes stale, fails or hangs: a FUSE file system stands in for one on the network.

use std::io;
use std::time::Duration;

use super::Turn;
use crate::load::Load;
use crate::mount::{What, hold_at};
use crate::remote::{Links, Mood, Remote};
use crate::round::Round;

/// How long the server works, and how long it does not, at most.
const LASTS_FOR: Duration = Duration::from_millis(120);
/// What happens in a round.
const FAULTS: u64 = 4;

/// What the server does.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It starts anew: what is open is stale.
    Forgets,
    /// It answers with this error for a while.
    Fails(i32),
    /// It does not answer for a while.
    Hangs,
}

/// Errors as the kernel numbers them: EIO, ENOTCONN, ETIMEDOUT, ESTALE.
const FAULTS_ALL: [Fault; 6] = [
    Fault::Forgets,
    Fault::Fails(5),
    Fault::Fails(107),
    Fault::Fails(110),
    Fault::Fails(116),
    Fault::Hangs,
];

/// The files lie on such a file system and the journal does not: whatever the server does, records are accepted at the
/// journal's pace, and once it works again they are in the files, whole.
pub(super) fn files(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Load::round(turn)?;
    let remote = mount(&mut round)?;
    hold_at(remote.dir(), round.dir(), What::Files)?;
    round.spec.rotate = round.random.pick(&[0, 200 << 10]);
    // What a failed sync casts doubt on is written again.
    round.may_double = true;
    let mut load = Load::start(round)?;
    let mut happened = Vec::new();
    for _ in 0..FAULTS {
        load.wait(LASTS_FOR);
        let fault = load.round.random.pick(&FAULTS_ALL);
        happened.push(fault);
        match fault {
            Fault::Forgets => remote.forget(),
            Fault::Fails(errno) => remote.turn(Mood::Fails(errno)),
            Fault::Hangs => remote.turn(Mood::Hangs),
        }
        load.must_go_on(500, &format!("while the files are away: {fault:?}"))?;
        load.wait(LASTS_FOR);
        if load.round.random.below(4) == 0 {
            // That a sync of a file had failed is forgotten with it. One that waits for an answer dies when it has it.
            load.round.may_repeat = true;
            load.life.kill()?;
            remote.turn(Mood::Works);
            load = Load::start(load.kill(turn)?)?;
        }
        remote.turn(Mood::Works);
        load.must_go_on(500, &format!("though the files are back: {fault:?}"))?;
    }
    load.end()?;
    load.round.spec.heeds = false;
    load.round.recover()?;
    let mut found = load.round.finish()?;
    if !found.is_right() {
        found.troubles.push(format!("what happened: {happened:?}"));
    }
    turn.outcome.found.add(found);
    Ok(())
}

/// Journal and files lie on such a file system, which works: FUSE is not refused, as what is behind it is mostly local.
pub(super) fn journal(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Load::round(turn)?;
    let remote = mount(&mut round)?;
    hold_at(remote.dir(), round.dir(), What::All)?;
    round.spec.rotate = round.random.pick(&[0, 200 << 10]);
    let mut load = Load::start(round)?;
    for _ in 0..2 {
        load.wait(LASTS_FOR);
        load = Load::start(load.kill(turn)?)?;
    }
    load.must_go_on(2_000, "with everything behind a server")?;
    load.finish(turn)
}

fn mount(round: &mut Round) -> io::Result<Remote> {
    let links = round.random.pick(&[Links::Known, Links::Unknown]);
    Remote::mount(round.dir(), links)
}
