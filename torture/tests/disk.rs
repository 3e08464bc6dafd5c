//! Disks, files and rights that fail under a living process: rows of the torture table in short. Rows that need root,
//! or a program that is not installed, say so and are no proof.

mod holds;

use holds::holds;

/// What was called synced survives a power cut, whatever else the device had or had not written.
#[test]
fn synced_records_survive_power_cuts() {
    holds(&["power-cut"], 25);
}

/// A sync that fails is believed, and no later success undoes it.
#[test]
fn nothing_is_called_synced_after_a_failed_sync() {
    holds(&["sync-error"], 50);
}

/// A device that fails for a while costs nothing that was called synced, whoever was told of it.
#[test]
fn nothing_synced_is_lost_on_a_failing_device() {
    holds(&["device-error", "device-error-told"], 0);
}

/// The same on real file systems that are shut down without their logs.
#[test]
fn synced_records_survive_the_shutdown_of_a_file_system() {
    holds(&["power-cut-disk"], 0);
}

/// Inodes, quotas and memory run out, and come back: nothing is lost.
#[test]
fn shortages_pass() {
    holds(&["inodes", "address-space"], 0);
}

/// The journal is taken away from a living process, and nothing is lost.
#[test]
fn a_journal_may_be_taken_away() {
    holds(&["journal-gone"], 0);
}

/// A dead process's journal without cursors, lock or a head is delivered in full.
#[test]
fn parts_may_be_lost() {
    holds(&["parts-lost", "clone"], 0);
}

/// Files on a server that is away for a while, and journals on layers.
#[test]
fn files_may_be_elsewhere() {
    holds(&["remote-files", "remote-journal", "overlay"], 0);
}

/// Versions of the library may take turns on one directory.
#[test]
fn versions_may_change() {
    holds(&["versions"], 0);
}

/// Rights that are taken and given back cost nothing; a successor without rights says so.
#[test]
fn rights_may_change() {
    holds(&["permissions", "privileges"], 0);
}

/// Writes that fail cost nothing.
#[test]
fn files_may_fail() {
    holds(&["destination-error"], 0);
}

/// Started without standard descriptors, or without some system calls, it does its work.
#[test]
fn little_is_needed() {
    holds(&["standard-descriptors", "sandbox"], 0);
}

/// Processes come and go beside another.
#[test]
fn processes_share_a_directory() {
    holds(&["beside"], 0);
}

/// A backlog is delivered from the first moment, in little memory.
#[test]
fn a_backlog_is_delivered_at_once() {
    holds(&["backlog"], 0);
}

/// What `logrotate` does to the files costs nothing but what it says itself.
#[test]
fn logrotate_may_rotate() {
    holds(&["logrotate-create", "logrotate-copy"], 0);
}

/// Everything at once, for some rounds.
#[test]
fn everything_at_once() {
    holds(&["chaos"], 0);
}
