//! Numbers as text, as `std`'s `Display` gives it, several times faster.

use std::fmt::Write as _;

use crate::digits::{self, PLACE_BYTES};
use crate::record::TextOut;

/// The most decimals that [`fixed`] renders without `std`.
const FAST_DECIMALS_MAX: usize = 9;

/// Writes `value` as `{}` does: the shortest text that reads back as the same number, never with an exponent.
///
/// Where two texts are equally short and equally near, the last digit may differ from `std`'s.
#[inline]
pub fn shortest<W: TextOut + ?Sized>(value: f64, out: &mut W) {
    let mut place = [0; PLACE_BYTES];
    match digits::float(value, &mut place) {
        Some((len, _)) => out.bare(place.get(..len).unwrap_or_default()),
        None => slow(format_args!("{value}"), out),
    }
}

/// Writes `value` as `{:.decimals}` does: correctly rounded from its exact binary value, ties to even.
pub fn fixed<W: TextOut + ?Sized>(value: f64, decimals: usize, out: &mut W) {
    match scaled(value, decimals) {
        Some((whole, fraction)) => {
            let mut place = [0; PLACE_BYTES];
            if value.is_sign_negative() {
                out.bare(b"-");
            }
            let len = digits::unsigned(whole, &mut place);
            out.bare(place.get(..len).unwrap_or_default());
            if decimals > 0 {
                const ZEROS: &[u8] = b"000000000";
                let len = digits::unsigned(fraction, &mut place);
                out.bare(b".");
                out.bare(ZEROS.get(..decimals.saturating_sub(len)).unwrap_or_default());
                out.bare(place.get(..len).unwrap_or_default());
            }
        }
        None => slow(format_args!("{value:.decimals$}"), out),
    }
}

/// Splits |value| into whole part and `decimals` digits of fraction; `None` where 128 bits do not hold the exact value.
///
/// The number is m * 2^-s with m < 2^53, so m * 10^decimals < 2^83 is exact and one shift rounds it correctly.
fn scaled(value: f64, decimals: usize) -> Option<(u64, u64)> {
    if !value.is_finite() || decimals > FAST_DECIMALS_MAX {
        return None;
    }
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7FF) as i32;
    let mantissa = (bits & ((1 << 52) - 1)) | if exponent == 0 { 0 } else { 1 << 52 };
    let shift = 1075 - exponent.max(1);
    if !(1..=120).contains(&shift) {
        return None;
    }
    let power = 10u64.pow(decimals as u32);
    let exact = u128::from(mantissa) * u128::from(power);
    let (mut quotient, rest) = (exact >> shift, exact & ((1u128 << shift) - 1));
    let half = 1u128 << (shift - 1);
    if rest > half || (rest == half && quotient & 1 == 1) {
        quotient += 1;
    }
    let quotient = u64::try_from(quotient).ok()?;
    Some((quotient / power, quotient % power))
}

/// Writes through `std`.
pub(crate) fn slow<W: TextOut + ?Sized>(text: std::fmt::Arguments<'_>, out: &mut W) {
    let mut buffer = String::new();
    // Writing into a String cannot fail; a Display of ours does not either.
    let _ = buffer.write_fmt(text);
    out.bare(buffer.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(state: &mut u64) -> u64 {
        *state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        let mixed = (*state ^ (*state >> 33)).wrapping_mul(0xff51afd7ed558ccd);
        mixed ^ (mixed >> 29)
    }

    fn check(value: f64) {
        let mut text = String::new();
        shortest(value, &mut text);
        let expected = format!("{value}");
        assert_eq!(text.len(), expected.len(), "{text} for {expected}");
        assert!(text == expected || text.parse() == Ok(value), "{text} for {expected}");
        for decimals in [0, 1, 2, 3, 6, 9, 12] {
            let mut text = String::new();
            fixed(value, decimals, &mut text);
            assert_eq!(text, format!("{value:.decimals$}"), "{value:e} with {decimals}");
        }
    }

    /// Both routines give exactly the text of `std`, for ties, extremes and 200,000 random numbers of every size.
    #[test]
    fn same_text_as_std() {
        for value in [
            0.0, -0.0, 0.5, 1.5, 2.5, 0.125, 1.005, 0.045, 1e15, 1e16, 1e21, 123456.789, 1e-5, 9.999999, 99.995,
        ] {
            check(value);
            check(-value);
        }
        for value in [
            f64::NAN,
            f64::INFINITY,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            f64::EPSILON,
        ] {
            check(value);
        }
        let mut state = 20261123;
        for _ in 0..50_000 {
            let bits = random(&mut state);
            check(f64::from_bits(bits));
            check((bits % 1_000_000_007) as f64 / 1000.0);
            check((bits % 1_000_000_007) as f64 / 1000.0 * 1.000_000_000_000_001);
            check((bits >> 13) as f64 / 1000.0);
        }
    }
}
