//! C++ spdlog: compiled here and now when its headers and a compiler are there, else skipped by name.

use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = include_str!("../cpp/spdlog.cpp");

/// Compiles the program into `dir`.
///
/// # Errors
///
/// Why it is skipped: no compiler, no headers, or what the compiler said.
pub(crate) fn compile(dir: &Path) -> Result<PathBuf, String> {
    let source = dir.join("spdlog.cpp");
    let program = dir.join("spdlog-cpp");
    std::fs::write(&source, SOURCE).map_err(|error| format!("cannot write {}: {error}", source.display()))?;
    let flags = Command::new("pkg-config")
        .args(["--cflags", "--libs", "spdlog"])
        .output();
    let flags = flags.ok().filter(|output| output.status.success());
    // Debian builds it against its own fmt; these are what its pkg-config file says.
    let fallback = || "-DSPDLOG_SHARED_LIB -DSPDLOG_COMPILED_LIB -DSPDLOG_FMT_EXTERNAL -lspdlog -lfmt".to_owned();
    let flags = flags.map_or_else(fallback, |output| String::from_utf8_lossy(&output.stdout).into_owned());
    let output = Command::new("g++")
        .args(["-std=c++17", "-O3", "-DNDEBUG", "-pthread", "-o"])
        .arg(&program)
        .arg(&source)
        .args(flags.split_whitespace())
        .output()
        .map_err(|error| format!("no g++: {error}"))?;
    if output.status.success() {
        return Ok(program);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said
        .lines()
        .find(|line| line.contains("error"))
        .unwrap_or("the compiler failed")
        .to_owned();
    Err(if first.contains("spdlog/") {
        "Debian's libspdlog-dev is not installed".to_owned()
    } else {
        first
    })
}
