//! Instants become calendar text; what does not change from record to record is kept.
//!
//! The calendar is the proleptic Gregorian one, computed by hand, for any number of seconds an `i64` holds.

use std::sync::Arc;

use crate::scan::append;
use crate::strftime::{Moment, Pattern};

const SECOND_NS: i64 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;
const QUARTER_SECONDS: i64 = 900;
const RFC3339_BYTES: usize = 27;
/// Days of the 400 years after which the calendar repeats.
const ERA_DAYS: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i64 = 719_468;

/// A date and a time of day, without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year; 0 is the year before 1.
    pub year: i64,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
    /// Day of the week, 0 (Sunday) to 6.
    pub weekday: u8,
    /// Day of the year, 1 to 366.
    pub yearday: u16,
}

impl Civil {
    /// Returns the date and time that is `seconds` after 1970-01-01 00:00:00, or before it.
    ///
    /// # Examples
    /// ```
    /// use hydra_format::Civil;
    /// let day = Civil::from_unix_seconds(-1);
    /// assert_eq!((day.year, day.month, day.day, day.second), (1969, 12, 31, 59));
    /// ```
    pub fn from_unix_seconds(seconds: i64) -> Civil {
        let days = seconds.div_euclid(DAY_SECONDS);
        let clock = seconds.rem_euclid(DAY_SECONDS);
        // Years are counted from March, so that the leap day is a year's last.
        let shifted = days + EPOCH_DAYS;
        let (era, era_day) = (shifted.div_euclid(ERA_DAYS), shifted.rem_euclid(ERA_DAYS));
        let era_year = (era_day - era_day / 1460 + era_day / 36_524 - era_day / 146_096) / 365;
        let march_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
        let march_month = (5 * march_day + 2) / 153;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        let year = era_year + era * 400 + i64::from(month <= 2);
        let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
        let yearday = if month <= 2 {
            march_day - 305
        } else {
            march_day + 60 + i64::from(leap)
        };
        Civil {
            year,
            month: month as u8,
            day: (march_day - (153 * march_month + 2) / 5 + 1) as u8,
            hour: (clock / 3600) as u8,
            minute: (clock / 60 % 60) as u8,
            second: (clock % 60) as u8,
            weekday: (days + 4).rem_euclid(7) as u8,
            yearday: yearday as u16,
        }
    }
}

/// Turns a record's time into text, and remembers the texts of the second it last met.
///
/// Each thread that formats has its own.
#[derive(Clone, Debug)]
pub struct ClockFace {
    utc_offset: fn(i64) -> i32,
    /// The quarter of an hour whose offset is known, and that offset.
    quarter: i64,
    offset: i32,
    /// The second last met, and its text in UTC up to the point.
    second: Second,
    utc: [u8; 20],
    local: Local,
}

/// The text of one second in local time, under one pattern.
#[derive(Clone, Debug, Default)]
struct Local {
    second: Second,
    pattern: Option<Arc<str>>,
    text: Vec<u8>,
}

/// One second of the clock.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    /// The first nanosecond of it that an `i64` holds.
    first_ns: i64,
    /// What went before; not zero only in the second that holds `i64::MIN`.
    lead_ns: u64,
}

impl Second {
    fn of(time_ns: i64) -> Second {
        let nanos = time_ns.rem_euclid(SECOND_NS);
        let first_ns = time_ns.saturating_sub(nanos);
        Second {
            first_ns,
            lead_ns: nanos as u64 - time_ns.abs_diff(first_ns),
        }
    }

    /// Returns how far into this second the instant is; `None` if it is in another.
    #[inline]
    fn nanos(&self, time_ns: i64) -> Option<u64> {
        let past = time_ns.wrapping_sub(self.first_ns) as u64;
        (time_ns >= self.first_ns && past < SECOND_NS as u64 - self.lead_ns).then(|| past + self.lead_ns)
    }
}

impl ClockFace {
    /// Makes one whose local time is `utc_offset` seconds east of UTC at the given instant (seconds since 1970).
    ///
    /// The offset is asked for once for each quarter of an hour, at its beginning: zones change at no other time, and
    /// so the answer does not depend on which record came first.
    pub fn new(utc_offset: fn(i64) -> i32) -> ClockFace {
        let mut face = ClockFace {
            utc_offset,
            quarter: 0,
            offset: utc_offset(0),
            second: Second::default(),
            utc: [0; 20],
            local: Local::default(),
        };
        face.set_utc(0);
        face
    }

