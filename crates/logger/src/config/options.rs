//! The small choices of a configuration: format, colour, overflow and the like.

use hydra_format::Color;

use super::choice::{Choice, choices};

choices! {
    /// How a record is written.
    #[derive(Default)]
    #[non_exhaustive]
    Format, "format", hint " (a colour is no format: set `color_mode`)";
    /// `2025-01-31 12:00:00 - LAYER - LEVEL - message`.
    #[default]
    PlainText = "plain-text",
    /// One JSON object a line.
    Json = "json",
    /// RFC 4180, with a header.
    Csv = "csv",
    /// RFC 5424.
    Syslog = "syslog",
    /// GELF 1.1, one JSON object a line.
    Gelf = "gelf",
    /// `time=… level=… layer=… msg=…` and the fields.
    Logfmt = "logfmt",
}

choices! {
    /// When a console is coloured.
    #[derive(Default)]
    ColorMode, "colour mode";
    /// If the stream is a terminal, `NO_COLOR` is unset and `TERM` is not `dumb`.
    #[default]
    Auto = "auto",
    /// Always.
    Always = "always",
    /// Never.
    Never = "never",
}

choices! {
    /// What happens when the journal is full because a destination lags behind.
    #[derive(Default)]
    #[non_exhaustive]
    Overflow, "overflow policy";
    /// The caller waits. Nothing is lost.
    #[default]
    Block = "block",
    /// The destination gives up its oldest records; they are counted and summed up in a record of their own.
    DropOldest = "drop_oldest",
    /// The destination gives up the newest records; they are counted and summed up in a record of their own.
    DropNewest = "drop_newest",
}

choices! {
    /// What happens to records that are not delivered when the time for shutting down has run out.
    #[derive(Default)]
    #[non_exhaustive]
    OnTimeout, "choice for on_timeout";
    /// They are written on the calling thread.
    #[default]
    SyncWrite = "sync_write",
    /// They stay in the file-backed journal for the next start.
    LeaveInJournal = "leave_in_journal",
}

choices! {
    /// Where a destination leads.
    #[non_exhaustive]
    DestinationType, "destination type";
    /// A standard stream of the process.
    Console = "console",
    /// A file.
    File = "file",
    /// An HTTP endpoint. Not built yet.
    AsyncHttp = "async_http",
    /// A database. Not built yet.
    AsyncDatabase = "async_database",
    /// A message queue. Not built yet.
    AsyncQueue = "async_queue",
    /// A cloud service. Not built yet.
    AsyncCloud = "async_cloud",
}

choices! {
    /// The standard stream a console writes to.
    #[derive(Default)]
    Stream, "stream";
    /// Standard output.
    #[default]
    Stdout = "stdout",
    /// Standard error.
    Stderr = "stderr",
}

choices! {
    /// When a file is rotated, besides when it reaches its `max_size`.
    #[derive(Default)]
    #[non_exhaustive]
    Rotate, "rotation";
    /// By size alone.
    #[default]
    Size = "size",
    /// At every full hour, too.
    Hourly = "hourly",
    /// At every midnight, too.
    Daily = "daily",
}

choices! {
    /// How rotated files are packed.
    #[derive(Default)]
    #[non_exhaustive]
    Compress, "compression";
    /// Not at all.
    #[default]
    None = "none",
    /// With gzip.
    Gzip = "gzip",
}

choices! {
    /// When a file is brought to the device.
    #[derive(Default)]
    #[non_exhaustive]
    Fsync, "fsync policy";
    /// When the system sees fit, or a guarantee asks for it.
    #[default]
    Never = "never",
    /// Every now and then, in the background.
    Interval = "interval",
    /// After every write.
    Every = "every",
}

choices! {
    /// A provider of `async_cloud`.
    #[non_exhaustive]
    ServiceType, "service type";
    /// Amazon Web Services.
    Aws = "aws",
    /// Google Cloud.
    Gcp = "gcp",
    /// Microsoft Azure.
    Azure = "azure",
}

choices! {
    /// A key that machine formats write on demand.
    #[non_exhaustive]
    FormatKey, "key";
    /// The level's number.
    LevelNo = "level_no",
    /// The layer's name, in a key of its own.
    Layer = "layer",
    /// The file, module and line of the call.
    Location = "location",
    /// The thread's name.
    Thread = "thread",
    /// The process id.
    Process = "process",
    /// The record's number within the run.
    Sequence = "sequence",
}

/// The names of [`Color`], which the formats declare.
#[allow(
    clippy::indexing_slicing,
    reason = "the compiler evaluates it and would refuse an index out of bounds"
)]
const COLOR_NAMES: [&str; Color::ALL.len()] = {
    let mut names = [""; Color::ALL.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = Color::ALL[index].name();
        index += 1;
    }
    names
};

impl Choice for Color {
    const WHAT: &'static str = "colour";
    const NAMES: &'static [&'static str] = &COLOR_NAMES;
    const ALL: &'static [Color] = &Color::ALL;
    const HINT: &'static str = "";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A format is read in any case; another word is answered with all of them and with where colours are set.
    #[test]
    fn formats_name_themselves() {
        for &format in Format::ALL {
            assert_eq!(format.name().to_uppercase().parse(), Ok(format));
        }
        assert_eq!(
            "text".parse::<Format>().unwrap_err().to_string(),
            "unknown format `text`; did you mean `plain-text`? It is one of plain-text, json, csv, syslog, gelf, \
             logfmt (a colour is no format: set `color_mode`)"
        );
        assert_eq!(
            "purple".parse::<Rotate>().unwrap_err().to_string(),
            "unknown rotation `purple`; it is one of size, hourly, daily"
        );
    }
}
