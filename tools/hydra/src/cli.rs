//! The command line becomes typed options.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, value_parser};
use hydra_logger::{ColorMode, Level};

use crate::outcome::Outcome;
use crate::{check, demo, init, journal, pipe, recover};

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    Pipe(pipe::Options),
    Check(check::Options),
    Recover(recover::Options),
    Journal(journal::Options),
    Presets,
    Init(init::Options),
    Demo(demo::Options),
}

/// Why there is nothing to do: help was asked for, or the arguments are wrong.
#[derive(Debug)]
pub(crate) struct Refusal(clap::Error);

impl Refusal {
    pub(crate) fn print(&self) -> ExitCode {
        // A closed stream has nobody who could be told.
        let _ = self.0.print();
        if self.0.use_stderr() {
            Outcome::Wrong.into()
        } else {
            Outcome::Done.into()
        }
    }
}

/// Reads the arguments, the program's name first.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Refusal> {
    let matches = program().try_get_matches_from(arguments).map_err(Refusal)?;
    let color = matches.get_one::<ColorMode>("color").copied();
    let path = |matches: &ArgMatches, name: &str| matches.get_one::<PathBuf>(name).cloned();
    let required = |matches: &ArgMatches, name: &str| path(matches, name).unwrap_or_default();
    Ok(match matches.subcommand() {
        Some(("pipe", given)) => Command::Pipe(pipe::Options {
            config: required(given, "config"),
            layer: given.get_one("layer").cloned(),
            level: given.get_one("level").copied().unwrap_or(Level::Info),
            parse: given.get_one("parse").copied().unwrap_or_default(),
            progress: path(given, "progress"),
            color,
        }),
        Some(("check", given)) => Command::Check(check::Options {
            config: path(given, "file"),
            print: given.get_flag("print"),
            schema: given.get_flag("schema"),
        }),
        Some(("recover", given)) => Command::Recover(recover::Options {
            config: required(given, "config"),
            timeout: given.get_one("timeout").copied().unwrap_or(recover::TIMEOUT),
        }),
        Some(("journal", given)) => Command::Journal(journal::Options {
            dir: required(given, "dir"),
            json: given.get_flag("json"),
            color,
        }),
        Some(("presets", _)) => Command::Presets,
        Some(("init", given)) => Command::Init(init::Options {
            preset: given.get_one("preset").cloned().unwrap_or_default(),
            output: path(given, "output"),
        }),
        Some(("demo", given)) => Command::Demo(demo::Options {
            keep: given.get_flag("keep"),
            burst: path(given, "burst"),
            color,
        }),
        // `subcommand_required` has refused this already.
        _ => {
            return Err(Refusal(
                program().error(clap::error::ErrorKind::MissingSubcommand, "name a command"),
            ));
        }
    })
}

fn program() -> clap::Command {
    clap::Command::new("hydra")
        .about(
            "Logs lines, checks configurations, delivers what dead processes left: the command line of Hydra-Logger.",
        )
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(
            "Exit codes: 0 done; 1 something was not delivered or could not be done; 2 the command line or the \
             configuration is wrong; 3 a journal is corrupt.\n\nExample:\n  hydra demo",
        )
        .arg(
            Arg::new("color")
                .long("color")
                .global(true)
                .value_name("WHEN")
                .value_parser(|text: &str| text.parse::<ColorMode>().map_err(|error| error.to_string()))
                .help("Colours: auto (a terminal, and NO_COLOR is not set), always or never"),
        )
        .subcommands([pipe_command(), check_command(), recover_command(), journal_command()])
        .subcommands([presets_command(), init_command(), demo_command()])
}

fn path(name: &'static str) -> Arg {
    Arg::new(name).value_parser(value_parser!(PathBuf))
}

