//! The nearest valid word to a mistyped one.

/// The most letters a word may have to be compared: the work grows with the product of both lengths.
const LETTERS_MAX: usize = 64;

/// Returns the candidate that `given` was most likely meant to be, if one is near enough to be worth naming.
///
/// Case and the difference between `-` and `_` cost nothing. A third of the letters may be wrong, at least one and at
/// most three; a word that is a part of a single candidate (`text` of `plain-text`) is also near.
pub(crate) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = folded(given);
    if given.len() > LETTERS_MAX {
        return None;
    }
    let allowed = (given.len() / 3).clamp(1, 3);
    let mut best: Option<(usize, &'a str)> = None;
    let mut parts = Vec::new();
    for candidate in candidates {
        let word = folded(candidate);
        let distance = distance(&given, &word);
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
        if given.len() >= 3 && word.windows(given.len()).any(|part| part == given) {
            parts.push(candidate);
        }
    }
    match (best, parts.as_slice()) {
        (Some((_, candidate)), _) => Some(candidate),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

fn folded(text: &str) -> Vec<char> {
    let fold = |letter: char| {
        if letter == '-' {
            '_'
        } else {
            letter.to_ascii_lowercase()
        }
    };
    text.trim().chars().map(fold).collect()
}

/// Counts the letters to insert, remove, replace or swap with their neighbour (optimal string alignment).
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    let mut from_before = None;
    for (row, &letter) in from.iter().enumerate() {
        let mut current = Vec::with_capacity(last.len());
        current.push(row + 1);
        let mut to_before = None;
        for (column, &other) in to.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut cost = (at(&last, column) + usize::from(letter != other))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            if column > 0 && from_before == Some(other) && to_before == Some(letter) {
                cost = cost.min(at(&before_last, column - 1) + 1);
            }
            current.push(cost);
            to_before = Some(other);
        }
        before_last = last;
        last = current;
        from_before = Some(letter);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(from: &str, to: &str) -> usize {
        distance(&folded(from), &folded(to))
    }

    /// Insertions, removals, replacements and swaps of neighbours cost one each.
    #[test]
    fn counts_edits() {
        assert_eq!(cost("", "abc"), 3);
        assert_eq!(cost("levle", "level"), 1);
        assert_eq!(cost("kitten", "sitting"), 3);
        assert_eq!(cost("PLAIN_TEXT", "plain-text"), 0);
    }

    /// A slip of the finger finds its word; a different word finds none.
    #[test]
    fn finds_what_was_meant() {
        let keys = ["level", "destinations", "default_level", "plain-text"];
        assert_eq!(nearest("levl", keys), Some("level"));
        assert_eq!(nearest("defualt_level", keys), Some("default_level"));
        assert_eq!(nearest("text", keys), Some("plain-text"));
        assert_eq!(nearest("color", keys), None);
        assert_eq!(nearest(&"x".repeat(1000), keys), None);
    }
}
