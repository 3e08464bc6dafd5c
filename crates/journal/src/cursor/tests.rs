//! What the table of cursors promises.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use super::*;

/// A cursor comes back after reopening, with its mark; others are not touched.
#[test]
fn comes_back() {
    let cursors = Cursors::create(Mapping::anonymous(FILE_BYTES).unwrap());
    let (a, b) = (
        cursors.join("a", || Position::START).unwrap(),
        cursors.join("b", || Position::new(3, 0)).unwrap(),
    );
    assert_eq!(cursors.lowest(), Some(Position::START));
    for step in 1..10 {
        cursors.save(
            &a,
            &CursorState {
                position: Position::new(5, step),
                mark: [step as u8; 48],
            },
        );
    }
    assert_eq!(cursors.lowest(), Some(Position::new(3, 0)));
    let reopened = Cursors::open(Arc::clone(&cursors.map)).unwrap();
    assert_eq!(
        reopened.all()[0],
        (
            "a".into(),
            CursorState {
                position: Position::new(5, 9),
                mark: [9; 48]
            }
        )
    );
    assert!(reopened.knows("b") && !reopened.knows("c"));
    assert_eq!(reopened.state_of(&b).position, Position::new(3, 0));
}

/// A cursor has one owner at a time: a second is refused by name, also under a name that is cut to the same, and
/// gets it where the first has left it.
#[test]
fn has_one_owner() {
    let cursors = Cursors::create(Mapping::anonymous(FILE_BYTES).unwrap());
    let long = "long ".repeat(100);
    for name in ["a", &long] {
        let first = cursors.join(name, || Position::START).unwrap();
        let also_first = Arc::clone(&first);
        let saved = CursorState {
            position: Position::new(2, 4096),
            mark: [7; 48],
        };
        cursors.save(&first, &saved);
        drop(first);
        let error = cursors.join(name, || Position::START).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Owned);
        assert!(error.to_string().contains(name), "{error}");
        drop(also_first);
        let second = cursors.join(name, || Position::START).unwrap();
        assert_eq!(cursors.state_of(&second), saved);
        assert_eq!(second.delivered.reached(), saved.position);
    }
}

/// An update that dies at any of its words leaves the state before it or after it, never a third one.
#[test]
fn a_torn_update_leaves_a_whole_state() {
    let cursors = Cursors::create(Mapping::anonymous(FILE_BYTES).unwrap());
    let live = cursors.join("a", || Position::START).unwrap();
    let state = |n: u32| CursorState {
        position: Position::new(1, n),
        mark: [n as u8; 48],
    };
    cursors.save(&live, &state(1));
    cursors.save(&live, &state(2));
    let at = SLOT_BYTES + COPIES_AT[1];
    let mut before = [0; COPY_BYTES];
    cursors.map.copy_out(at, &mut before);
    cursors.save(&live, &state(3));
    let mut after = [0; COPY_BYTES];
    cursors.map.copy_out(at, &mut after);
    assert_ne!(before, after);
    for words in 0..=COPY_BYTES / 8 {
        let mut torn = before;
        torn[..words * 8].copy_from_slice(&after[..words * 8]);
        cursors.map.copy_in(at, &torn);
        let found = cursors.state(1);
        assert!(
            found == state(2) || found == state(3),
            "{words} words written: {found:?}"
        );
    }
}

/// A head that was removed holds nothing up, is not there after a crash, and makes no other one look lost; its slot
/// is used again, and a head of the same name begins anew.
#[test]
fn a_removed_head_is_forgotten() {
    let cursors = Cursors::create(Mapping::anonymous(FILE_BYTES).unwrap());
    let start = |number| move || Position::new(number, 0);
    let (a, b) = (
        cursors.join("a", start(1)).unwrap(),
        cursors.join("b", start(2)).unwrap(),
    );
    cursors.remove(&a);
    assert_eq!(cursors.lowest(), Some(Position::new(2, 0)));
    assert!(!cursors.knows("a") && cursors.knows("b"));
    cursors.remove(&a);
    let cursors = Cursors::open(Arc::clone(&cursors.map)).unwrap();
    assert!(!cursors.is_lost() && !cursors.knows("a") && cursors.knows("b"));
    let again = cursors.join("a", start(5)).unwrap();
    assert_eq!(
        (again.slot, cursors.state_of(&again).position),
        (a.slot, Position::new(5, 0))
    );
    let cursors = Cursors::open(Arc::clone(&cursors.map)).unwrap();
    assert!(!cursors.is_lost() && cursors.knows("a") && b.slot == 2);
}

