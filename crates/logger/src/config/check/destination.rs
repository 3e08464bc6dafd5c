//! Checks of one destination, and of destinations that share a file.

use hydra_format::{ErrorKind, Syslog, SyslogOptions};

use super::{Checker, FormatOptions, KeyPath, Kind, LogDestination, normal};
use crate::config::keys;
use crate::config::kind::{FileOptions, Remote};
use crate::config::options::{ColorMode, DestinationType, Format};

/// The longest chain of fallbacks.
const FALLBACKS_MAX: usize = 4;
/// The most bytes of a syslog application name (RFC 5424).
const APP_NAME_BYTES_MAX: usize = 48;

impl<'a> Checker<'a> {
    /// Checks a destination and its fallbacks; `depth` counts how many of them stand above it.
    pub(super) fn destination(&mut self, path: &KeyPath, destination: &'a LogDestination, depth: usize) {
        let name = destination.destination_type().name();
        for key in &destination.misplaced {
            let message = format!("`{key}` does not belong to a destination of type `{name}`");
            self.report(&path.key(key), message, keys::where_it_belongs(key));
        }
        self.guarantee(&path.key("guarantee"), destination.guarantee);
        if destination.color_mode == ColorMode::Always && !matches!(destination.kind, Kind::Console(_)) {
            let message = format!("only a console is coloured, not a destination of type `{name}`");
            self.report(&path.key("color_mode"), message, "write `never`, or leave it out");
        }
        if let Some(size) = destination.buffer_size
            && !(keys::BUFFER_SIZE_MIN..=keys::BUFFER_SIZE_MAX).contains(&size)
        {
            let limits = format!(
                "write a size from {} to {}",
                keys::BUFFER_SIZE_MIN,
                keys::BUFFER_SIZE_MAX
            );
            self.report(
                &path.key("extra").key("buffer_size"),
                format!("{size} is out of bounds"),
                limits,
            );
        }
        self.format_options(&path.key("extra"), destination.format, &destination.format_options);
        match &destination.kind {
            Kind::Console(_) => {}
            Kind::File(file) => self.file(path, file, destination),
            Kind::NotBuilt(remote) => self.remote(path, remote),
        }
        if let Some(fallback) = &destination.fallback {
            let path = path.key("fallback");
            if depth >= FALLBACKS_MAX {
                let message = format!("more than {FALLBACKS_MAX} fallbacks in a row");
                self.report(&path, message, "end the chain with a file");
            } else {
                self.fallback(&path, destination, fallback);
                self.destination(&path, fallback, depth + 1);
            }
        }
    }

    fn fallback(&mut self, path: &KeyPath, destination: &LogDestination, fallback: &LogDestination) {
        let same_file = match (destination.path(), fallback.path()) {
            (Some(one), Some(other)) => normal(one) == normal(other),
            _ => false,
        };
        let same_stream = matches!((&destination.kind, &fallback.kind), (Kind::Console(a), Kind::Console(b)) if a == b);
        if same_file || same_stream {
            self.report(
                path,
                "the fallback leads to the same place",
                "lead it elsewhere, such as to another file",
            );
        }
    }

    fn file(&mut self, path: &KeyPath, file: &FileOptions, destination: &'a LogDestination) {
        let key = path.key("path");
        if file.path.to_string_lossy().trim().is_empty() {
            self.report(
                &key,
                "a file destination needs a `path`",
                "write one, such as `path = \"logs/app.log\"`",
            );
            return;
        }
        if file.backup_count > keys::BACKUP_COUNT_MAX {
            let message = format!("{} is too many", file.backup_count);
            self.report(
                &path.key("backup_count"),
                message,
                format!("write at most {}", keys::BACKUP_COUNT_MAX),
            );
        }
        let at = normal(&file.path);
        if at.file_name().is_none() {
            let message = format!("`{}` names a directory", file.path.display());
            self.report(&key, message, "name a file in it");
            return;
        }
        let Some((first, other)) = self.files.get(&at) else {
            self.files.insert(at, (path.clone(), destination));
            return;
        };
        if let Some(option) = difference(other, destination) {
            let message = format!(
                "the file `{}` is also that of {first}, with another `{option}`",
                file.path.display()
            );
            self.report(&key, message, "make the options equal, or use another path");
        }
    }

