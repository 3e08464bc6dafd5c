//! One seed, from its scene to its verdict.

use std::fmt;

use hydra_os::sim::{self, End, Plan};

use crate::life::{Ending, Life};
use crate::oracle::{self, Found};
use crate::random::Random;
use crate::scene::Scene;
use crate::tape::Tape;

/// About as many steps as a long life takes.
const STEPS_MAX: u64 = 1 << 20;

/// What came of a seed.
#[derive(Debug)]
pub struct Verdict {
    /// The scene.
    pub scene: Scene,
    /// How the lives ended.
    pub ends: Vec<String>,
    /// What the files hold.
    pub found: Found,
    /// The same only if everything happened in the same order.
    pub trace: u64,
    /// What somebody was told.
    pub told: Vec<String>,
}

impl Verdict {
    /// Says whether everything is as promised.
    pub fn is_right(&self) -> bool {
        self.found.troubles.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found {
            accepted,
            recovered,
            doubled,
            torn,
            ..
        } = self.found;
        let (family, trace, ends) = (self.scene.family, self.trace, self.ends.join(", "));
        write!(
            f,
            "{family:?}: {accepted} accepted, {recovered} in files, {doubled} doubled, {torn} torn; {ends}; \
             trace {trace:016x}"
        )
    }
}

/// Runs the round of `seed`. Once a process: see the module.
pub fn run(seed: u64) -> Verdict {
    sim::seed(seed);
    let scene = Scene::draw(seed);
    let mut random = Random::of(&[seed, 3]);
    let tape = Tape::default();
    let mut ends = Vec::new();
    let mut number = 0;
    let mut live = |plan: Plan, records, ending, random: &mut Random| {
        number += 1;
        let life = Life {
            scene: scene.clone(),
            number,
            records,
            ending,
            tape: tape.clone(),
        };
        let end = sim::live(plan, || life.main());
        match &end {
            End::PowerCut => sim::power_off(|| random.next()),
            End::Exit | End::Killed => {}
            End::Panic | End::Stuck(_) => tape.complain(format!("life {number}: {end:?}")),
        }
        ends.push(match end {
            End::Stuck(_) => "stuck".to_owned(),
            end => format!("{end:?}").to_lowercase(),
        });
    };
    for _ in 0..1 + random.below(3) {
        let ending = random.pick(&[Ending::Shutdown, Ending::Shutdown, Ending::Drop, Ending::Leak]);
        let plan = scene.plan(&mut random, STEPS_MAX);
        live(plan, scene.records, ending, &mut random);
        while random.below(3) == 0 {
            let plan = scene.plan(&mut random, STEPS_MAX / 16);
            live(plan, 0, Ending::Shutdown, &mut random);
        }
    }
    live(Scene::calm(), 0, Ending::Shutdown, &mut random);
    let trace = sim::trace();
    let mut found = oracle::check(&scene, &tape, number);
    found.troubles.extend(tape.troubles());
    Verdict {
        scene,
        ends,
        found,
        trace,
        told: tape.told(),
    }
}
