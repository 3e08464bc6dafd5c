//! How a layer is kept from flooding: rate limits, sampling, de-duplication.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::node::KeyPath;

/// The most records of a [`Rate`].
const RATE_COUNT_MAX: u32 = (1 << 24) - 1;
/// The shortest stretch of time of a [`Rate`] and of `dedup`.
const SPAN_MIN: Duration = Duration::from_millis(1);
/// The longest.
const SPAN_MAX: Duration = Duration::from_secs(7 * 86_400);
/// The units of time, in milliseconds, the longest first.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// What a layer holds back. What is held back is counted, and told in a record of the layer's own; see
/// [`Health::suppressed`](crate::Health::suppressed).
///
/// # Examples
/// ```
/// use hydra_logger::config::{Rate, Suppression};
///
/// let mut suppression = Suppression::default();
/// assert!(!suppression.is_on());
/// suppression.limit = Some(Rate::per_minute(10));
/// assert!(suppression.is_on());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Suppression {
    /// The most records the layer takes.
    pub limit: Option<Rate>,
    /// The most records it takes from each place in the program.
    pub site_limit: Option<Rate>,
    /// The part of its records it takes, from 0 to 1.
    pub sample: Option<f64>,
    /// How long after a record the same one is not taken again.
    pub dedup: Option<Duration>,
    /// Whether records that are synced or delivered when their call returns may be held back as well.
    pub guaranteed: bool,
}

impl Suppression {
    /// Says whether anything is held back.
    pub fn is_on(&self) -> bool {
        self.limit.is_some() || self.site_limit.is_some() || self.sample.is_some() || self.dedup.is_some()
    }

    /// Returns what this one says, else what `base` says.
    pub(crate) fn over(self, base: Suppression) -> Suppression {
        Suppression {
            limit: self.limit.or(base.limit),
            site_limit: self.site_limit.or(base.site_limit),
            sample: self.sample.or(base.sample),
            dedup: self.dedup.or(base.dedup),
            guaranteed: self.guaranteed || base.guaranteed,
        }
    }

    /// Returns the keys whose values are out of bounds, with what is wrong and what to write.
    pub(crate) fn problems(&self, layer: &KeyPath) -> Vec<(KeyPath, String, String)> {
        let mut problems = Vec::new();
        for (key, rate) in [("limit", self.limit), ("site_limit", self.site_limit)] {
            if let Some(rate) = rate.filter(|rate| !rate.is_valid()) {
                let message = format!("{} in {:?} is no rate", rate.count, rate.span);
                problems.push((layer.key(key), message, BadRate::SUGGESTION.to_owned()));
            }
        }
        if let Some(sample) = self.sample.filter(|sample| !(0.0..=1.0).contains(sample)) {
            let message = format!("{sample} is no part of a whole");
            problems.push((layer.key("sample"), message, "write a number from 0 to 1".to_owned()));
        }
        if let Some(span) = self.dedup.filter(|span| !is_valid_span(*span)) {
            let message = format!("{span:?} is out of bounds");
            problems.push((layer.key("dedup"), message, BAD_SPAN.to_owned()));
        }
        problems
    }
}

/// A number of records in a stretch of time: `100/s`, `5/m`, `1/10s`.
///
/// The time begins with the first record; when it is over, the next record begins another.
///
/// # Examples
/// ```
/// use hydra_logger::config::Rate;
/// use std::time::Duration;
/// assert_eq!("100/s".parse(), Ok(Rate::per_second(100)));
/// assert_eq!("1/10s".parse(), Ok(Rate::new(1, Duration::from_secs(10))));
/// assert_eq!(Rate::new(5, Duration::from_secs(60)), Rate::per_minute(5));
/// assert_eq!(Rate::per_minute(5).to_string(), "5/m");
/// assert!("many".parse::<Rate>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    pub(crate) count: u32,
    pub(crate) span: Duration,
}

impl Rate {
    /// Takes so many records in so much time; a configuration is refused if that is none, or less than a millisecond.
    pub const fn new(count: u32, span: Duration) -> Rate {
        Rate { count, span }
    }