    fn remote(&mut self, path: &KeyPath, remote: &Remote) {
        let url = |url: &Option<crate::config::Url>| url.as_ref().is_none_or(|url| url.reveal().trim().is_empty());
        let (key, missing) = match remote.destination_type {
            DestinationType::AsyncHttp => ("url", url(&remote.url)),
            DestinationType::AsyncQueue => ("queue_url", url(&remote.queue_url)),
            DestinationType::AsyncDatabase => {
                let secret = remote.connection_string.as_ref();
                (
                    "connection_string",
                    secret.is_none_or(|text| text.reveal().trim().is_empty()),
                )
            }
            DestinationType::AsyncCloud => ("service_type", remote.service_type.is_none()),
            DestinationType::Console | DestinationType::File => return,
        };
        if missing {
            let message = format!("a destination of type `{}` needs a `{key}`", remote.name());
            self.report(&path.key(key), message, keys::example(key));
        }
    }

    fn format_options(&mut self, path: &KeyPath, format: Format, options: &FormatOptions) {
        let usual = FormatOptions::default();
        let machine: &[Format] = &[Format::Json, Format::Gelf, Format::Logfmt];
        let (plain, csv): (&[Format], &[Format]) = (&[Format::PlainText], &[Format::Csv]);
        let (syslog, gelf): (&[Format], &[Format]) = (&[Format::Syslog], &[Format::Gelf]);
        let set = [
            ("keys", machine, !options.keys.is_empty()),
            ("multiline", plain, options.multiline),
            ("escape_backslash", plain, options.escape_backslash),
            ("escape_newlines", csv, options.escape_newlines),
            ("guard_formulas", csv, options.guard_formulas),
            ("keep_controls", csv, options.keep_controls),
            ("facility", syslog, options.facility != usual.facility),
            ("app_name", syslog, options.app_name.is_some()),
            (
                "structured_data_id",
                syslog,
                options.structured_data_id != usual.structured_data_id,
            ),
            ("bom", syslog, options.bom),
            ("host", gelf, options.host.is_some()),
        ];
        for (key, wanted, _) in set
            .into_iter()
            .filter(|(_, wanted, is_set)| *is_set && !wanted.contains(&format))
        {
            let names: Vec<String> = wanted.iter().map(|name| format!("`{name}`")).collect();
            let message = format!("`{key}` does not belong to the format `{format}`");
            self.report(
                &path.key(key),
                message,
                format!("leave it out, or write the format {}", names.join(" or ")),
            );
        }
        if options.app_name.as_deref().is_some_and(|name| !is_app_name(name)) {
            let suggestion = format!("write 1 to {APP_NAME_BYTES_MAX} printable ASCII characters without spaces");
            self.report(&path.key("app_name"), "not a name that RFC 5424 allows", suggestion);
        }
        let syslog = SyslogOptions {
            facility: options.facility,
            structured_data_id: options.structured_data_id.clone(),
            ..SyslogOptions::default()
        };
        if let Err(error) = Syslog::new(syslog) {
            let key = if error.kind() == ErrorKind::Facility {
                "facility"
            } else {
                "structured_data_id"
            };
            self.report(&path.key(key), error.to_string(), "");
        }
        if options.host.as_deref().is_some_and(|host| host.trim().is_empty()) {
            self.report(
                &path.key("host"),
                "the host is blank",
                "name it, or leave it out for this machine's name",
            );
        }
    }
}

fn is_app_name(text: &str) -> bool {
    (1..=APP_NAME_BYTES_MAX).contains(&text.len()) && text.chars().all(|letter| letter.is_ascii_graphic())
}

/// Names the first option in which two destinations of one file differ, other than what passes.
fn difference(one: &LogDestination, other: &LogDestination) -> Option<&'static str> {
    let (Kind::File(a), Kind::File(b)) = (&one.kind, &other.kind) else {
        return None;
    };
    let differs = [
        ("format", one.format != other.format),
        ("max_size", a.max_size != b.max_size),
        ("backup_count", a.backup_count != b.backup_count),
        ("rotate", a.rotate != b.rotate),
        ("compress", a.compress != b.compress),
        ("fsync", a.fsync != b.fsync),
        ("force_sync_io", a.force_sync_io != b.force_sync_io),
        ("extra", one.format_options != other.format_options),
    ];
    differs
        .into_iter()
        .find(|(_, differs)| *differs)
        .map(|(option, _)| option)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Two ways to write one path are seen to be one file.
    #[test]
    fn paths_are_compared_in_one_form() {
        assert_eq!(normal(Path::new("./logs//a/../b.log")), Path::new("logs/b.log"));
        assert_eq!(normal(Path::new("../b.log")), Path::new("../b.log"));
        assert_eq!(normal(Path::new("logs/..")), Path::new(""));
    }
}
