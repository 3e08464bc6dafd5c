//! Which process this is, and on which machine.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// Longest host name asked for, in bytes; Linux allows 64, POSIX 255.
const HOST_BYTES_MAX: usize = 256;

/// Returns the process's id.
///
/// Always the true one, in a forked child too, at the cost of a system call.
#[must_use]
pub fn id() -> u32 {
    #[cfg(sim)]
    return 1_000 + crate::sim::life();
    #[cfg(not(sim))]
    std::process::id()
}

/// Returns the program's name: the file it was started as, without directory and extension; may be empty.
///
/// What is not Unicode in it is replaced.
///
/// # Examples
///
/// ```
/// let name = hydra_os::process::name();
/// assert!(!name.contains('/'));
/// ```
#[must_use]
pub fn name() -> String {
    let started_as = env::args_os().next().filter(|name| !name.is_empty());
    let path = started_as
        .or_else(|| env::current_exe().ok().map(OsString::from))
        .unwrap_or_default();
    Path::new(&path)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Returns the machine's host name as it is set, qualified or not; "localhost" when it is not set.
#[must_use]
pub fn host() -> String {
    #[cfg(sim)]
    return "simulated".to_owned();
    #[cfg(not(sim))]
    system_host()
}

#[cfg_attr(sim, allow(dead_code, reason = "the simulated machine has a name of its own"))]
fn system_host() -> String {
    // The system need not end a name with zero that fills the buffer, so the last byte is not lent to it.
    let mut buffer = [0_u8; HOST_BYTES_MAX + 1];
    // SAFETY: the call writes at most `HOST_BYTES_MAX` bytes to the buffer, which is longer.
    let result = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), HOST_BYTES_MAX) };
    let name = buffer.split(|byte| *byte == 0).next().unwrap_or_default();
    if result != 0 || name.is_empty() {
        return "localhost".to_owned();
    }
    String::from_utf8_lossy(name).into_owned()
}

/// Returns a number that is drawn anew each time the machine starts; nothing where the system has none.
///
/// Two processes that see the same number run under the same kernel since the same start.
#[must_use]
pub fn boot_id() -> Option<[u8; 16]> {
    #[cfg(sim)]
    return Some(u128::from(1 + crate::sim::boot()).to_be_bytes());
    #[cfg(not(sim))]
    parse_uuid(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim_end())
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let digits = text.replace('-', "");
    if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name is this test binary's, without the directory it lies in.
    #[test]
    fn name_is_the_programs() {
        assert!(name().starts_with("hydra_os-"), "{}", name());
    }

    /// The host name is the one the kernel tells.
    #[test]
    fn host_is_the_kernels() {
        let kernels = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        assert_eq!(host(), kernels.trim_end());
    }

    /// The boot's number stays the same while the machine runs.
    #[test]
    fn boot_id_is_constant() {
        assert_eq!(boot_id(), boot_id());
    }

    /// A number is read only from the proper text of one.
    #[test]
    fn uuid_is_parsed_strictly() {
        let bytes = [0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xf0];
        assert_eq!(parse_uuid("0f010203-0405-0607-0809-0a0b0c0d0ef0"), Some(bytes));
        for wrong in [
            "",
            "0f010203",
            "+f010203-0405-0607-0809-0a0b0c0d0ef0",
            "0f010203-0405-0607-0809-0a0b0c0d0ef0f",
        ] {
            assert_eq!(parse_uuid(wrong), None, "{wrong:?}");
        }
    }
}
