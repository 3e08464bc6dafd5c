//! Magic configurations: whole configurations by name.
//!
//! Nine are built in; a program may register its own, and they are known to the whole process. A function that makes
//! one runs only when the configuration is asked for.
//!
//! # Examples
//! ```
//! use hydra_logger::config::{LogLayer, LoggingConfig, magic};
//! use hydra_logger::Level;
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
use std::fmt;
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
///
/// # Examples
/// ```
/// use hydra_logger::LoggingConfig;
/// use hydra_logger::config::magic::Registry;
///
/// let registry = Registry::with_built_ins();
/// registry.register("ours", "What we use.", || Ok(LoggingConfig::default()))?;
/// assert!(registry.has("ours") && registry.list()["ours"] == "What we use.");
/// assert!(registry.config("ours").is_ok() && registry.unregister("ours"));
/// registry.clear();
/// assert!(registry.config("production").is_err());
/// registry.restore();
/// assert!(registry.has("production"));
/// # Ok::<(), hydra_logger::Error>(())
/// ```
pub struct Registry {
    entries: Mutex<BTreeMap<String, Entry>>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.list()).finish()
    }
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
///
/// # Examples
/// ```
/// use hydra_logger::config::magic;
/// use hydra_logger::{Level, LogLayer, LoggingConfig};
///
/// magic::register("verbose", "Everything, to the console.", || {
///     LoggingConfig::builder().default_level(Level::Trace).layer("APP", LogLayer::default()).build()
/// })?;
/// assert_eq!(magic::config("verbose")?.default_level, Level::Trace);
/// # Ok::<(), hydra_logger::Error>(())
/// ```
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
///
/// # Examples
/// ```
/// use hydra_logger::config::magic;
///
/// assert!(magic::config("production")?.layers.contains_key("PERFORMANCE"));
/// let error = magic::config("produktion").unwrap_err().to_string();
/// assert!(error.contains("did you mean `production`?"), "{error}");
/// # Ok::<(), hydra_logger::Error>(())
/// ```
pub fn config(name: &str) -> Result<LoggingConfig, Error> {
    MAGIC.config(name)
}

/// Returns all names, sorted, with their descriptions.
///
/// # Examples
/// ```
/// for (name, description) in hydra_logger::magic::list() {
///     println!("{name}: {description}");
/// }
/// ```
pub fn list() -> BTreeMap<String, String> {
    MAGIC.list()
}

/// Whether there is a configuration of that name.
///
/// # Examples
/// ```
/// assert!(hydra_logger::magic::has("production"));
/// ```
pub fn has(name: &str) -> bool {
    MAGIC.has(name)
}

/// Removes a configuration; false if there was none of that name.
///
/// # Examples
/// ```
/// use hydra_logger::{LoggingConfig, magic};
///
/// magic::register("short_lived", "For this example.", || Ok(LoggingConfig::default()))?;
/// assert!(magic::unregister("short_lived") && !magic::unregister("short_lived"));
/// # Ok::<(), hydra_logger::Error>(())
/// ```
pub fn unregister(name: &str) -> bool {
    MAGIC.unregister(name)
}

/// Removes all, the built-in ones too; [`restore`] brings those back.
///
/// # Examples
/// ```standalone_crate
/// use hydra_logger::magic;
///
/// magic::clear();
/// assert!(!magic::has("production"));
/// magic::restore();
/// assert!(magic::has("production"));
/// ```
pub fn clear() {
    MAGIC.clear();
}

/// Puts the built-in configurations back, in place of others of their names.
///
/// # Examples
/// ```standalone_crate
/// use hydra_logger::{LoggingConfig, magic};
///
/// magic::register("production", "One's own.", || Ok(LoggingConfig::default()))?;
/// magic::restore();
/// assert_ne!(magic::list()["production"], "One's own.");
/// # Ok::<(), hydra_logger::Error>(())
/// ```
pub fn restore() {
    MAGIC.restore();
}

/// Returns a configuration as a TOML file that explains its keys, ready to be changed.
///
/// # Errors
/// As [`config`].
///
/// # Examples
/// ```
/// let text = hydra_logger::magic::toml_with_comments("production")?;
/// assert!(text.starts_with("# Hydra-Logger, from the preset `production`."));
/// # Ok::<(), hydra_logger::Error>(())
/// ```
pub fn toml_with_comments(name: &str) -> Result<String, Error> {
    let description = list().remove(name).unwrap_or_default();
    let config = config(name)?;
    Ok(format!(
        "# Hydra-Logger, from the preset `{name}`.\n# {description}\n\n{}",
        config.to_commented_toml()
    ))
}
