//! A configured format becomes a formatter.

use std::collections::BTreeSet;
use std::sync::Arc;

use hydra_format as format;
use hydra_format::Formatter;
use hydra_record::Level;

use super::plan::is_terminal;
use crate::config::{ColorMode, Format, FormatKey, FormatOptions, Kind, LogDestination, LoggingConfig};
use crate::error::{Error, ErrorKind};

pub(super) fn formatter(config: &LoggingConfig, destination: &LogDestination) -> Result<Arc<dyn Formatter>, Error> {
    let options = &destination.format_options;
    let keys = keys(&options.keys);
    let wrong = |error: format::Error| Error::new(ErrorKind::Configuration, "use a format").from_source(error);
    let bare = options.include_extra == Some(false);
    #[cfg(feature = "testing")]
    if let Kind::Console(console) = &destination.kind
        && console.capture.is_some()
    {
        return Ok(Arc::new(crate::testing::CaptureFormat));
    }
    Ok(match destination.format {
        Format::PlainText => Arc::new(format::Plain::new(plain_options(config, destination)).map_err(wrong)?),
        Format::Json => with_fields_or_bare(format::Json::new(format::JsonOptions { keys }), bare),
        Format::Csv => Arc::new(format::Csv::new(format::CsvOptions {
            extra: options.include_extra.unwrap_or(false),
            escape_newlines: options.escape_newlines,
            guard_formulas: options.guard_formulas,
            keep_controls: options.keep_controls,
        })),
        Format::Syslog => with_fields_or_bare(format::Syslog::new(syslog_options(options)).map_err(wrong)?, bare),
        Format::Gelf => with_fields_or_bare(
            format::Gelf::new(format::GelfOptions {
                host: options.host.clone(),
                keys,
            }),
            bare,
        ),
        Format::Logfmt => with_fields_or_bare(format::Logfmt::new(format::LogfmtOptions { keys }), bare),
    })
}

fn with_fields_or_bare(formatter: impl Formatter + 'static, bare: bool) -> Arc<dyn Formatter> {
    if bare {
        Arc::new(format::WithoutFields(formatter))
    } else {
        Arc::new(formatter)
    }
}

fn syslog_options(options: &FormatOptions) -> format::SyslogOptions {
    format::SyslogOptions {
        facility: options.facility,
        app_name: options.app_name.clone(),
        structured_data_id: options.structured_data_id.clone(),
        bom: options.bom,
    }
}

fn keys(wanted: &BTreeSet<FormatKey>) -> format::Keys {
    let has = |key| wanted.contains(&key);
    format::Keys {
        level_no: has(FormatKey::LevelNo),
        layer: has(FormatKey::Layer),
        location: has(FormatKey::Location),
        thread: has(FormatKey::Thread),
        process: has(FormatKey::Process),
        sequence: has(FormatKey::Sequence),
    }
}

fn plain_options(config: &LoggingConfig, destination: &LogDestination) -> format::PlainOptions {
    let mut plain = format::PlainOptions {
        color: is_colored(destination),
        include_extra: destination.format_options.include_extra.unwrap_or(false),
        multiline: destination.format_options.multiline,
        escape_backslash: destination.format_options.escape_backslash,
        ..format::PlainOptions::default()
    };
    let set = |place: &mut String, value: &Option<String>| {
        if let Some(value) = value {
            place.clone_from(value);
        }
    };
    set(&mut plain.date_format, &config.date_format);
    set(&mut plain.time_format, &config.time_format);
    set(&mut plain.logger_name_format, &config.logger_name_format);
    set(&mut plain.message_format, &config.message_format);
    for (level, color) in &config.colors {
        let place = match level {
            Level::Trace => &mut plain.colors.trace,
            Level::Debug => &mut plain.colors.debug,
            Level::Info => &mut plain.colors.info,
            Level::Warning => &mut plain.colors.warning,
            Level::Error => &mut plain.colors.error,
            Level::Critical => &mut plain.colors.critical,
        };
        // Both rooms name the same colours; a test holds them together.
        *place = format::Color::ALL
            .into_iter()
            .find(|known| known.name() == color.name())
            .unwrap_or(*place);
    }
    plain
}

/// Colour on `auto`: when the stream is a terminal that wants it.
fn is_colored(destination: &LogDestination) -> bool {
    let asked_not_to = || {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        set("NO_COLOR").is_some() || set("TERM").is_some_and(|term| term == "dumb")
    };
    match destination.color_mode {
        ColorMode::Never => false,
        ColorMode::Always => matches!(destination.kind, Kind::Console(_)),
        ColorMode::Auto => is_terminal(destination) && !asked_not_to(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Color;

    /// Every colour that a configuration can name is one that the format can paint.
    #[test]
    fn colours_have_the_same_names() {
        let painted: Vec<_> = format::Color::ALL.iter().map(|color| color.name()).collect();
        assert_eq!(Color::ALL.iter().map(|color| color.name()).collect::<Vec<_>>(), painted);
    }
}