fn config() -> Arg {
    path("config")
        .long("config")
        .short('c')
        .value_name("FILE")
        .required(true)
        .help("The configuration file")
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn pipe_command() -> clap::Command {
    let level = |text: &str| text.parse::<Level>().map_err(|error| error.to_string());
    let progress = path("progress").long("progress").value_name("FILE").help(
        "Keeps in FILE, as a decimal number, how many lines of this input are accepted at their guarantee. After a \
         kill, run it again with the same FILE on the rest of the input: every line is logged exactly once",
    );
    clap::Command::new("pipe")
        .about("Logs standard input, a record a line")
        .long_about(
            "Logs standard input, a record a line, through the layers of a configuration, and drains at the end of the \
             input and on SIGTERM or SIGINT; SIGHUP has F read again. Exit code 1 if anything was not delivered.",
        )
        .arg(config())
        .arg(
            Arg::new("layer")
                .long("layer")
                .value_name("NAME")
                .help("The layer to log to [default: DEFAULT]"),
        )
        .arg(
            Arg::new("level")
                .long("level")
                .value_name("LEVEL")
                .value_parser(level)
                .help("The level of lines that tell none [default: INFO]"),
        )
        .arg(
            Arg::new("parse")
                .long("parse")
                .value_name("SYNTAX")
                .value_parser(|text: &str| text.parse::<pipe::Syntax>())
                .help("What a line is: text, json or logfmt; what cannot be read is logged as text [default: text]"),
        )
        .arg(progress)
        .after_help(
            "Example:\n  tail -F app.log | hydra pipe -c hydra.toml --layer APP --parse json --progress app.count",
        )
}

fn check_command() -> clap::Command {
    clap::Command::new("check")
        .about("Checks a configuration file")
        .long_about(
            "Checks a configuration file. Exit code 2 with every error, each with its place, the key and a suggestion.",
        )
        .arg(
            path("file")
                .value_name("FILE")
                .required_unless_present("schema")
                .help("The configuration file"),
        )
        .arg(flag(
            "print",
            "Prints the configuration with everything resolved, as TOML",
        ))
        .arg(flag("schema", "Prints the JSON Schema of configuration files"))
        .after_help("Example:\n  hydra check hydra.toml --print")
}

fn recover_command() -> clap::Command {
    let seconds = |text: &str| match text.parse::<f64>().map(Duration::try_from_secs_f64) {
        Ok(Ok(timeout)) => Ok(timeout),
        _ => Err("give a number of seconds, such as 60"),
    };
    clap::Command::new("recover")
        .about("Delivers what dead processes left in the journal directory")
        .long_about(
            "Takes over the journals of dead processes and delivers what they hold. Journals of living processes are \
             named and left alone. Exit code 1 if something is left.",
        )
        .arg(config())
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("SECONDS")
                .value_parser(seconds)
                .help("How long to try at most [default: 60]"),
        )
        .after_help("Example:\n  hydra recover --config hydra.toml")
}

fn journal_command() -> clap::Command {
    clap::Command::new("journal")
        .about("Shows what a journal directory holds")
        .long_about(
            "Shows what a journal directory holds: segments, frames, cursors, how far each head is behind. Changes \
             nothing, also not while the owner is at work. Exit code 3 if something is corrupt, with the place.",
        )
        .arg(
            path("dir")
                .value_name("DIR")
                .required(true)
                .help("The directory: `journal.dir`, or one journal in it"),
        )
        .arg(flag("json", "Prints JSON"))
        .after_help("Example:\n  hydra journal logs/.journal --json")
}

fn presets_command() -> clap::Command {
    clap::Command::new("presets")
        .about("Lists the presets (magic configurations)")
        .after_help("Example:\n  hydra presets")
}

fn init_command() -> clap::Command {
    clap::Command::new("init")
        .about("Writes a commented configuration file")
        .arg(
            Arg::new("preset")
                .long("preset")
                .value_name("NAME")
                .required(true)
                .help("The preset to begin with"),
        )
        .arg(
            path("output")
                .long("output")
                .short('o')
                .value_name("FILE")
                .help("A new file [default: standard output]"),
        )
        .after_help("Example:\n  hydra init --preset production --output hydra.toml")
}

fn demo_command() -> clap::Command {
    clap::Command::new("demo")
        .about("Shows layers and formats, kills a process in the middle of a burst, and proves that nothing was lost")
        .arg(flag("keep", "Keeps the directory it works in"))
        .arg(path("burst").long("burst").hide(true))
        .after_help("Example:\n  hydra demo")
}
