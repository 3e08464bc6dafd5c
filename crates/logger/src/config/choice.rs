//! Words to choose from: enums whose variants have a written name.
//!
//! One declaration gives the enum, its name both ways, and the list that the reader, the schema and the error text use,
//! so the three cannot drift apart.

use std::fmt;

use super::suggest;

/// An enum of which each variant has a written name.
pub(crate) trait Choice: Copy + 'static {
    /// What one of them is called, in the singular: `format`.
    const WHAT: &'static str;
    /// The names, in the order of [`Choice::ALL`].
    const NAMES: &'static [&'static str];
    /// The variants, in the order of declaration.
    const ALL: &'static [Self];
    /// A remark for who chose wrongly; may be empty.
    const HINT: &'static str;

    /// Finds the variant of that name, in any case.
    fn find(text: &str) -> Result<Self, UnknownName> {
        let given = text.trim();
        let mut both = Self::NAMES.iter().zip(Self::ALL);
        match both.find(|(name, _)| name.eq_ignore_ascii_case(given)) {
            Some((_, value)) => Ok(*value),
            None => Err(UnknownName {
                what: Self::WHAT,
                given: text.to_owned(),
                names: Self::NAMES,
                hint: Self::HINT,
            }),
        }
    }
}

/// A text that is none of the words to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    what: &'static str,
    given: String,
    names: &'static [&'static str],
    hint: &'static str,
}

impl UnknownName {
    /// Says what is wrong, without what to do.
    pub(crate) fn message(&self) -> String {
        format!("unknown {} `{}`", self.what, self.given)
    }

    /// Says what to write instead.
    pub(crate) fn suggestion(&self) -> String {
        let names = self.names.join(", ");
        let hint = self.hint;
        match suggest::nearest(&self.given, self.names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? It is one of {names}{hint}"),
            None => format!("it is one of {names}{hint}"),
        }
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message(), self.suggestion())
    }
}

impl std::error::Error for UnknownName {}

/// Declares an enum that is a [`Choice`], with `ALL`, `name`, `Display` and `FromStr` (any case).
macro_rules! choices {
    (
        $(#[$meta:meta])*
        $name:ident, $what:literal $(, hint $hint:literal)?;
        $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+
    ) => {
        $(#[$meta])*
        ///
        /// # Examples
        /// ```
        /// # use hydra_logger::{config::*, guarantee::*};
        #[doc = concat!("assert_eq!(\"", $crate::config::choice::first!($($text),+), "\".parse(), Ok(",
            stringify!($name), "::", $crate::config::choice::first!($(stringify!($variant)),+), "));")]
        #[doc = concat!("let names: Vec<_> = ", stringify!($name), "::ALL.iter().map(|one| one.name()).collect();")]
        #[doc = concat!("assert_eq!(names, [", $("\"", $text, "\", ",)+ "]);")]
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// All of them, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// Returns the name as it is written in a configuration.
            pub const fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)+
                }
            }
        }

        impl $crate::config::choice::Choice for $name {
            const WHAT: &'static str = $what;
            const NAMES: &'static [&'static str] = &[$($text),+];
            const ALL: &'static [$name] = $name::ALL;
            const HINT: &'static str = concat!("" $(, $hint)?);
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::config::UnknownName;

            /// Reads the name, in any case.
            fn from_str(text: &str) -> Result<$name, $crate::config::UnknownName> {
                <$name as $crate::config::choice::Choice>::find(text)
            }
        }
    };
}

/// The first of several.
macro_rules! first {
    ($first:expr $(, $_rest:expr)*) => {
        $first
    };
}

pub(crate) use {choices, first};
