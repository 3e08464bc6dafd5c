//! Debian's packages with programs that commands borrow: installed where that may be done.

use std::process::{Command, Stdio};

/// Installs packages, with apt's own account of it on standard output.
///
/// # Errors
/// Why it cannot be done, with the command that somebody else may have to run.
pub(crate) fn install(packages: &[String]) -> Result<(), String> {
    if packages.is_empty() {
        return Ok(());
    }
    let by_hand = format!("apt-get install {}", packages.join(" "));
    if !answers("apt-get") {
        return Err(format!("there is no apt-get here; on Debian: {by_hand}"));
    }
    println!("    installing Debian's {}", packages.join(", "));
    let mut words = vec!["install", "--yes", "--no-install-recommends"];
    words.extend(packages.iter().map(String::as_str));
    // A machine that has never asked for the lists knows no package.
    let is_done = apt(&words) || apt(&["update"]) && apt(&words);
    if is_done {
        Ok(())
    } else {
        Err(format!("`{by_hand}` failed; it needs root and the package lists"))
    }
}

/// Runs apt as root: as who we are, or by `sudo` where that asks nothing.
fn apt(words: &[&str]) -> bool {
    let ends_well = |command: &mut Command| {
        let command = command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let by_sudo = ["-n", "apt-get"].iter().chain(words);
    ends_well(Command::new("apt-get").args(words)) || answers("sudo") && ends_well(Command::new("sudo").args(by_sudo))
}

/// Says whether a program can be started at all.
pub(crate) fn answers(program: &str) -> bool {
    let quiet = Command::new(program).arg("--version").output();
    quiet.is_ok_and(|output| output.status.success())
}
