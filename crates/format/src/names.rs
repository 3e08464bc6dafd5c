//! Names that are used once only.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use hydra_record::Record;

use crate::scan::append;

/// How many names are compared one by one, without allocating.
const FEW: usize = 16;

/// Gives each field a name that no earlier field of the same record has: the second `a` becomes `a_2`.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    /// All names are known to be free and fit to be written.
    simple: bool,
    len_max: usize,
    few: Option<Few<'a>>,
    many: Option<Box<Many<'a>>>,
}

/// The first names.
#[derive(Debug, Default)]
struct Few<'a> {
    names: [&'a str; FEW],
    count: usize,
    /// One bit for each kind of name so far: a name of a new kind need not be compared with any.
    kinds: u64,
}

/// All names so far, and for each that came twice the number to try next.
#[derive(Debug, Default)]
struct Many<'a> {
    taken: HashSet<Cow<'a, str>>,
    next: HashMap<String, u32>,
}

impl<'a> Names<'a> {
    #[inline]
    pub(crate) fn new() -> Names<'a> {
        Names::within(usize::MAX)
    }

    /// Makes names of `len_max` bytes at most; those claimed must be ASCII and no longer.
    #[inline]
    pub(crate) fn within(len_max: usize) -> Names<'a> {
        Names {
            simple: false,
            len_max,
            few: None,
            many: None,
        }
    }

    /// Spares all work where no name but those of `record` will be claimed, and a format's own, and all are simple.
    #[inline]
    pub(crate) fn of(self, record: &Record<'_>) -> Names<'a> {
        Names {
            simple: record.has_simple_names(),
            ..self
        }
    }

    /// Writes what stands for `name`: what `clean` makes of it if it has characters that cannot stay, and a number at
    /// its end if it is taken.
    #[inline]
    pub(crate) fn put(
        &mut self,
        name: &'a str,
        clean: impl FnOnce(&'a str) -> Option<Cow<'a, str>>,
        out: &mut Vec<u8>,
    ) {
        if self.simple {
            return append(name.as_bytes(), out);
        }
        let other = self.claim(name, clean(name));
        append(other.as_deref().unwrap_or(name).as_bytes(), out);
    }

    /// Takes names that the format uses itself.
    pub(crate) fn reserve(&mut self, names: &[&'static str]) {
        if !self.simple {
            names.iter().for_each(|name| drop(self.claim(name, None)));
        }
    }

    /// Returns what to write instead of `name`, if anything.
    fn claim(&mut self, name: &'a str, cleaned: Option<Cow<'a, str>>) -> Option<Cow<'a, str>> {
        match cleaned {
            None if self.admits(name) => None,
            None => Some(self.rename(Cow::Borrowed(name))),
            Some(Cow::Borrowed(other)) if self.admits(other) => cleaned,
            Some(other) => Some(self.rename(other)),
        }
    }

    /// Takes in a name, if it is one of the first few and differs from them.
    fn admits(&mut self, name: &'a str) -> bool {
        let few = self.few.get_or_insert_default();
        let kind = kind_of(name);
        if self.many.is_some() || (few.kinds & kind != 0 && few.known().contains(&name)) {
            return false;
        }
        let Some(place) = few.names.get_mut(few.count) else {
            return false;
        };
        *place = name;
        few.count += 1;
        few.kinds |= kind;
        true
    }

    #[cold]
    fn rename(&mut self, name: Cow<'a, str>) -> Cow<'a, str> {
        let known = self.few.as_ref().map(Few::known).unwrap_or_default();
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

impl<'a> Few<'a> {
    fn known(&self) -> &[&'a str] {
        self.names.get(..self.count).unwrap_or_default()
    }
}

/// Makes one word of a text for formats that allow few characters: what is not allowed becomes `_`, what is too long is
/// cut, and nothing at all becomes `_`. `None` if the text is a word already.
pub(crate) fn cleaned(text: &str, bytes_max: usize, allowed: impl Fn(u8) -> bool) -> Option<Cow<'_, str>> {
    if text.is_empty() {
        return Some(Cow::Borrowed("_"));
    }
    if text.len() <= bytes_max && text.bytes().all(&allowed) {
        return None;
    }
    let clean = |letter: char| {
        u8::try_from(letter)
            .ok()
            .filter(|&byte| allowed(byte))
            .map_or('_', char::from)
    };
    Some(Cow::Owned(text.chars().take(bytes_max).map(clean).collect()))
}

/// Returns the bit of a name's kind, made from its length and its ends.
#[inline]
fn kind_of(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let (first, last) = (
        bytes.first().copied().unwrap_or_default(),
        bytes.last().copied().unwrap_or_default(),
    );
    1 << ((usize::from(first) * 5 + usize::from(last) + bytes.len() * 11) % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(len_max: usize, names: &[&str]) -> Vec<String> {
        let mut claimed = Names::within(len_max);
        let claim = |&name| claimed.claim(name, None).map_or(name.to_owned(), Cow::into_owned);
        names.iter().map(claim).collect()
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

    /// A cleaned name is held against the others like any, allocated or not.
    #[test]
    fn cleaned_names_are_distinct_too() {
        let mut names = Names::new();
        assert_eq!(names.claim("id", Some("id_".into())), Some("id_".into()));
        assert_eq!(names.claim("id_", None), Some("id__2".into()));
        assert_eq!(
            names.claim("a b", Some(Cow::Owned("a_b".to_owned()))),
            Some("a_b".into())
        );
        assert_eq!(names.claim("a_b", None), Some("a_b_2".into()));
        assert_eq!(names.claim("free", None).as_deref().unwrap_or("free"), "free");
    }
}
