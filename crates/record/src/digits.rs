//! Numbers as text in a place of fixed size, eight digits at a time.
//!
//! Copying a number's text then needs no loop and no call: the whole place is copied, and only its length differs.

/// Room for any number that `unsigned`, `signed` and `float` write.
pub const PLACE_BYTES: usize = 32;

/// What a number is written to.
pub type Place = [u8; PLACE_BYTES];

/// Writes a number to the front of `place`; returns its length.
#[inline]
pub fn unsigned(number: u64, place: &mut Place) -> usize {
    unsigned_at(number, 0, place)
}

/// Likewise, a number that may be negative.
#[inline]
pub(crate) fn signed(number: i64, place: &mut Place) -> usize {
    place[0] = b'-';
    unsigned_at(number.unsigned_abs(), usize::from(number < 0), place)
}

/// Writes a floating-point number as `{}` shows it, if that is short; returns its length, and whether it has decimals.
///
/// Where two texts are equally short and equally near, the last digit may differ from `std`'s.
#[inline(always)]
pub(crate) fn float(value: f64, place: &mut Place) -> Option<(usize, bool)> {
    let size = value.abs();
    match thousandths(size) {
        Some(thousandths) => Some(put_thousandths(value.is_sign_negative(), thousandths, place)),
        // Outside this range the fast routine writes an exponent, which `Display` never does.
        None if (1e-4..1e15).contains(&size) => Some(put_shortest(value, place)),
        None => None,
    }
}

#[inline(never)]
fn put_shortest(value: f64, place: &mut Place) -> (usize, bool) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    let whole = text.strip_suffix(".0");
    let text = whole.unwrap_or(text).as_bytes();
    place.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
    (text.len(), whole.is_none())
}

/// Returns how many thousandths `size` is, if it is the number nearest to so many, as most numbers in logs are.
///
/// These have 15 digits at most. As no two numbers of so few digits have the same nearest `f64`, a shorter text than
/// theirs cannot read back as `size`.
#[inline]
fn thousandths(size: f64) -> Option<u64> {
    let whole = (size * 1000.0 + 0.5) as i64;
    (size < 1e12 && whole as f64 / 1000.0 == size).then_some(whole as u64)
}

#[inline]
fn put_thousandths(negative: bool, number: u64, place: &mut Place) -> (usize, bool) {
    place[0] = b'-';
    let at = usize::from(negative);
    // Of the last eight digits, five are whole and three are decimals.
    let (end, last) = if number < EIGHT_DIGITS {
        let digits = eight_digits(number);
        (put_leading_of(digits & 0xFF_FFFF_FFFF, 5, at, place), digits)
    } else {
        (unsigned_at(number / 1000, at, place), eight_digits(number % 1000))
    };
    let decimals = last >> 40;
    put_word((decimals | ZEROS) << 8 | u64::from(b'.'), end, place);
    let count = 3 - (decimals << 40).leading_zeros().min(24) as usize / 8;
    (end + count + usize::from(count > 0), count > 0)
}

/// Writes a number from `at` on; returns its end.
#[inline]
fn unsigned_at(number: u64, at: usize, place: &mut Place) -> usize {
    if number < EIGHT_DIGITS {
        return put_leading(number, at, place);
    }
    unsigned_long_at(number, at, place)
}

#[inline(never)]
fn unsigned_long_at(number: u64, at: usize, place: &mut Place) -> usize {
    let (high, low) = (number / EIGHT_DIGITS, number % EIGHT_DIGITS);
    let end = if high < EIGHT_DIGITS {
        put_leading(high, at, place)
    } else {
        let end = put_leading(high / EIGHT_DIGITS, at, place);
        put_word(eight_digits(high % EIGHT_DIGITS) | ZEROS, end, place);
        end + 8
    };
    put_word(eight_digits(low) | ZEROS, end, place);
    end + 8
}

/// Writes a number of up to eight digits without leading zeros; returns its end.
#[inline]
fn put_leading(number: u64, at: usize, place: &mut Place) -> usize {
    put_leading_of(eight_digits(number), 8, at, place)
}

/// Likewise, of the first `count` digits; the last of them stays, even if it is a zero.
#[inline]
fn put_leading_of(digits: u64, count: u32, at: usize, place: &mut Place) -> usize {
    let skipped = (digits | 1 << (8 * count - 8)).trailing_zeros() & !7;
    put_word((digits | ZEROS) >> skipped, at, place);
    at + (count - skipped / 8) as usize
}

#[inline]
fn put_word(word: u64, at: usize, place: &mut Place) {
    if let Some(to) = place.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<8>()) {
        *to = word.to_le_bytes();
    }
}

/// Returns the eight decimal digits of a number below 100,000,000, the first one lowest, each in a byte.
///
/// The digits are halved three times, all parts at once: each lane of the word becomes two of half the width.
#[inline]
pub fn eight_digits(number: u64) -> u64 {
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x7F_0000_007F;
    let twos = hundreds | (fours - hundreds * 100) << 16;
    let tens = ((twos * 103) >> 10) & 0x000F_000F_000F_000F;
    tens | (twos - tens * 10) << 8
}

const EIGHT_DIGITS: u64 = 100_000_000;
/// What makes digits of [`eight_digits`] ASCII.
pub const ZEROS: u64 = 0x3030_3030_3030_3030;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(put: impl FnOnce(&mut Place) -> usize) -> String {
        let mut place = [b'?'; PLACE_BYTES];
        let len = put(&mut place);
        String::from_utf8_lossy(&place[..len]).into_owned()
    }

    /// Whole numbers of every length are written as `std` writes them, at the edges and between them.
    #[test]
    fn same_text_as_std() {
        for power in 0..20 {
            let edge = 10u64.pow(power);
            for number in [
                edge - 1,
                edge,
                edge + 1,
                edge / 3,
                edge.wrapping_mul(7) / 9,
                u64::MAX - edge,
            ] {
                assert_eq!(text(|place| unsigned(number, place)), number.to_string());
                for signed_number in [number as i64, (number as i64).wrapping_neg()] {
                    assert_eq!(text(|place| signed(signed_number, place)), signed_number.to_string());
                }
            }
        }
        for number in [i64::MIN, i64::MAX] {
            assert_eq!(text(|place| signed(number, place)), number.to_string());
        }
        for number in (0..EIGHT_DIGITS).step_by(997).chain(0..20_000) {
            assert_eq!(text(|place| unsigned(number, place)), number.to_string());
        }
    }
}
