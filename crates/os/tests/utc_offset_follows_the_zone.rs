//! Local time: alone in its process, for the zone is read from the environment once.

use std::env;

/// The offset is the zone's at the moment asked for, in winter and in summer.
#[test]
fn utc_offset_follows_the_zone() {
    // SAFETY: this is the only test of the process, and the harness's own thread waits for it without a look at the
    // environment.
    unsafe { env::set_var("TZ", "EST5EDT,M3.2.0,M11.1.0") };
    let (january, july) = (1_704_067_200, 1_719_792_000);
    assert_eq!(hydra_os::clock::utc_offset_at(january), -5 * 3600);
    assert_eq!(hydra_os::clock::utc_offset_at(july), -4 * 3600);
}
