//! Programs that the harness borrows from the system it runs on.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where programs are that only root uses, and that are not on everybody's path.
const FOR_ROOT: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The packages of Debian that have the programs which rows borrow.
const PACKAGES: [(&str, &[&str]); 10] = [
    ("btrfs-progs", &["btrfs", "mkfs.btrfs"]),
    ("coreutils", &["chmod", "chown"]),
    ("e2fsprogs", &["chattr", "mkfs.ext4"]),
    ("faketime", &["faketime"]),
    ("logrotate", &["logrotate"]),
    ("mount", &["mount", "umount"]),
    ("procps", &["kill"]),
    ("strace", &["strace"]),
    (
        "util-linux",
        &[
            "fallocate",
            "findmnt",
            "fsfreeze",
            "fstrim",
            "prlimit",
            "setpriv",
            "unshare",
        ],
    ),
    ("xfsprogs", &["mkfs.xfs", "xfs_io"]),
];

/// Returns the packages of Debian that must be installed so that there are all of these programs.
pub fn packages<'p>(programs: impl Iterator<Item = &'p str>) -> BTreeSet<&'static str> {
    let missing: Vec<&str> = programs.filter(|program| find(program).is_none()).collect();
    let is_needed = |its: &[&str]| missing.iter().any(|program| its.contains(program));
    let needed = PACKAGES.iter().filter(|(_, its)| is_needed(its));
    needed.map(|(package, _)| *package).collect()
}

/// Returns the package that has a program.
pub fn package_of(program: &str) -> Option<&'static str> {
    let its = PACKAGES.iter().find(|(_, its)| its.contains(&program));
    its.map(|(package, _)| *package)
}

/// Returns where a program is, if it is installed.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain(FOR_ROOT.iter().map(PathBuf::from));
    dirs.map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// Says what is missing of the programs and, if `root` is asked for, of the rights that a row needs.
pub fn missing(programs: &[&str], needs_root: bool) -> Option<String> {
    if needs_root && !is_root() {
        return Some("needs root".to_owned());
    }
    let missing: Vec<&str> = programs
        .iter()
        .copied()
        .filter(|program| find(program).is_none())
        .collect();
    let packages = packages(missing.iter().copied()).into_iter().collect::<Vec<_>>();
    (!missing.is_empty()).then(|| {
        format!(
            "`{}` is not installed: Debian's {} has it",
            missing.join("`, `"),
            packages.join(", ")
        )
    })
}

/// Says whether this is root's process.
pub fn is_root() -> bool {
    // The owner of what a process's own directory shows is its effective user.
    std::fs::metadata("/proc/self").is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == 0)
}

/// Returns the command of a program, wherever it is installed.
pub fn command(program: &str) -> Command {
    Command::new(find(program).unwrap_or_else(|| PathBuf::from(program)))
}

/// Runs a program to its end and returns what it said.
///
/// # Errors
/// When it cannot be started, and when it fails: with what it complained about.
pub fn run<'a>(program: &str, args: impl IntoIterator<Item = &'a str>) -> io::Result<String> {
    let mut command = command(program);
    command.args(args);
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!(
        "{command:?} ended with {}: {}",
        output.status,
        complaint.trim()
    )))
}

/// Returns the words that run a program where files or directories stand in the places of others: each in that of the
/// one beside it, in this order, with what is mounted in it. Root is not needed.
pub fn with_in_place_of(pairs: &[(&Path, &Path)]) -> Vec<String> {
    let script = r#"while [ "$1" != -- ]; do mount --rbind "$1" "$2" || exit; shift 2; done; shift; exec "$@""#;
    let mut words = ["unshare", "-Urm", "sh", "-c", script, "sh"]
        .map(str::to_owned)
        .to_vec();
    for (this, of) in pairs {
        words.extend([word(this), word(of)].map(str::to_owned));
    }
    words.push("--".to_owned());
    words
}

/// Says why [`with_in_place_of`] would fail here, if it would.
pub fn cannot_mount() -> Option<String> {
    let tried = command("unshare")
        .args(["-Urm", "mount", "-t", "tmpfs", "tmpfs", "/tmp"])
        .output();
    let may = tried.is_ok_and(|output| output.status.success());
    (!may).then(|| "`unshare -Urm` is not permitted here".to_owned())
}

/// Returns a path as the word of a command line.
pub fn word(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

/// Returns the processes that a process has started and that still run.
pub fn children(process: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    listed
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect()
}

/// Sends a signal; a process that is gone already takes none.
///
/// # Errors
/// When `kill` cannot be started.
pub fn signal(process: u32, signal: &str) -> io::Result<()> {
    command("kill").args([signal, &process.to_string()]).output().map(drop)
}
