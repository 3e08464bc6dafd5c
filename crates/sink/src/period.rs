//! Hours and days in local time, for files that are rotated by time.

use hydra_os::clock::utc_offset_at;

use crate::file::Every;

const NS_PER_SECOND: i64 = 1_000_000_000;

/// The hour or day a file belongs to, and the time for which that need not be thought about again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Period {
    every: Every,
    /// Local hours or days since 1970.
    index: i64,
    /// Within these, in unix nanoseconds, the period is the same for sure, so the time zone need not be asked.
    from_ns: i64,
    until_ns: i64,
}

/// What a look at the clock says about a file of some period.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// The file's period goes on.
    Same,
    /// It is over: the file is to be rotated.
    Over,
    /// The clock stands before the file's period by so much that it must have been wrong when the file was dated.
    Back,
}

impl Period {
    /// The period of a moment.
    pub(crate) fn at(every: Every, unix_ns: i64) -> Self {
        let seconds = unix_ns.div_euclid(NS_PER_SECOND);
        let offset = i64::from(utc_offset_at(seconds));
        Self::with_offset(every, seconds, offset)
    }

    fn with_offset(every: Every, seconds: i64, offset: i64) -> Self {
        let length = every.seconds();
        let index = (seconds + offset).div_euclid(length);
        let start = index * length - offset;
        Self {
            every,
            index,
            // A change of the offset within the period shows at its end at the latest: the period is looked up anew
            // then.
            from_ns: start.saturating_mul(NS_PER_SECOND),
            until_ns: (start + length).saturating_mul(NS_PER_SECOND),
        }
    }

    /// Judges a file of this period by the clock, and says which period it is now, as far as the file is concerned.
    ///
    /// A clock that goes back by a period, as at the end of summer time or around a boundary, changes nothing: the file
    /// goes on until the clock has caught up. So a clock that jumps to and fro makes no more files than one that does
    /// not.
    pub(crate) fn judge(&self, now_ns: i64) -> (Verdict, Self) {
        if (self.from_ns..self.until_ns).contains(&now_ns) {
            return (Verdict::Same, *self);
        }
        let now = Self::at(self.every, now_ns);
        match now.index - self.index {
            ..=-2 => (Verdict::Back, now),
            -1 => (Verdict::Same, *self),
            0 => (Verdict::Same, now),
            1.. => (Verdict::Over, now),
        }
    }

    /// What files of this period are called.
    pub(crate) fn label(&self) -> String {
        let days = match self.every {
            Every::Day => self.index,
            Every::Hour => self.index.div_euclid(24),
        };
        let (year, month, day) = date(days);
        match self.every {
            Every::Day => format!("{year:04}-{month:02}-{day:02}"),
            Every::Hour => format!("{year:04}-{month:02}-{day:02}T{:02}", self.index.rem_euclid(24)),
        }
    }
}

/// The date that is so many days after 1970-01-01, in the Gregorian calendar.
///
/// Years are counted from March on, so that the leap day is the last of its year, in cycles of 400 years.
fn date(days: i64) -> (i64, i64, i64) {
    const CYCLE_DAYS: i64 = 146_097;
    // 0000-03-01 is 719,468 days before 1970-01-01.
    let shifted = days + 719_468;
    let cycle = shifted.div_euclid(CYCLE_DAYS);
    let day_of_cycle = shifted.rem_euclid(CYCLE_DAYS);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (cycle * 400 + year_of_cycle + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(every: Every, seconds: i64, offset: i64) -> String {
        Period::with_offset(every, seconds, offset).label()
    }

    /// Labels are the local date and hour.
    #[test]
    fn labels() {
        assert_eq!(label(Every::Day, 0, 0), "1970-01-01");
        assert_eq!(label(Every::Day, 0, -1), "1969-12-31");
        assert_eq!(label(Every::Hour, 951_782_400 + 3_599, 0), "2000-02-29T00");
        assert_eq!(label(Every::Hour, 1_709_164_800, 5 * 3_600 + 1_800), "2024-02-29T05");
        assert_eq!(label(Every::Day, 1_735_689_599, 0), "2024-12-31");
        assert_eq!(label(Every::Day, 1_735_689_599, 1), "2025-01-01");
        assert_eq!(date(-1), (1969, 12, 31));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(11_017), (2000, 3, 1));
    }

    /// A period is over when the next begins, goes on when the clock steps back into the one before, and is given up
    /// when the clock stands further back.
    #[test]
    fn judging() {
        let second = NS_PER_SECOND;
        let noon = 1_700_000_000 / 86_400 * 86_400 * second + 43_200 * second;
        let hour = Period::at(Every::Hour, noon);
        assert_eq!(hour.judge(noon + 1_799 * second).0, Verdict::Same);
        assert_eq!(hour.judge(noon + 3_600 * second).0, Verdict::Over);
        assert_eq!(hour.judge(noon - 1).0, Verdict::Same);
        assert_eq!(hour.judge(noon - 3_601 * second).0, Verdict::Back);
        assert_eq!(hour.judge(i64::MAX).0, Verdict::Over);
        assert_eq!(hour.judge(i64::MIN).0, Verdict::Back);
    }
}
