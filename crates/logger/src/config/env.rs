//! The environment variables `HYDRA_LOG_…`.
//!
//! What is written in code comes first, then the file, then the environment, then the default: a variable fills only
//! what nobody has set. `HYDRA_LOG_LEVEL` and `HYDRA_LOG_FORMAT` are read by [`LoggingConfig::from_env`] alone.

use hydra_format::Color;
use hydra_record::Level;

use super::choice::Choice;
use super::expand::Environment;
use super::reader::level_named;
use super::{Format, Loader, LogDestination, LogLayer, LoggingConfig};
use crate::error::{Error, Finding};

/// The layer of [`LoggingConfig::from_env`].
const LAYER: &str = "DEFAULT";

/// Switches of the original system for features that are not built.
const NOT_BUILT: [&str; 4] = [
    "HYDRA_LOG_ENABLE_PERFORMANCE",
    "HYDRA_LOG_ENABLE_ANALYTICS",
    "HYDRA_LOG_REDACT_SENSITIVE",
    "HYDRA_LOG_LAZY_INITIALIZATION",
];

impl LoggingConfig {
    /// Makes a configuration of the environment alone: the layer `DEFAULT`, with a console. `HYDRA_LOG_LEVEL` (default
    /// DEBUG) and `HYDRA_LOG_FORMAT` (default `plain-text`) shape it; the others are as for
    /// [`with_env`](LoggingConfig::with_env).
    ///
    /// # Errors
    /// Names each variable whose value is not valid.
    pub fn from_env() -> Result<LoggingConfig, Error> {
        Loader::new().env()
    }

    /// Fills what is not set from the environment: `HYDRA_LOG_DATE_FORMAT`, `HYDRA_LOG_TIME_FORMAT`,
    /// `HYDRA_LOG_LOGGER_NAME_FORMAT`, `HYDRA_LOG_MESSAGE_FORMAT` and `HYDRA_LOG_COLOR_<LEVEL>`. A logger does so when
    /// it is made.
    ///
    /// # Errors
    /// Names each variable whose value is not valid, or that asks for something that is not built.
    pub fn with_env(self) -> Result<LoggingConfig, Error> {
        Loader::new().fill(self)
    }
}

impl Loader {
    /// Makes a configuration of the environment alone; see [`LoggingConfig::from_env`].
    ///
    /// # Errors
    /// Names each variable whose value is not valid.
    pub fn env(&self) -> Result<LoggingConfig, Error> {
        let mut variables = Variables {
            environment: self.lookup(),
            findings: Vec::new(),
        };
        let level = variables.level("HYDRA_LOG_LEVEL").unwrap_or(Level::Debug);
        let format = variables.choice("HYDRA_LOG_FORMAT").unwrap_or(Format::PlainText);
        let mut config = LoggingConfig::without_layers();
        let console = LogDestination::console().format(format);
        config
            .layers
            .insert(LAYER.to_owned(), LogLayer::new(level).destination(console));
        variables.fill(config)
    }

    /// Fills what is not set from the environment; see [`LoggingConfig::with_env`].
    ///
    /// # Errors
    /// Names each variable whose value is not valid, or that asks for something that is not built.
    pub fn fill(&self, config: LoggingConfig) -> Result<LoggingConfig, Error> {
        Variables {
            environment: self.lookup(),
            findings: Vec::new(),
        }
        .fill(config)
    }
}

struct Variables<'e> {
    environment: Environment<'e>,
    findings: Vec<Finding>,
}

impl Variables<'_> {
    /// Looks a variable up; a blank one counts as not set.
    fn get(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|text| !text.trim().is_empty())
    }

    fn report(&mut self, name: &str, message: String, suggestion: String) {
        self.findings
            .push(Finding::new(name, message).suggest(suggestion).in_file("environment"));
    }

    fn level(&mut self, name: &str) -> Option<Level> {
        let level = level_named(&self.get(name)?);
        if let Err((message, suggestion)) = level.clone() {
            self.report(name, message, suggestion);
        }
        level.ok()
    }

    fn choice<C: Choice>(&mut self, name: &str) -> Option<C> {
        match C::find(&self.get(name)?) {
            Ok(choice) => Some(choice),
            Err(error) => {
                self.report(name, error.message(), error.suggestion());
                None
            }
        }
    }

    fn fill(mut self, mut config: LoggingConfig) -> Result<LoggingConfig, Error> {
        let texts = [
            ("HYDRA_LOG_DATE_FORMAT", "date_format", &mut config.date_format),
            ("HYDRA_LOG_TIME_FORMAT", "time_format", &mut config.time_format),
            (
                "HYDRA_LOG_LOGGER_NAME_FORMAT",
                "logger_name_format",
                &mut config.logger_name_format,
            ),
            ("HYDRA_LOG_MESSAGE_FORMAT", "message_format", &mut config.message_format),
        ];
        let mut filled = Vec::new();
        for (variable, key, text) in texts {
            if text.is_none() {
                *text = self.get(variable);
                filled.push((variable, key));
            }
        }
        for level in Level::ALL {
            if let Some(color) = self.choice::<Color>(&format!("HYDRA_LOG_COLOR_{level}")) {
                config.colors.entry(level).or_insert(color);
            }
        }
        NOT_BUILT.into_iter().for_each(|name| self.refuse(name));
        let mut findings = self.findings;
        for finding in config.findings() {
            // A text that was taken from a variable is reported by the variable's name.
            findings.push(match filled.iter().find(|(_, key)| finding.key == *key) {
                Some((variable, _)) => Finding {
                    key: (*variable).to_owned(),
                    ..finding
                }
                .in_file("environment"),
                None => finding,
            });
        }
        match findings.is_empty() {
            true => Ok(config),
            false => Err(Error::configuration(None, findings)),
        }
    }

    /// Refuses a switch that is on, for it would do nothing.
    fn refuse(&mut self, name: &str) {
        let Some(text) = self.get(name) else { return };
        match switch(&text) {
            Some(false) => {}
            Some(true) => self.report(
                name,
                "this feature is not built".to_owned(),
                "unset the variable".to_owned(),
            ),
            None => {
                let suggestion = "write 1, true, yes or on; or 0, false, no or off".to_owned();
                self.report(name, format!("`{text}` is neither on nor off"), suggestion);
            }
        }
    }
}

/// Reads a switch as the environment has it: 1, true, yes, on; 0, false, no, off; in any case.
pub(crate) fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}
