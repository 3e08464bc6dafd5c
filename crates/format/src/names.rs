//! Names that are used once only.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// How many names are compared one by one, without allocating.
const FEW: usize = 16;

/// Gives each field a name that no earlier field of the same record has: the second `a` becomes `a_2`.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    few: [&'a str; FEW],
    count: usize,
    len_max: usize,
    many: Option<Box<Many<'a>>>,
}

/// All names so far, and for each that came twice the number to try next.
#[derive(Debug, Default)]
struct Many<'a> {
    taken: HashSet<Cow<'a, str>>,
    next: HashMap<String, u32>,
}

impl<'a> Names<'a> {
    pub(crate) fn new() -> Names<'a> {
        Names::within(usize::MAX)
    }

    /// Makes names of `len_max` bytes at most; those claimed must be ASCII and no longer.
    pub(crate) fn within(len_max: usize) -> Names<'a> {
        Names {
            few: [""; FEW],
            count: 0,
            len_max,
            many: None,
        }
    }

    /// Returns `name`, or with a number at its end if it is taken.
    #[inline]
    pub(crate) fn claim(&mut self, name: Cow<'a, str>) -> Cow<'a, str> {
        if let (None, Cow::Borrowed(borrowed)) = (&self.many, &name) {
            let known = self.few.get(..self.count).unwrap_or_default();
            if !known.contains(borrowed)
                && let Some(place) = self.few.get_mut(self.count)
            {
                *place = borrowed;
                self.count += 1;
                return name;
            }
        }
        self.claim_among_many(name)
    }

    #[cold]
    fn claim_among_many(&mut self, name: Cow<'a, str>) -> Cow<'a, str> {
        let known = self.few.get(..self.count).unwrap_or_default();
        let many = self.many.get_or_insert_with(|| {
            let taken = known.iter().map(|&name| Cow::Borrowed(name)).collect();
            Box::new(Many {
                taken,
                next: HashMap::new(),
            })
        });
        if many.taken.insert(name.clone()) {
            return name;
        }
        let next = many.next.entry(name.as_ref().to_owned()).or_insert(2);
        loop {
            let suffix = format!("_{next}");
            *next += 1;
            let stem = name
                .get(..name.len().min(self.len_max.saturating_sub(suffix.len())))
                .unwrap_or(&name);
            let candidate = format!("{stem}{suffix}");
            if many.taken.insert(Cow::Owned(candidate.clone())) {
                return Cow::Owned(candidate);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(len_max: usize, names: &[&str]) -> Vec<String> {
        let mut claimed = Names::within(len_max);
        names
            .iter()
            .map(|&name| claimed.claim(name.into()).into_owned())
            .collect()
    }

    /// No name is given twice, whether the numbered one comes before or after the one it is made from.
    #[test]
    fn numbers_the_later_ones() {
        assert_eq!(
            claimed(99, &["a", "a", "b", "a", "a_2"]),
            ["a", "a_2", "b", "a_3", "a_2_2"]
        );
        assert_eq!(claimed(99, &["a", "a_2", "a"]), ["a", "a_2", "a_3"]);
        assert_eq!(claimed(99, &["", ""]), ["", "_2"]);
        assert_eq!(
            claimed(4, &["abcd", "abcd", "ab_2", "abcd"]),
            ["abcd", "ab_2", "ab_3", "ab_4"]
        );
    }

    /// Thousands of names, all the same, take no quadratic time and stay distinct.
    #[test]
    fn copes_with_many() {
        let given = claimed(99, &["x"; 5000]);
        assert_eq!(given.iter().collect::<HashSet<_>>().len(), 5000);
        assert_eq!(given[4999], "x_5000");
    }
}
