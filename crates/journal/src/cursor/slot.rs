//! What stands in a slot of the table, and how it is read and written.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{COPIES_AT, COPY_BYTES, CursorState, Cursors, MARK_BYTES, NAME_AT, NAME_BYTES, REMOVED, SLOT_BYTES};
use crate::position::Position;
use crate::table::Table;

impl Cursors {
    /// Returns the greater of two copies of a position; `None` if neither is whole.
    pub(super) fn read_twice(&self, slot: usize, copies_at: [usize; 2]) -> Option<Position> {
        let copies = copies_at.iter().filter_map(|at| {
            let at = slot * SLOT_BYTES + at;
            let position = self.map.load(at);
            let is_whole = self.map.load(at + 8) == position_check(position, slot);
            if is_whole {
                Some(Position::from_u64(position))
            } else {
                None
            }
        });
        copies.max()
    }

    pub(super) fn is_removed(&self, slot: usize) -> bool {
        self.map.load(slot * SLOT_BYTES) == REMOVED
    }

    pub(super) fn is_free(&self, slot: usize) -> bool {
        let mut bytes = [0; SLOT_BYTES];
        self.map.copy_out(slot * SLOT_BYTES, &mut bytes);
        bytes == [0; SLOT_BYTES]
    }

    pub(super) fn newest(&self, slot: usize) -> Option<(u64, CursorState)> {
        let copies = COPIES_AT.iter().filter_map(|at| self.read_copy(slot * SLOT_BYTES + at));
        copies.max_by_key(|(version, _)| *version)
    }

    fn read_copy(&self, at: usize) -> Option<(u64, CursorState)> {
        let mut bytes = [0; COPY_BYTES];
        self.map.copy_out(at, &mut bytes);
        let (body, check) = bytes.split_last_chunk::<8>()?;
        if xxh3_64(body) != u64::from_le_bytes(*check) {
            return None;
        }
        let (version, rest) = body.split_first_chunk::<8>()?;
        let (position, mark) = rest.split_first_chunk::<8>()?;
        let position = Position::from_u64(u64::from_le_bytes(*position));
        Some((
            u64::from_le_bytes(*version),
            CursorState {
                position,
                mark: *mark.first_chunk()?,
            },
        ))
    }

    pub(super) fn write_copies(&self, slot: usize, start: Position) {
        let state = CursorState {
            position: start,
            ..CursorState::default()
        };
        self.write_copy(slot, 1, &state);
        self.write_copy(slot, 2, &state);
    }

    pub(super) fn write_copy(&self, slot: usize, version: u64, state: &CursorState) {
        let mut bytes = [0; COPY_BYTES];
        let (version_bytes, rest) = bytes.split_at_mut(8);
        let (position_bytes, rest) = rest.split_at_mut(8);
        let (mark_bytes, _) = rest.split_at_mut(MARK_BYTES);
        version_bytes.copy_from_slice(&version.to_le_bytes());
        position_bytes.copy_from_slice(&state.position.to_u64().to_le_bytes());
        mark_bytes.copy_from_slice(&state.mark);
        if let Some((body, check)) = bytes.split_last_chunk_mut::<8>() {
            *check = xxh3_64(body).to_le_bytes();
        }
        let at = COPIES_AT.get((version & 1) as usize).copied().unwrap_or_default();
        self.map.copy_in(slot * SLOT_BYTES + at, &bytes);
    }

    pub(super) fn write_name(&self, slot: usize, name: &str) {
        let at = slot * SLOT_BYTES;
        self.map.copy_in(at + NAME_AT, name.as_bytes());
        self.map.store(at + 8, xxh3_64(name.as_bytes()));
        self.map.store(at, name.len() as u64);
    }

    pub(super) fn name_in(&self, slot: usize) -> Option<String> {
        let at = slot * SLOT_BYTES;
        let len = self.map.load(at) as usize;
        if len == 0 || len > NAME_BYTES {
            return None;
        }
        let mut name = vec![0; len];
        self.map.copy_out(at + NAME_AT, &mut name);
        let whole = xxh3_64(&name) == self.map.load(at + 8);
        if whole { String::from_utf8(name).ok() } else { None }
    }
}

/// Writes a position down: one copy after the other, so that one is whole at any time.
pub(super) fn write_twice(map: &Table, slot: usize, copies_at: [usize; 2], position: Position) {
    let position = position.to_u64();
    for at in copies_at.map(|at| slot * SLOT_BYTES + at) {
        map.store(at, position);
        map.store(at + 8, position_check(position, slot));
    }
}

fn position_check(position: u64, slot: usize) -> u64 {
    xxh3_64_with_seed(&position.to_le_bytes(), slot as u64 + 1)
}

/// Cuts a name to what a slot holds, at a character's end. The tail is kept: it tells paths apart.
pub(super) fn cut(name: &str) -> &str {
    let mut from = name.len().saturating_sub(NAME_BYTES);
    while !name.is_char_boundary(from) {
        from += 1;
    }
    name.get(from..).unwrap_or(name)
}
