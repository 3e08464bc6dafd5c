//! Texts that must not be seen: credentials, connection strings, and what a URL may carry of them.

use std::fmt;

/// A text that is never printed; see [`Secret::reveal`].
///
/// # Examples
/// ```
/// use hydra_logger::config::Secret;
/// let secret = Secret::new("hunter2");
/// assert_eq!(format!("{secret} {secret:?}"), "*** ***");
/// assert_eq!(secret.reveal(), "hunter2");
/// ```
#[derive(Clone)]
pub struct Secret {
    text: String,
    /// The environment variable it was taken from, as a whole.
    variable: Option<String>,
}

impl Secret {
    /// Takes a text to hide.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret {
            text: text.into(),
            variable: None,
        }
    }

    /// Takes a text that was written as `template` before the environment was put in.
    pub(crate) fn with_template(text: &str, template: Option<&str>) -> Secret {
        let variable = template.and_then(whole_variable).map(str::to_owned);
        Secret {
            text: text.to_owned(),
            variable,
        }
    }

    /// Returns the text itself, for the one who sends it.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Returns the environment variable that it is, as a whole, taken from.
    pub(crate) fn variable(&self) -> Option<&str> {
        self.variable.as_deref()
    }
}

/// Returns the name if the template is `${NAME}` and nothing else.
fn whole_variable(template: &str) -> Option<&str> {
    let name = template.strip_prefix("${")?.strip_suffix('}')?;
    let is_name = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    name.chars().all(is_name).then_some(name)
}

impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.text == other.text
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret::new(text)
    }
}

/// An address. Prints without what stands before the `@` of its host, after a `?`, or after a `#`: secrets live there.
///
/// # Examples
/// ```
/// use hydra_logger::config::Url;
/// let url = Url::new("redis://me:hunter2@queue.example.com/0?token=abc");
/// assert_eq!(url.to_string(), "redis://***@queue.example.com/0?***");
/// ```
///
/// ```
/// # use hydra_logger::config::Url;
/// assert_eq!(Url::new("https://logs.example.com").reveal(), "https://logs.example.com");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Url(Secret);

impl Url {
    /// Takes an address.
    pub fn new(text: impl Into<String>) -> Url {
        Url(Secret::new(text))
    }

    /// Takes what was read as a secret.
    pub(crate) fn from_secret(secret: Secret) -> Url {
        Url(secret)
    }

    /// Returns the whole address, for the one who connects.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// Returns the address as a secret, if any part of it is one.
    pub(crate) fn as_secret(&self) -> Option<&Secret> {
        let hides = self.to_string() != self.0.text;
        (hides || self.0.variable.is_some()).then_some(&self.0)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.reveal();
        let (scheme, rest) = match text.find("://") {
            Some(at) => text.split_at(at + 3),
            None => ("", text),
        };
        // Everything up to the last `@` is hidden: a password may itself hold `/`, `?`, `#` or `@`.
        let (hidden, rest) = match rest.rfind('@') {
            Some(at) => ("***@", rest.get(at + 1..).unwrap_or_default()),
            None => ("", rest),
        };
        write!(f, "{scheme}{hidden}")?;
        match rest.find(['?', '#']).map(|at| rest.split_at(at)) {
            Some((shown, query)) => write!(f, "{shown}{}***", query.chars().next().unwrap_or('?')),
            None => f.write_str(rest),
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No part of an address that may be a secret is printed.
    #[test]
    fn urls_hide_their_secrets() {
        let shown = |text: &str| Url::new(text).to_string();
        assert_eq!(shown("https://logs.example.com/a"), "https://logs.example.com/a");
        assert_eq!(shown("https://u:p/w@d@h/a"), "https://***@h/a");
        assert_eq!(shown("https://h/a?key=1#x"), "https://h/a?***");
        assert_eq!(shown("user:pass@host"), "***@host");
        assert!(Url::new("https://h").as_secret().is_none());
        assert!(Url::new("https://u@h").as_secret().is_some());
    }

    /// The variable is kept only when it is the whole text, so that no literal part is printed with it.
    #[test]
    fn remembers_a_whole_variable() {
        let variable = |template| Secret::with_template("x", Some(template)).variable().map(str::to_owned);
        assert_eq!(variable("${TOKEN}"), Some("TOKEN".to_owned()));
        assert_eq!(variable("abc${TOKEN}"), None);
        assert_eq!(variable("${TOKEN:-hunter2}"), None);
        assert_eq!(variable("${A}${B}"), None);
    }
}
