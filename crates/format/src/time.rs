//! Instants become calendar text; what does not change from record to record is kept.
//!
//! The calendar is the proleptic Gregorian one, computed by hand, for any number of seconds an `i64` holds.

use std::sync::Arc;

use hydra_record::digits::{PLACE_BYTES, Place, ZEROS, eight_digits, unsigned};

use crate::pen::{EMPTY_PAGE, Pen, Prepared};
use crate::plates::Press;
use crate::strftime::{Moment, Pattern};

const SECOND_NS: i64 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;
const QUARTER_SECONDS: i64 = 900;
/// Up to the point.
const RFC3339_SECOND_BYTES: usize = 20;
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

/// Turns a record's time into text, and remembers the texts of the second it last met; and what formats have made
/// beforehand of the layers and call sites they last met.
///
/// Each thread that formats has its own.
#[derive(Clone, Debug)]
pub struct ClockFace {
    clock: Clock,
    /// Made when a format first asks for it.
    press: Option<Box<Press>>,
}

/// The part of a clock's face that shows the time.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    utc_offset: fn(i64) -> i32,
    /// The quarter of an hour whose offset is known, and that offset.
    quarter: i64,
    offset: i32,
    /// The second last met, and its text in UTC up to the point.
    second: Second,
    utc: Place,
    /// Likewise its seconds since 1970, for what is not before, and their length.
    unix: (Place, usize),
    local: Local,
}

/// The text of one second in local time, under one pattern.
#[derive(Clone, Debug, Default)]
struct Local {
    second: Second,
    pattern: Option<Arc<str>>,
    text: Prepared,
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
        ClockFace {
            clock: Clock::new(utc_offset),
            press: None,
        }
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
    pub fn rfc3339(&mut self, time_ns: i64, out: &mut Vec<u8>) {
        self.put(out, |clock, pen| clock.rfc3339(time_ns, pen));
    }

    /// Appends the instant in local time, in the form of `pattern`.
    pub fn local(&mut self, time_ns: i64, pattern: &Pattern, out: &mut Vec<u8>) {
        self.put(out, |clock, pen| clock.local(time_ns, pattern, pen));
    }

    fn put(&mut self, out: &mut Vec<u8>, show: impl FnOnce(&mut Clock, &mut Pen<'_>)) {
        let mut page = EMPTY_PAGE;
        let mut pen = Pen::new(&mut page, out);
        show(&mut self.clock, &mut pen);
        pen.end();
    }

    /// Returns the clock, and what formats write with.
    #[inline(always)]
    pub(crate) fn parts(&mut self) -> (&mut Clock, &mut Press) {
        (&mut self.clock, self.press.get_or_insert_with(new_press))
    }
}

#[cold]
#[inline(never)]
fn new_press() -> Box<Press> {
    Box::new(Press::new())
}

impl Clock {
    fn new(utc_offset: fn(i64) -> i32) -> Clock {
        let mut clock = Clock {
            utc_offset,
            quarter: 0,
            offset: utc_offset(0),
            second: Second::default(),
            utc: [0; PLACE_BYTES],
            unix: ([0; PLACE_BYTES], 0),
            local: Local::default(),
        };
        clock.set_utc(0);
        clock
    }

    /// Writes the seconds since 1970 with six fractional digits, further ones cut off towards the past.
    #[inline(always)]
    pub(crate) fn unix(&mut self, time_ns: i64, pen: &mut Pen<'_>) {
        if time_ns < 0 {
            let micros = time_ns.div_euclid(1000).unsigned_abs();
            pen.put(b"-");
            pen.vec()
                .extend(format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000).bytes());
            return;
        }
        let nanos = self.nanos(time_ns);
        let (text, len) = &self.unix;
        pen.block(text, *len);
        pen.word(six_digits(nanos / 1000), 6);
    }

    /// Takes in the instant's second, if it is a new one; returns how far into it the instant is.
    #[inline(always)]
    fn nanos(&mut self, time_ns: i64) -> u64 {
        match self.second.nanos(time_ns) {
            Some(nanos) => nanos,
            None => self.set_utc(time_ns),
        }
    }

    #[inline(always)]
    pub(crate) fn rfc3339(&mut self, time_ns: i64, pen: &mut Pen<'_>) {
        let nanos = self.nanos(time_ns);
        pen.block(&self.utc, RFC3339_SECOND_BYTES);
        pen.word(six_digits(nanos / 1000) | u64::from(b'Z') << 48, 7);
    }

    /// Takes in a new second; returns how far into it the instant is.
    #[cold]
    #[inline(never)]
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
        let text: [u8; RFC3339_SECOND_BYTES] = [
            y, z, w, x, b'-', m, n, b'-', d, e, b'T', h, i, b':', j, k, b':', s, t, b'.',
        ];
        let (unix, len) = &mut self.unix;
        *len = unsigned(time_ns.div_euclid(SECOND_NS).unsigned_abs(), unix) + 1;
        if let Some(point) = unix.get_mut(*len - 1) {
            *point = b'.';
        }
        self.utc.iter_mut().zip(text).for_each(|(to, from)| *to = from);
        time_ns.rem_euclid(SECOND_NS) as u64
    }

    #[inline(always)]
    pub(crate) fn local(&mut self, time_ns: i64, pattern: &Pattern, pen: &mut Pen<'_>) {
        match &self.local.pattern {
            Some(known) if Arc::ptr_eq(known, pattern.source()) && self.local.second.nanos(time_ns).is_some() => {
                pen.prepared(&self.local.text);
            }
            _ => self.local_anew(time_ns, pattern, pen.vec()),
        }
    }

    #[cold]
    #[inline(never)]
    fn local_anew(&mut self, time_ns: i64, pattern: &Pattern, out: &mut Vec<u8>) {
        let unix_seconds = time_ns.div_euclid(SECOND_NS);
        let offset = self.offset_at(unix_seconds);
        let moment = Moment {
            civil: Civil::from_unix_seconds(unix_seconds.saturating_add(offset.into())),
            unix_seconds,
            nanos: time_ns.rem_euclid(SECOND_NS) as u32,
            offset,
        };
        let start = out.len();
        pattern.render(&moment, out);
        if pattern.has_fraction() {
            return;
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
        self.local.text = Prepared::new(out.get(start..).unwrap_or_default());
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
    (eight_digits(number) | ZEROS) >> 16
}
