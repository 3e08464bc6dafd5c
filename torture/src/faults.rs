//! Every fault of the list, with what proves that it is survived: rows of the table, tests elsewhere, and, where it is
//! not or cannot be, why, and what happens instead.
//!
//! The groups are the list's: A, a process dies or is stopped; B, disk and journal; D, records and callers; E, life
//! cycle. (C, destinations on the network, comes with them.)

use std::io::{self, Write};

/// A fault, what proves that it is survived (a row by its name, a test as `file::function`), and what does not hold.
#[derive(Clone, Copy, Debug)]
struct Fault(&'static str, &'static [&'static str], &'static str);

const DIES: &[Fault] = &[
    Fault(
        "SIGKILL at any instruction of a call",
        &[
            "every-instruction",
            "kill-1",
            "kill-4",
            "kill-32",
            "kill-async",
            "kill-synced",
            "crates/journal/tests/damage.rs::holes_hide_nothing",
        ],
        "",
    ),
    Fault(
        "SIGKILL at any step of roll, recycle, cursor, reclaim",
        &[
            "every-syscall",
            "kill-recycle",
            "kill-rotate",
            "crates/journal/tests/kills.rs::killed_at_every_system_call",
        ],
        "",
    ),
    Fault(
        "SIGKILL of a recovery, again and again",
        &[
            "kill-recovery",
            "crates/journal/tests/adoption.rs::killed_while_adopting",
        ],
        "",
    ),
    Fault(
        "SIGKILL of a head in the middle of a write",
        &[
            "every-syscall",
            "every-instruction",
            "crates/sink/tests/file_survives_kill.rs::at_every_system_call",
        ],
        "",
    ),
    Fault(
        "panic = abort, abort, SIGSEGV",
        &["exit-ways", "torture/tests/exit.rs::abort"],
        "",
    ),
    Fault(
        "a panic in a caller's thread",
        &["exit-ways", "display", "torture/tests/exit.rs::panic_in_a_thread"],
        "",
    ),
    Fault(
        "stack overflow, also in a Display",
        &[
            "exit-ways",
            "threads-crowd",
            "crates/record/src/chain.rs::is_a_document_with_an_end",
        ],
        "",
    ),
    Fault("killed for want of memory", &["oom-killed", "oom-little"], ""),
    Fault(
        "an allocation fails",
        &[
            "every-allocation",
            "address-space",
            "torture/tests/allocation.rs::a_call_allocates_nothing",
            "crates/os/tests/a_thread_without_memory.rs::no_memory_is_an_error",
        ],
        "where the heap has nothing left, Rust ends the program by abort, ours and the host's alike",
    ),
    Fault(
        "exit, _exit, return from main with full heads, under load",
        &[
            "exit-ways",
            "torture/tests/exit.rs::process_exit",
            "torture/tests/exit.rs::return_with_a_leaked_handle",
        ],
        "",
    ),
    Fault(
        "SIGTERM, SIGINT, SIGHUP",
        &["signal-drain", "torture/tests/exit.rs::drained_on_a_signal"],
        "",
    ),
    Fault("the whole process stopped", &["stopped"], ""),
    Fault(
        "one producer stands still in a call",
        &[
            "stalled",
            "crates/journal/src/bell.rs::ringing_keeps_nobody_out",
            "crates/journal/src/append.rs::behind_what_is_not_filled",
        ],
        "a thread that stands still while it begins a segment keeps others out of the next one",
    ),
    Fault(
        "fork without exec, with threads",
        &["fork", "crates/journal/src/fork.rs::a_child_is_refused"],
        "",
    ),
    Fault(
        "10,000 threads, at once and one after another",
        &["threads-churn", "threads-crowd"],
        "",
    ),
    Fault(
        "calls from thread-local destructors, after the end",
        &[
            "threads-churn",
            "crates/logger/tests/conformance/ending.rs::calls_after_the_end_are_counted",
        ],
        "",
    ),
    Fault("a call from a signal's handler", &["signal"], ""),
    Fault(
        "cancellation, no runtime",
        &[
            "kill-async",
            "crates/logger/tests/conformance/receipts.rs::cancelled_is_not_lost",
            "crates/logger/tests/conformance/receipts.rs::dropped_is_not_lost",
        ],
        "",
    ),
    Fault(
        "standard descriptors closed at the start",
        &["standard-descriptors"],
        "",
    ),
];

const DISK: &[Fault] = &[
    Fault(
        "no space for a segment",
        &[
            "full-journal",
            "full-file",
            "crates/journal/tests/disk.rs::disk_full",
            "crates/journal/tests/disk.rs::disk_full_and_emptied",
        ],
        "",
    ),
    Fault(
        "no space behind a mapped store; SIGBUS",
        &[
            "quota",
            "sandbox",
            "crates/os/tests/a_file_cut_short.rs::lost_pages_are_empty",
            "crates/os/tests/a_file_cut_short.rs::foreign_ones_are_passed_on",
        ],
        "",
    ),
    Fault(
        "RLIMIT_FSIZE",
        &["file-size", "crates/sink/tests/file_write_fails.rs::limited_file_size"],
        "",
    ),
    Fault("disk quota", &["quota"], ""),
    Fault("no inodes", &["inodes"], ""),
    Fault(
        "EMFILE, ENFILE",
        &[
            "descriptors",
            "every-error",
            "crates/journal/tests/disk.rs::synced_without_descriptors",
            "crates/sink/tests/file_is_synced_when_it_can_be.rs::without_descriptors",
        ],
        "",
    ),
    Fault("ENOMEM on a map, RLIMIT_AS", &["address-space", "every-error"], ""),
    Fault(
        "EIO on the write of a destination's file",
        &[
            "destination-error",
            "device-error",
            "remote-files",
            "crates/head/tests/files_on_a_broken_device.rs::a_write_fails",
        ],
        "",
    ),
    Fault(
        "EIO on a sync of the journal",
        &[
            "sync-error",
            "device-error",
            "crates/journal/tests/disk.rs::a_failed_sync_is_not_believed_again",
            "crates/journal/src/poison/tests.rs::a_failed_sync_is_made_good",
            "crates/journal/src/poison/tests.rs::a_rescue_that_fails_at_any_step",
        ],
        "the copy goes to the same directory: there is no second one to configure",
    ),
    Fault("the error told to somebody else", &["device-error-told"], ""),
    Fault(
        "read-only under a living writer",
        &["readonly"],
        "there is no second directory to go on in: records go down the fallback chain, and their callers are told",
    ),
    Fault(
        "power cut, kernel crash",
        &[
            "power-cut",
            "power-cut-disk",
            "crates/journal/src/cursor/tests.rs::goes_back_after_a_restart",
        ],
        "",
    ),
    Fault("torn and reordered write-back", &["power-cut"], ""),
    Fault(
        "stale frames in a recycled segment",
        &[
            "power-cut",
            "crates/journal/tests/model.rs::agrees_in_files",
            "crates/journal/src/frame.rs::a_word_passes_only_where_it_was_written",
        ],
        "",
    ),
    Fault(
        "corruption at every byte",
        &[
            "every-byte",
            "corrupt",
            "crates/journal/tests/damage.rs::every_byte_of_a_segment",
            "crates/journal/tests/damage.rs::cut_at_every_page",
            "crates/journal/tests/damage.rs::pages_zeroed_doubled_swapped",
            "crates/journal/tests/damaged_files_are_kept.rs::as_it_was_found",
        ],
        "",
    ),
    Fault(
        "head, cursors or lock lost",
        &[
            "parts-lost",
            "crates/journal/tests/damage.rs::cursors_lost",
            "crates/journal/tests/damage.rs::every_byte_of_the_cursors",
            "crates/journal/tests/damage.rs::the_lock_file_is_only_a_lock",
        ],
        "",
    ),
    Fault(
        "another version, byte order or page size",
        &[
            "versions",
            "torture/tests/golden.rs::version_1_is_delivered",
            "crates/journal/tests/golden.rs::a_later_version_is_untouched",
            "crates/journal/tests/damage.rs::foreign_files_are_kept",
            "crates/os/src/map/tests.rs::words_are_little_endian",
        ],
        "",
    ),
    Fault(
        "two processes, one directory",
        &[
            "two-starts",
            "beside",
            "containers",
            "crates/journal/tests/adoption.rs::a_living_owner_without_its_lock_file",
            "crates/logger/tests/conformance/layers.rs::loggers_do_not_mix",
        ],
        "",
    ),
    Fault(
        "a dead owner, many adopters",
        &[
            "adoption-race",
            "crates/journal/tests/adoption.rs::exactly_one_thread_adopts",
        ],
        "",
    ),
    Fault(
        "the journal's directory deleted or moved",
        &[
            "journal-gone",
            "journal-made-again",
            "crates/journal/tests/files_taken_away.rs::removed_under_load",
        ],
        "",
    ),
    Fault(
        "a file cut short underneath",
        &[
            "segment-cut",
            "crates/journal/tests/files_taken_away.rs::a_segment_is_cut_short",
        ],
        "",
    ),
    Fault(
        "logrotate: rename, delete, copytruncate",
        &[
            "logrotate",
            "logrotate-create",
            "logrotate-copy",
            "crates/sink/tests/file_survives_logrotate.rs::delete",
        ],
        "what is written between logrotate's copy and its cut is lost, as it says of itself",
    ),
    Fault("rights changed", &["permissions", "privileges"], ""),
    Fault("a slow disk", &["slow-disk"], ""),
    Fault("a hung disk", &["frozen", "remote-files"], ""),
    Fault(
        "network file system, tmpfs, overlay",
        &[
            "remote-files",
            "remote-journal",
            "overlay",
            "crates/journal/src/place.rs::the_network_must_be_allowed",
            "crates/logger/src/config/guarantees.rs::nothing_is_synced_in_memory",
        ],
        "FUSE stands in for the network; NFS itself was never tried",
    ),
    Fault(
        "clone or restore of a machine or volume",
        &["clone", "clone-volume"],
        "of two machines restored from one image of memory nothing tells a process that it is two",
    ),
    Fault("a large backlog", &["backlog"], ""),
    Fault(
        "numbers used up",
        &["crates/journal/src/store/tests.rs::numbers_are_used_up"],
        "",
    ),
];

const RECORDS: &[Fault] = &[
    Fault(
        "records at each limit of size",
        &[
            "big",
            "crates/journal/tests/limits.rs::every_size_comes_back",
            "crates/logger/tests/conformance/receipts.rs::too_large_is_told",
        ],
        "",
    ),
    Fault(
        "nothing in it, too many fields, names twice, too deep",
        &[
            "crates/record/tests/round_trip.rs::excess_fields_are_counted",
            "crates/format/tests/json_reads_back.rs::many_fields",
            "crates/format/tests/json_reads_back.rs::doubled_names",
            "crates/record/src/chain.rs::is_a_document_with_an_end",
        ],
        "",
    ),
    Fault(
        "hostile bytes",
        &[
            "crates/format/tests/one_record_is_one_line.rs::every_character_at_every_place",
            "crates/format/tests/one_record_is_one_line.rs::hostile_texts",
            "crates/format/tests/json_reads_back.rs::every_character",
            "crates/format/tests/csv_reads_back.rs::every_character",
            "crates/format/tests/csv_reads_back.rs::guarded_formulas",
            "crates/format/tests/syslog_reads_back.rs::every_character",
            "crates/format/tests/gelf_is_valid.rs::every_character",
            "crates/format/tests/logfmt_reads_back.rs::every_character",
        ],
        "",
    ),
    Fault(
        "a Display that panics",
        &[
            "display",
            "crates/record/tests/round_trip.rs::a_panicking_display_is_marked",
            "crates/logger/tests/conformance/macros.rs::a_panicking_display_spoils_itself_only",
        ],
        "",
    ),
    Fault(
        "... that is slow, lies, logs, waits for its caller's lock",
        &[
            "display",
            "crates/logger/tests/macro_calls.rs::displays_that_log_and_panic",
        ],
        "",
    ),
    Fault(
        "arguments changed after the call",
        &["crates/macros/tests/evaluation.rs::temporaries_and_control_flow"],
        "",
    ),
    Fault(
        "NaN, infinities, i128, years out of range",
        &[
            "crates/format/tests/one_record_is_one_line.rs::extreme_values",
            "crates/format/tests/json_reads_back.rs::every_kind_of_value",
            "crates/format/tests/time_is_right.rs::the_ends_of_time",
        ],
        "",
    ),
    Fault(
        "the wall clock jumps",
        &[
            "clock",
            "crates/sink/src/rotate/tests.rs::a_jump_and_back",
            "crates/os/src/clock/line/tests.rs::large_steps_are_jumped_to",
        ],
        "",
    ),
    Fault(
        "a secret in a record",
        &["crates/logger/tests/config_bad_input.rs::secrets_stay_secret"],
        "only the configuration's own secrets are kept out: records are not redacted yet",
    ),
    Fault(
        "overload; one layer floods",
        &[
            "overload",
            "kill-recycle",
            "crates/logger/tests/conformance/blocked.rs::a_full_journal_waits",
            "crates/logger/tests/suppression.rs::limits_are_the_layers_own",
            "crates/head/tests/dropped_records_are_told.rs::what_is_dropped_is_counted_and_told",
        ],
        "",
    ),
];

const LIFE: &[Fault] = &[
    Fault(
        "reload in mid-traffic",
        &[
            "crates/logger/tests/conformance/reload.rs::each_record_has_one_configuration",
            "crates/logger/tests/conformance/reload.rs::levels_change",
            "crates/logger/tests/conformance/reload.rs::a_removed_destination_drains",
            "crates/logger/tests/conformance/reload.rs::a_changed_destination_goes_on",
        ],
        "",
    ),
    Fault(
        "reload of what is broken",
        &[
            "crates/logger/tests/conformance/reload.rs::a_broken_one_changes_nothing",
            "crates/logger/tests/conformance/reload.rs::a_broken_file_is_named",
        ],
        "",
    ),
    Fault(
        "the same destination twice",
        &[
            "crates/logger/tests/conformance/layers.rs::two_destinations_on_one_path",
            "crates/logger/tests/config_bad_input.rs::one_file_two_ways",
            "crates/sink/tests/file_is_shared.rs::threads",
            "crates/sink/tests/file_is_shared_between_processes.rs::processes",
        ],
        "",
    ),
    Fault(
        "shutdown under load, twice, from threads",
        &[
            "crates/logger/tests/conformance/ending.rs::shutdown_under_load",
            "crates/logger/tests/conformance/ending.rs::shutdown_is_idempotent",
            "crates/logger/tests/conformance/ending.rs::shutdown_from_another_thread",
            "crates/logger/tests/conformance/blocked.rs::a_blocked_destination_does_not_hold_the_end_up",
            "blocked",
        ],
        "",
    ),
    Fault(
        "started where it may not write",
        &[
            "privileges",
            "bare",
            "crates/logger/tests/conformance/receipts.rs::a_journal_that_cannot_be_is_an_error",
            "crates/journal/tests/adoption.rs::a_failed_create_leaves_nothing",
        ],
        "",
    ),
    Fault("a sandbox forbids a call", &["sandbox", "every-error"], ""),
    Fault("upgrade and downgrade in place", &["versions"], ""),
    Fault(
        "everything at once",
        &[
            "chaos",
            "chaos-left",
            "simulation/tests/seeds.rs::a_thousand_seeds_hold",
        ],
        "",
    ),
];

const ALL: [(char, &[Fault]); 4] = [('A', DIES), ('B', DISK), ('D', RECORDS), ('E', LIFE)];

/// Prints the list. Rows that did not hold, or were skipped, in this run are named by `marked`.
///
/// # Errors
/// Whatever `out` says.
pub fn tell(out: &mut dyn Write, marked: &[&str]) -> io::Result<()> {
    writeln!(out, "\nevery fault of the list, and what proves it:")?;
    for (group, faults) in ALL {
        for Fault(fault, proofs, but) in faults {
            writeln!(out, "{group}  {fault}")?;
            let is_test = |proof: &&&str| proof.contains("::");
            let rows = proofs.iter().filter(|proof| !is_test(proof));
            let mark = |row: &&str| match marked.contains(row) {
                true => format!("{row} (not in this run)"),
                false => (*row).to_owned(),
            };
            let rows: Vec<String> = rows.map(mark).collect();
            if !rows.is_empty() {
                writeln!(out, "       {}", rows.join(", "))?;
            }
            let mut tests = proofs.iter().filter(is_test);
            tests.try_for_each(|test| writeln!(out, "       {test}"))?;
            if !but.is_empty() {
                writeln!(out, "       but: {but}")?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows;
    use std::path::Path;

    /// Whatever the list names is there: rows in the table, tests in their files. And no row proves nothing.
    #[test]
    fn proofs_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let named: Vec<&str> = ALL
            .iter()
            .flat_map(|(_, faults)| faults.iter())
            .flat_map(|Fault(_, proofs, _)| proofs.iter().copied())
            .collect();
        for name in &named {
            let Some((path, function)) = name.split_once("::") else {
                assert!(rows::ALL.iter().any(|row| row.name == *name), "there is no row {name}");
                continue;
            };
            let text = std::fs::read_to_string(root.join(path)).unwrap_or_default();
            let is_there = ["(", "<"]
                .iter()
                .any(|next| text.contains(&format!("fn {function}{next}")));
            assert!(is_there, "there is no test {name}");
        }
        for row in rows::ALL {
            assert!(named.contains(&row.name), "{} stands for no fault", row.name);
        }
    }

    /// Each fault is proved by something, or it is said what happens instead.
    #[test]
    fn nothing_is_unproved() {
        for (group, faults) in ALL {
            for Fault(fault, proofs, but) in faults {
                assert!(!proofs.is_empty() || !but.is_empty(), "{group}: {fault}");
            }
        }
    }
}
