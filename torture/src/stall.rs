//! What the threads of a process do that does not go on, for whoever looks for the reason.

use std::fs;
use std::path::Path;

use crate::tools;

/// Frames of each thread's stack that are told.
const FRAMES_MAX: &str = "thread apply all backtrace 14";

/// Tells, for each thread of a process, its name, its state and the system call it is in; and, where a debugger is
/// installed, its stack. Nobody else may trace the process: the debugger would wait for it.
pub fn threads(process: u32) -> String {
    let mut told = states(process);
    let id = process.to_string();
    let words = ["-batch", "-nx", "-p", &id, "-ex", FRAMES_MAX];
    if let Some(stacks) = tools::find("gdb").and_then(|_| tools::run("gdb", words).ok()) {
        told += &stacks;
    }
    told
}

/// Tells, for each thread of a process, its name, its state and the system call it is in.
pub fn states(process: u32) -> String {
    let mut told = String::new();
    for task in fs::read_dir(format!("/proc/{process}/task"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let read = |name: &str| read(&task.path().join(name));
        let stat = read("stat");
        let state = stat.rsplit(')').next().unwrap_or_default().trim_start().get(..1);
        let (name, state) = (read("comm"), state.unwrap_or("?").to_owned());
        told += &format!("{name} {state} {} {}\n", read("wchan"), read("syscall"));
    }
    told
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The thread that asks is told of, by its name.
    #[test]
    fn a_thread_is_told() {
        let name = read(Path::new("/proc/thread-self/comm"));
        let told = threads(hydra_os::process::id());
        assert!(!name.is_empty() && told.contains(&name), "{told}");
    }
}