/// Forges the number of the machine's start that the table was last trusted in.
fn restart(cursors: &Cursors) {
    cursors.map.copy_in(AT_BOOT, &[9; BOOT_BYTES]);
}

/// After a start of the machine a head begins where its destination was last synced: what it had handed over since
/// may be lost. Without one it begins where it was, and so it does the second time.
#[test]
fn goes_back_after_a_restart() {
    let cursors = Cursors::create(Mapping::anonymous(FILE_BYTES).unwrap());
    let (a, b) = (
        cursors.join("a", || Position::new(1, 4096)).unwrap(),
        cursors.join("b", || Position::new(1, 4096)).unwrap(),
    );
    let at = |n: u32| CursorState {
        position: Position::new(1, n),
        mark: [n as u8; 48],
    };
    cursors.save(&a, &at(5000));
    a.checkpointed(Position::new(1, 5000));
    cursors.save(&a, &at(6000));
    cursors.save(&b, &at(7000));
    let states = |cursors: &Cursors| cursors.all().into_iter().map(|(_, state)| state).collect::<Vec<_>>();
    let same_start = Cursors::open(Arc::clone(&cursors.map)).unwrap();
    assert_eq!(states(&same_start), [at(6000), at(7000)]);
    restart(&cursors);
    let viewed = Cursors::view(Arc::clone(&cursors.map)).unwrap();
    assert_eq!(states(&viewed), [at(6000), at(7000)], "looking changes nothing");
    let position = |n| CursorState {
        position: Position::new(1, n),
        ..CursorState::default()
    };
    for _ in 0..2 {
        let next_start = Cursors::open(Arc::clone(&cursors.map)).unwrap();
        assert_eq!(states(&next_start), [position(5000), position(4096)]);
    }
}

/// A mark is kept where the head does not have to go back, so that a torn end is still mended.
#[test]
fn keeps_the_mark_of_what_was_synced() {
    let cursors = Cursors::create(Mapping::anonymous(FILE_BYTES).unwrap());
    let live = cursors.join("a", || Position::START).unwrap();
    let state = CursorState {
        position: Position::new(1, 5000),
        mark: [7; 48],
    };
    cursors.save(&live, &state);
    live.checkpointed(state.position);
    restart(&cursors);
    assert_eq!(Cursors::open(Arc::clone(&cursors.map)).unwrap().state(1), state);
}

/// The table is full at its limit and says so.
#[test]
fn has_a_limit() {
    let cursors = Cursors::create(Mapping::anonymous(FILE_BYTES).unwrap());
    for number in 0..CURSORS_MAX {
        cursors.join(&number.to_string(), || Position::START).unwrap();
    }
    assert_eq!(
        cursors.join("one more", || Position::START).unwrap_err().kind(),
        ErrorKind::Option
    );
}

/// A table whose damage makes every slot look taken takes heads all the same, and is known as damaged ever after.
#[test]
fn takes_heads_where_damage_looks_taken() {
    let cursors = Cursors::create(Mapping::anonymous(FILE_BYTES).unwrap());
    let position = Position::new(2, 4096);
    cursors.join("a", || position).unwrap();
    cursors.map.store(AT_COUNT, u64::MAX);
    let damaged = Cursors::open(Arc::clone(&cursors.map)).unwrap();
    assert!(damaged.is_lost() && damaged.knows("a"));
    damaged.join("b", || Position::START).unwrap();
    cursors.map.store(AT_COUNT, 2);
    let again = Cursors::open(Arc::clone(&cursors.map)).unwrap();
    assert!(again.is_lost() && again.knows("b"));
    assert_eq!(again.all()[0].1.position, position);
}
