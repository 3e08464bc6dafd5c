//! Shows when the functions given to `exit` run; `tests/exit_hooks_run.rs` checks what it prints.

use std::io::{self, Write};

use hydra_os::exit;

fn main() -> io::Result<()> {
    exit::at_exit(|| say("first registered"))?;
    exit::at_exit(fails)?;
    exit::at_exit(last)?;
    exit::at_exit(last)?;
    exit::at_fork_child(|| say("in the child"))?;
    let parent = hydra_os::thread::id();
    // SAFETY: the process has one thread, so the child may do whatever this program may.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let is_own = hydra_os::thread::id() != parent;
        say(if is_own {
            "with an id of its own"
        } else {
            "under its parent's id"
        });
        // SAFETY: ends the child without running anything.
        unsafe { libc::_exit(0) };
    }
    // SAFETY: the child is ours; its status is not asked for.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    say("main ends");
    Ok(())
}

fn last() {
    say("last registered");
}

fn fails() {
    std::panic::resume_unwind(Box::new("contained"));
}

fn say(what: &str) {
    let _nobody_left_to_tell = writeln!(io::stdout(), "{what}");
}
