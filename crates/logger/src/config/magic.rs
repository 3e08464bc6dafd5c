//! Magic configurations: whole configurations by name.
//!
//! Nine are built in; a program may register its own, and they are known to the whole process. A function that makes
//! one runs only when the configuration is asked for.
//!
//! # Examples
//! ```
//! use hydra_logger::config::{LogLayer, LoggingConfig, magic};
//! use hydra_record::Level;
//! # fn main() -> Result<(), hydra_logger::error::Error> {
//! magic::register("my_team", "What my team uses.", || {
//!     LoggingConfig::builder().layer("TEAM", LogLayer::new(Level::Debug)).build()
//! })?;
//! assert!(magic::has("my_team") && magic::has("production"));
//! assert_eq!(magic::config("my_team")?.level_of("TEAM"), Some(Level::Debug));
//! assert!(magic::unregister("my_team"));
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use hydra_os::atomic::{Mutex, MutexGuard};

use super::presets::PRESETS;
use super::{LoggingConfig, suggest};
use crate::error::{Error, ErrorKind};
use crate::global::MAGIC;

/// Makes a configuration.
type Make = Arc<dyn Fn() -> Result<LoggingConfig, Error> + Send + Sync>;

#[derive(Clone)]
struct Entry {
    description: String,
    make: Make,
}

/// Configurations by name, to be shared by threads. The process has one, behind the functions of this module.
pub struct Registry {
    entries: Mutex<BTreeMap<String, Entry>>,
}

impl Default for Registry {
    fn default() -> Registry {
        Registry::with_built_ins()
    }
}

impl Registry {
    /// Makes a registry that knows the built-in configurations.
    pub fn with_built_ins() -> Registry {
        let registry = Registry {
            entries: Mutex::new(BTreeMap::new()),
        };
        registry.restore();
        registry
    }

    /// Adds a configuration, or replaces the one of that name.
    ///
    /// # Errors
    /// If the name is blank.
    pub fn register(
        &self,
        name: impl Into<String>,
        description: impl Into<String>,
        make: impl Fn() -> Result<LoggingConfig, Error> + Send + Sync + 'static,
    ) -> Result<(), Error> {
        let name = name.into();
        if name.trim().is_empty() {
            let error = Error::new(ErrorKind::Configuration, "register a magic configuration");
            return Err(error
                .because("its name is blank")
                .advise("give it a name, such as `my_team`"));
        }
        let entry = Entry {
            description: description.into(),
            make: Arc::new(make),
        };
        self.entries().insert(name, entry);
        Ok(())
    }

    /// Makes the configuration of that name.
    ///
    /// # Errors
    /// If there is none, or if it cannot be made; the cause is kept.
    pub fn config(&self, name: &str) -> Result<LoggingConfig, Error> {
        let make = self.entries().get(name).map(|entry| Arc::clone(&entry.make));
        let error = Error::new(ErrorKind::Configuration, "use the magic configuration").at(name);
        let Some(make) = make else {
            let known = self.list();
            let near = suggest::nearest(name, known.keys().map(String::as_str));
            let near = near.map_or(String::new(), |near| format!("did you mean `{near}`? "));
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            let names = if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            };
            return Err(error
                .because("there is none of that name")
                .advise(format!("{near}known are: {names}")));
        };
        // No lock is held here: the function may itself ask for another configuration.
        make().map_err(|cause| error.from_source(cause))
    }

    /// Returns all names, sorted, with their descriptions.
    pub fn list(&self) -> BTreeMap<String, String> {
        self.entries()
            .iter()
            .map(|(name, entry)| (name.clone(), entry.description.clone()))
            .collect()
    }

    /// Whether there is a configuration of that name.
    pub fn has(&self, name: &str) -> bool {
        self.entries().contains_key(name)
    }

    /// Removes a configuration; false if there was none of that name.
    pub fn unregister(&self, name: &str) -> bool {
        self.entries().remove(name).is_some()
    }

    /// Removes all, the built-in ones too; [`restore`](Registry::restore) brings those back.
    pub fn clear(&self) {
        self.entries().clear();
    }

    /// Puts the built-in configurations back, in place of others of their names.
    pub fn restore(&self) {
        let built_in = PRESETS.into_iter().map(|(name, description, make)| {
            (
                name.to_owned(),
                Entry {
                    description: description.to_owned(),
                    make: Arc::new(make),
                },
            )
        });
        self.entries().extend(built_in);
    }

    /// A map is whole after each of its operations, so a panic elsewhere does not spoil it.
    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds a configuration for the whole process, or replaces the one of that name.
///
/// # Errors
/// If the name is blank.
pub fn register(
    name: impl Into<String>,
    description: impl Into<String>,
    make: impl Fn() -> Result<LoggingConfig, Error> + Send + Sync + 'static,
) -> Result<(), Error> {
    MAGIC.register(name, description, make)
}

/// Makes the configuration of that name.
///
/// # Errors
/// If there is none, or if it cannot be made; the cause is kept.
pub fn config(name: &str) -> Result<LoggingConfig, Error> {
    MAGIC.config(name)
}

/// Returns all names, sorted, with their descriptions.
pub fn list() -> BTreeMap<String, String> {
    MAGIC.list()
}

/// Whether there is a configuration of that name.
pub fn has(name: &str) -> bool {
    MAGIC.has(name)
}

/// Removes a configuration; false if there was none of that name.
pub fn unregister(name: &str) -> bool {
    MAGIC.unregister(name)
}

/// Removes all, the built-in ones too; [`restore`] brings those back.
pub fn clear() {
    MAGIC.clear();
}

/// Puts the built-in configurations back, in place of others of their names.
pub fn restore() {
    MAGIC.restore();
}

/// Returns a configuration as a TOML file that explains its keys, ready to be changed.
///
/// # Errors
/// As [`config`].
pub fn toml_with_comments(name: &str) -> Result<String, Error> {
    let description = list().remove(name).unwrap_or_default();
    let config = config(name)?;
    Ok(format!(
        "# Hydra-Logger, from the preset `{name}`.\n# {description}\n\n{}",
        config.to_commented_toml()
    ))
}