    /// Makes one whose local time is UTC.
    pub fn utc() -> ClockFace {
        ClockFace::new(|_| 0)
    }

    /// Appends the instant as RFC 3339 text in UTC with six fractional digits (further ones are cut off).
    ///
    /// # Examples
    /// ```
    /// use hydra_format::ClockFace;
    /// let mut out = Vec::new();
    /// ClockFace::utc().rfc3339(1_700_000_000_123_456_789, &mut out);
    /// assert_eq!(out, b"2023-11-14T22:13:20.123456Z");
    /// ```
    #[inline]
    pub fn rfc3339(&mut self, time_ns: i64, out: &mut Vec<u8>) {
        let micros = self.second.nanos(time_ns).unwrap_or_else(|| self.set_utc(time_ns)) / 1000;
        // Put together in one word: bytes stored one by one could not be copied as a block at once.
        let end = out.len() + RFC3339_BYTES;
        out.extend_from_slice(&self.utc);
        out.extend_from_slice(&(six_digits(micros) | u64::from(b'Z') << 48).to_le_bytes());
        out.truncate(end);
    }

    /// Takes in a new second; returns how far into it the instant is.
    #[cold]
    fn set_utc(&mut self, time_ns: i64) -> u64 {
        let civil = Civil::from_unix_seconds(time_ns.div_euclid(SECOND_NS));
        // The years that an i64 of nanoseconds reaches, 1677 to 2262, have four digits.
        let year = civil.year as u32;
        let [y, z] = pair(year / 100);
        let [w, x] = pair(year % 100);
        let [m, n] = pair(civil.month.into());
        let [d, e] = pair(civil.day.into());
        let [h, i] = pair(civil.hour.into());
        let [j, k] = pair(civil.minute.into());
        let [s, t] = pair(civil.second.into());
        self.second = Second::of(time_ns);
        self.utc = [
            y, z, w, x, b'-', m, n, b'-', d, e, b'T', h, i, b':', j, k, b':', s, t, b'.',
        ];
        time_ns.rem_euclid(SECOND_NS) as u64
    }

    /// Appends the instant in local time, in the form of `pattern`.
    #[inline]
    pub fn local(&mut self, time_ns: i64, pattern: &Pattern, out: &mut Vec<u8>) {
        match &self.local.pattern {
            Some(known) if Arc::ptr_eq(known, pattern.source()) && self.local.second.nanos(time_ns).is_some() => {
                append(&self.local.text, out);
            }
            _ => self.local_anew(time_ns, pattern, out),
        }
    }

    #[cold]
    fn local_anew(&mut self, time_ns: i64, pattern: &Pattern, out: &mut Vec<u8>) {
        let unix_seconds = time_ns.div_euclid(SECOND_NS);
        let offset = self.offset_at(unix_seconds);
        let moment = Moment {
            civil: Civil::from_unix_seconds(unix_seconds.saturating_add(offset.into())),
            unix_seconds,
            nanos: time_ns.rem_euclid(SECOND_NS) as u32,
            offset,
        };
        if pattern.has_fraction() {
            return pattern.render(&moment, out);
        }
        self.local.second = Second::of(time_ns);
        if !self
            .local
            .pattern
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, pattern.source()))
        {
            self.local.pattern = Some(Arc::clone(pattern.source()));
        }
        self.local.text.clear();
        pattern.render(&moment, &mut self.local.text);
        out.extend_from_slice(&self.local.text);
    }

    fn offset_at(&mut self, unix_seconds: i64) -> i32 {
        let quarter = unix_seconds.div_euclid(QUARTER_SECONDS);
        if quarter != self.quarter {
            self.quarter = quarter;
            self.offset = (self.utc_offset)(quarter * QUARTER_SECONDS);
        }
        self.offset
    }
}

/// Returns the two decimal digits of a number below 100.
#[inline]
pub(crate) fn pair(number: u32) -> [u8; 2] {
    [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]
}

/// Returns the six decimal digits of a number below 1,000,000, the first one lowest.
#[inline]
pub(crate) fn six_digits(number: u64) -> u64 {
    two_digits(number / 10_000) | two_digits(number / 100 % 100) << 16 | two_digits(number % 100) << 32
}

/// Returns the two decimal digits of a number below 100, the first one lowest.
#[inline]
fn two_digits(number: u64) -> u64 {
    (u64::from(b'0') + number / 10) | (u64::from(b'0') + number % 10) << 8
}
