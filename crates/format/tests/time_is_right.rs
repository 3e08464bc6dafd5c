//! Dates and times are those of an independent calendar, for every instant there is, and never a panic.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod sample;

use std::sync::atomic::{AtomicU32, Ordering};

use hydra_format::{Civil, ClockFace, Pattern};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};
use proptest::collection::vec;
use proptest::prelude::*;

fn rfc3339(face: &mut ClockFace, time_ns: i64) -> String {
    let mut out = Vec::new();
    face.rfc3339(time_ns, &mut out);
    String::from_utf8(out).unwrap()
}

fn local(face: &mut ClockFace, pattern: &Pattern, time_ns: i64) -> String {
    let mut out = Vec::new();
    face.local(time_ns, pattern, &mut out);
    String::from_utf8(out).unwrap()
}

fn seconds_of(date: DateTime) -> i64 {
    let days = date
        .date()
        .since((jiff::Unit::Day, Date::constant(1970, 1, 1)))
        .unwrap()
        .get_days();
    let time = date.time();
    i64::from(days) * 86_400 + i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second())
}

fn check(date: DateTime) {
    let civil = Civil::from_unix_seconds(seconds_of(date));
    assert_eq!(
        (civil.year, civil.month, civil.day),
        (date.year().into(), date.month() as u8, date.day() as u8)
    );
    assert_eq!((civil.hour, civil.minute), (date.hour() as u8, date.minute() as u8));
    assert_eq!(civil.second, date.second() as u8);
    assert_eq!(civil.weekday, date.weekday().to_sunday_zero_offset() as u8);
    assert_eq!(civil.yearday, date.day_of_year() as u16);
}

/// The first and last days of every month of every year from -9999 to 9999.
#[test]
fn every_month_of_every_year() {
    for year in -9999..=9999 {
        for month in 1..=12 {
            let first = Date::new(year, month, 1).unwrap();
            check(first.at(0, 0, 0, 0));
            check(first.last_of_month().at(23, 59, 59, 0));
        }
    }
}

/// Any number of seconds is a date, however absurd.
#[test]
fn the_ends_of_time() {
    for seconds in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX] {
        let civil = Civil::from_unix_seconds(seconds);
        assert!((1..=12).contains(&civil.month) && (1..=31).contains(&civil.day) && (1..=366).contains(&civil.yearday));
    }
    let mut face = ClockFace::new(|_| i32::MIN);
    let pattern = Pattern::parse("%Y-%m-%d %H:%M:%S.%f %z %s").unwrap();
    for time_ns in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX] {
        assert_eq!(rfc3339(&mut face, time_ns).len(), 27);
        assert!(!local(&mut face, &pattern, time_ns).is_empty());
    }
    assert_eq!(rfc3339(&mut face, i64::MIN), "1677-09-21T00:12:43.145224Z");
    assert_eq!(rfc3339(&mut face, i64::MAX), "2262-04-11T23:47:16.854775Z");
}

/// A pattern seen before, or a second seen before, is not mistaken for another.
#[test]
fn what_is_kept_is_not_mixed_up() {
    let mut face = ClockFace::utc();
    let (short, long) = (Pattern::parse("%M:%S").unwrap(), Pattern::parse("%H:%M:%S.%f").unwrap());
    for _ in 0..2 {
        for (time_ns, text) in [
            (0, "00:00"),
            (1_000_000_000, "00:01"),
            (1_999_999_999, "00:01"),
            (-1, "59:59"),
        ] {
            assert_eq!(local(&mut face, &short, time_ns), text);
            let micros = time_ns.rem_euclid(1_000_000_000) / 1000;
            assert!(local(&mut face, &long, time_ns).ends_with(&format!("{text}.{micros:06}")));
        }
    }
    assert_eq!(local(&mut face, &Pattern::parse("").unwrap(), 0), "");
}

/// The zone is asked once a quarter of an hour, at its beginning, so that the same record gives the same bytes.
#[test]
fn the_zone_is_asked_rarely() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let mut face = ClockFace::new(|seconds| {
        ASKED.fetch_add(1, Ordering::Relaxed);
        assert_eq!(seconds % 900, 0);
        if seconds < 1800 { 3600 } else { 7200 }
    });
    let pattern = Pattern::parse("%H:%M:%S %z").unwrap();
    for second in 0..3600 {
        local(&mut face, &pattern, second * 1_000_000_000);
    }
    assert_eq!(ASKED.load(Ordering::Relaxed), 4);
    assert_eq!(local(&mut face, &pattern, 1_799_000_000_000), "01:29:59 +0100");
    assert_eq!(local(&mut face, &pattern, 1_800_000_000_000), "02:30:00 +0200");
}

/// Every directive shows what an independent implementation shows.
#[test]
fn directives() {
    let format = "%Y %m %d %H %M %S %y %e %j %I %p %a %A %b %B %h %u %w %z %:z %F %T %D %R %s %%";
    let pattern = Pattern::parse(format).unwrap();
    let zone = TimeZone::fixed(Offset::from_seconds(-12_600).unwrap());
    let mut face = ClockFace::new(|_| -12_600);
    for second in (-4_000_000_000..8_000_000_000).step_by(99_999_787) {
        let zoned = Timestamp::from_second(second).unwrap().to_zoned_datetime(zone.clone());
        assert_eq!(
            local(&mut face, &pattern, second * 1_000_000_000),
            strtime::format(format, &zoned).unwrap()
        );
    }
    let fractions = Pattern::parse("%L %f %N").unwrap();
    assert_eq!(local(&mut face, &fractions, 1_002_003_004), "002 002003 002003004");
    let short = Pattern::parse("%c|%x|%X").unwrap();
    assert_eq!(
        local(&mut face, &short, 0),
        "Wed Dec 31 20:30:00 1969|12/31/69|20:30:00"
    );
}

proptest! {
    /// Random instants, near each other and far apart, are shown as by an independent implementation.
    #[test]
    fn random_instants(start in any::<i64>(), steps in vec(-2_000_000_000i64..2_000_000_000, 0..20)) {
        let mut face = ClockFace::utc();
        let mut time_ns = start;
        for step in steps {
            time_ns = time_ns.saturating_add(step);
            let timestamp = Timestamp::from_nanosecond(time_ns.into()).unwrap();
            let micros = time_ns.rem_euclid(1_000_000_000) / 1000;
            let whole = Timestamp::from_second(time_ns.div_euclid(1_000_000_000)).unwrap();
            let expected = format!("{}.{micros:06}Z", whole.to_string().trim_end_matches('Z'));
            prop_assert_eq!(rfc3339(&mut face, time_ns), expected, "{}", timestamp);
        }
    }
}