    /// Takes so many records a second.
    pub const fn per_second(count: u32) -> Rate {
        Rate::new(count, Duration::from_secs(1))
    }

    /// Takes so many records a minute.
    pub const fn per_minute(count: u32) -> Rate {
        Rate::new(count, Duration::from_secs(60))
    }

    fn is_valid(&self) -> bool {
        (1..=RATE_COUNT_MAX).contains(&self.count) && is_valid_span(self.span)
    }
}

fn is_valid_span(span: Duration) -> bool {
    (SPAN_MIN..=SPAN_MAX).contains(&span) && span.subsec_nanos().is_multiple_of(1_000_000)
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = span_text(self.span);
        // One unit is written without its number.
        let unit = span
            .strip_prefix('1')
            .filter(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()));
        write!(f, "{}/{}", self.count, unit.unwrap_or(&span))
    }
}

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Rate, BadRate> {
        let parse = || {
            let (count, span) = text.trim().split_once('/')?;
            let span = span.trim();
            let span = match span.starts_with(|letter: char| letter.is_ascii_digit()) {
                true => parse_span(span)?,
                false => parse_span(&format!("1{span}"))?,
            };
            let rate = Rate::new(count.trim().parse().ok()?, span);
            rate.is_valid().then_some(rate)
        };
        parse().ok_or_else(|| BadRate(text.to_owned()))
    }
}

/// A text that is no rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRate(String);

impl BadRate {
    /// What to write instead.
    pub(crate) const SUGGESTION: &'static str =
        "write a number of records and a unit of time (ms, s, m, h or d), such as \"100/s\" or \"1/10s\"";

    /// Says what is wrong, without what to do.
    pub(crate) fn message(&self) -> String {
        format!("`{}` is not a rate", self.0)
    }
}

impl fmt::Display for BadRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message(), BadRate::SUGGESTION)
    }
}

impl std::error::Error for BadRate {}

/// What to write for a stretch of time.
pub(crate) const BAD_SPAN: &str = "write a whole number and a unit (ms, s, m, h or d), at most a week, such as \"1s\"";

/// Reads a stretch of time: a whole number and a unit.
pub(crate) fn parse_span(text: &str) -> Option<Duration> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start();
    let (_, unit_ms) = UNITS.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    let span = Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(unit_ms)?);
    is_valid_span(span).then_some(span)
}

/// Writes a stretch of time so that it can be read.
pub(crate) fn span_text(span: Duration) -> String {
    let ms = span.as_millis();
    let fits = |(_, unit_ms): &(&str, u64)| ms > 0 && ms.is_multiple_of(u128::from(*unit_ms));
    match UNITS.into_iter().find(fits) {
        Some((name, unit_ms)) => format!("{}{name}", ms / u128::from(unit_ms)),
        None => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rates and stretches of time are read in every unit, and what is printed is read as the same.
    #[test]
    fn reads_what_it_prints() {
        for (text, count, ms) in [
            ("100/s", 100, 1_000),
            ("1/10s", 1, 10_000),
            (" 7 / 250ms ", 7, 250),
            ("5/M", 5, 60_000),
            ("3/h", 3, 3_600_000),
            ("2/7d", 2, 7 * 86_400_000),
            ("4/90s", 4, 90_000),
        ] {
            let rate = Rate::new(count, Duration::from_millis(ms));
            assert_eq!(text.parse(), Ok(rate), "{text}");
            assert_eq!(rate.to_string().parse(), Ok(rate), "{rate}");
        }
        assert_eq!(Rate::per_second(1).to_string(), "1/s");
        assert_eq!(Rate::new(1, Duration::from_secs(10)).to_string(), "1/10s");
    }

    /// What is no rate, or never lets anything through, or lasts longer than a week, is refused.
    #[test]
    fn refuses_other_text() {
        for text in [
            "",
            "100",
            "/s",
            "100/",
            "0/s",
            "-1/s",
            "1.5/s",
            "100/parsec",
            "1/0s",
            "1/8d",
            "1/s/s",
            "99999999/s",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        for text in ["", "1", "s", "0s", "-1s", "1.5s", "8d", "99999999999999999999s"] {
            assert_eq!(parse_span(text), None, "{text}");
        }
    }
}
