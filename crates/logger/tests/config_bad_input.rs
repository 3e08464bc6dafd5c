//! What a person reads who has made a mistake in a configuration.
#![cfg(all(feature = "toml", feature = "yaml"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::Duration;

use hydra_logger::config::{Loader, LoggingConfig, Rate, Syntax};
use hydra_logger::error::{Error, ErrorKind};

/// Writes the text to a file of that name and reads it; the folder's path is taken out of what is printed.
fn printed(name: &str, text: impl AsRef<[u8]>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    lines(
        &Loader::new().environment(|_| None).file(&path).unwrap_err(),
        folder.path(),
    )
}

fn lines(error: &Error, folder: &std::path::Path) -> Vec<String> {
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let folder = format!("{}/", folder.display());
    let lines: Vec<String> = error
        .report()
        .iter()
        .map(|finding| finding.to_string().replace(&folder, ""))
        .collect();
    for line in &lines {
        assert!(error.to_string().replace(&folder, "").contains(line), "{error}");
    }
    lines
}

/// An unknown key is named with its place and the nearest key.
#[test]
fn unknown_key() {
    assert_eq!(
        printed(
            "hydra.toml",
            "defualt_level = \"INFO\"\n\n[layers.API]\nlevle = \"INFO\"\n"
        ),
        [
            "hydra.toml:1:1: defualt_level: unknown key; did you mean `default_level`?",
            "hydra.toml:4:1: layers.API.levle: unknown key; did you mean `level`?",
        ]
    );
    assert_eq!(
        printed("hydra.yaml", "journal:\n  directory: logs\n"),
        ["hydra.yaml:2:3: journal.directory: unknown key; \
          the keys of the journal are dir, max_size, segment_size, allow_network, overflow"]
    );
}

/// A key of `extra` that nobody knows, one that belongs into `extra`, and one of another type are told apart.
#[test]
fn misplaced_key() {
    let text = "[[layers.A.destinations]]\ntype = \"file\"\npath = \"a.log\"\nforce_flush = true\nstream = \"stdout\"\n\
                [layers.A.destinations.extra]\nforce_flsh = true\n";
    assert_eq!(
        printed("a.toml", text),
        [
            "a.toml:4:1: layers.A.destinations[0].force_flush: unknown key; \
             it belongs into `extra = { force_flush = … }`",
            "a.toml:5:1: layers.A.destinations[0].stream: `stream` does not belong to a destination of type `file`; \
             it belongs to type `console`",
            "a.toml:7:1: layers.A.destinations[0].extra.force_flsh: unknown key; did you mean `force_flush`?",
        ]
    );
}

/// A wrong type says what was expected, what was found, and how it is written.
#[test]
fn wrong_type() {
    let text = "shutdown_timeout = \"soon\"\ndefault_level = 5\n[[layers.A.destinations]]\ntype = \"file\"\npath = 7\n\
                backup_count = 2.5\n[layers.A.destinations.extra]\nforce_flush = \"yes\"\n";
    assert_eq!(
        printed("a.toml", text),
        [
            "a.toml:1:20: shutdown_timeout: expected a number of seconds from 0 to 86400, found a text; \
             for example `shutdown_timeout = 30.0`",
            "a.toml:2:17: default_level: expected a level's name, found a whole number; \
             for example `default_level = \"INFO\"`",
            "a.toml:5:8: layers.A.destinations[0].path: expected a text, found a whole number; \
             for example `path = \"logs/app.log\"`",
            "a.toml:6:16: layers.A.destinations[0].backup_count: expected a whole number from 0 to 1000, \
             found a decimal number; for example `backup_count = 3`",
            "a.toml:8:15: layers.A.destinations[0].extra.force_flush: expected true or false, found a text; \
             for example `force_flush = true`",
        ]
    );
}

/// Sizes that are none are answered with sizes that are.
#[test]
fn bad_size_text() {
    let size = |text: &str| printed("a.json", format!("{{\"journal\": {{\"max_size\": {text}}}}}"));
    let suggestion = "write a number with or without a unit, such as 500, 64KB, 1.5MB or 1GB";
    assert_eq!(
        size("\"5 parrots\""),
        [format!(
            "a.json:1:26: journal.max_size: `5 parrots` is not a size; {suggestion}"
        )]
    );
    assert_eq!(
        size("-5"),
        [format!(
            "a.json:1:26: journal.max_size: `-5` is not a size; {suggestion}"
        )]
    );
    assert_eq!(
        size("\"\""),
        [format!("a.json:1:26: journal.max_size: `` is not a size; {suggestion}")]
    );
    assert_eq!(
        size("\"1KB\""),
        ["a.json:1:26: journal.max_size: 1KB is too small for a journal; write at least 64KB"]
    );
}

/// What holds records back is read from text, and a value that cannot be meant is named with what to write.
#[test]
fn suppression() {
    let text = "[layers.API]\nlimit = \"100 / s\"\nsite_limit = \"1/10s\"\nsample = 0.1\ndedup = \"500ms\"\n";
    let config = LoggingConfig::from_text(text, Syntax::Toml).unwrap();
    let read = &config.layers["API"].suppression;
    assert_eq!(read.limit, Some(Rate::per_second(100)));
    assert_eq!(read.site_limit, Some(Rate::new(1, Duration::from_secs(10))));
    assert_eq!((read.sample, read.dedup), (Some(0.1), Some(Duration::from_millis(500))));
    assert!(read.is_on() && !read.guaranteed);
    assert_eq!(
        printed(
            "hydra.toml",
            "[layers.API]\nlimit = \"many\"\nsite_limit = 5\nsample = 1.5\ndedup = \"8d\"\n"
        ),
        [
            "hydra.toml:2:9: layers.API.limit: `many` is not a rate; write a number of records and a unit of time \
             (ms, s, m, h or d), such as \"100/s\" or \"1/10s\"",
            "hydra.toml:3:14: layers.API.site_limit: expected a text, found a whole number; for example \
             `site_limit = \"10/s\"`",
            "hydra.toml:4:10: layers.API.sample: 1.5 is no part of a whole; write a number from 0 to 1",
            "hydra.toml:5:9: layers.API.dedup: `8d` is no stretch of time; write a whole number and a unit \
             (ms, s, m, h or d), at most a week, such as \"1s\"",
        ]
    );
}

/// An unknown level, format or type lists what there is; a format says where colours are set.
#[test]
fn unknown_words() {
    let text = "default_level: LOUD\nlayers:\n  A:\n    destinations:\n      - {type: consle, format: text}\n";
    assert_eq!(
        printed("a.yml", text),
        [
            "a.yml:1:16: default_level: unknown level `LOUD`; \
             the levels are TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL",
            "a.yml:5:16: layers.A.destinations[0].type: unknown destination type `consle`; did you mean `console`? \
             It is one of console, file, async_http, async_database, async_queue, async_cloud",
            "a.yml:5:32: layers.A.destinations[0].format: unknown format `text`; did you mean `plain-text`? \
             It is one of plain-text, json, csv, syslog, gelf, logfmt (a colour is no format: set `color_mode`)",
        ]
    );
}

/// What a destination must have and lacks is named, whatever else is wrong with it.
#[test]
fn missing_key() {
    let text = "layers:\n  A:\n    destinations:\n      - type: file\n        pth: a.log\n      - format: json\n\
                \x20     - type: async_http\n      - type: async_cloud\n";
    assert_eq!(
        printed("a.yaml", text),
        [
            "a.yaml:4:9: layers.A.destinations[0].path: a file destination needs a `path`; \
             write one, such as `path = \"logs/app.log\"`",
            "a.yaml:5:9: layers.A.destinations[0].pth: unknown key; did you mean `path`?",
            "a.yaml:6:9: layers.A.destinations[1].type: a destination needs a `type`; \
             it is one of console, file, async_http, async_database, async_queue, async_cloud",
            "a.yaml:7:9: layers.A.destinations[2].url: a destination of type `async_http` needs a `url`; \
             for example `url = \"https://logs.example.com\"`",
            "a.yaml:8:9: layers.A.destinations[3].service_type: a destination of type `async_cloud` needs a \
             `service_type`; for example `service_type = \"aws\"`",
        ]
    );
}

/// A file that is not there, of no known suffix, no file, not UTF-8 or blank is named with what to do.
#[test]
fn unreadable_file() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| {
        lines(
            &LoggingConfig::from_file(folder.path().join(name)).unwrap_err(),
            folder.path(),
        )
    };
    assert_eq!(
        read("no.toml"),
        ["no.toml: cannot read the file: there is no such file; check the path, or write one with `hydra init`"]
    );
    assert_eq!(
        read("no.ini"),
        ["no.ini: unknown suffix; name the file .toml, .yaml, .yml or .json"]
    );
    std::fs::create_dir(folder.path().join("dir.toml")).unwrap();
    assert_eq!(
        read("dir.toml"),
        ["dir.toml: cannot read the file: it is no plain file; name a file"]
    );
    assert_eq!(
        printed("a.toml", b"a = 1\n# \xff\n"),
        ["a.toml: cannot read the file: line 2 is not UTF-8; save it as UTF-8"]
    );
    for (name, text) in [
        ("a.toml", "# nothing\n"),
        ("a.yaml", ""),
        ("b.yaml", "---\n"),
        ("a.json", "{}"),
    ] {
        let line = format!("{name}:1:1: the document is empty; write at least one key, such as `default_level`");
        assert_eq!(printed(name, text)[0].replace("b.yaml:1:4", "b.yaml:1:1"), line);
    }
    let huge = format!("# {}\n", "x".repeat(1 << 20));
    assert_eq!(
        printed("a.toml", huge),
        ["a.toml: cannot read the file: it has more than 1048576 bytes; check that it is a configuration"]
    );
}

/// Text that is not of its language is reported at the place where it stops being so.
#[test]
fn syntax_errors() {
    assert_eq!(
        printed("a.toml", "default_level = \"INFO\n[x\n"),
        [
            "a.toml:1:22: this is not TOML: invalid basic string, expected `\"`",
            "a.toml:2:3: this is not TOML: unclosed table, expected `]`",
        ]
    );
    assert_eq!(
        printed("a.yaml", "a: [1, 2\nb: }\n"),
        ["a.yaml:2:2: this is not YAML: illegal placement of ':' indicator"]
    );
    assert_eq!(
        printed("a.json", "{\"a\": 1,\n \"b\" 2}"),
        ["a.json:2:6: this is not JSON: invalid trailing content after double-quoted scalar"]
    );
    assert_eq!(
        printed("a.toml", "since = 1979-05-27\n"),
        ["a.toml:1:9: no key is a date, and `1979-05-27` is one; put it in quotes if a text is meant"]
    );
    assert_eq!(
        printed("a.yaml", "- a\n"),
        ["a.yaml:1:1: expected a table of keys, found a list; \
                                              write keys and values, such as `default_level`"]
    );
}

/// A key that is given twice is an error in every language: one of the two would be ignored.
#[test]
fn duplicate_key() {
    assert_eq!(
        printed("a.toml", "default_level = \"INFO\"\ndefault_level = \"DEBUG\"\n"),
        ["a.toml:2:1: default_level: the key is given twice; remove one of them"]
    );
    assert_eq!(
        printed("a.yaml", "layers:\n  A:\n    level: INFO\n    level: DEBUG\n"),
        ["a.yaml:4:5: layers.A.level: the key is given twice; remove one of them"]
    );
    assert_eq!(
        printed("a.json", "{\"layers\": {\"A\": {}, \"A\": {}}}"),
        ["a.json:1:22: layers.A: the key is given twice; remove one of them"]
    );
}

/// YAML builds no objects, and neither nests nor repeats itself without end.
#[test]
fn hostile_yaml() {
    assert_eq!(
        printed("a.yaml", "layers: !!python/object/apply:os.system [ls]\n"),
        ["a.yaml:1:9: a tag (`!…`) is not read; write the value without it"]
    );
    assert_eq!(
        printed("a.yaml", "[".repeat(40)),
        ["a.yaml:1:33: the document has more than 32 levels"]
    );
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    let lines = printed("a.yaml", laughs);
    assert!(
        lines[0].ends_with("the document has more than 10000 values"),
        "{lines:?}"
    );
    assert_eq!(
        printed("a.yaml", "default_level: INFO\n---\ndefault_level: INFO\n"),
        ["a.yaml:2:1: a second document begins; put it into a file of its own, and name it in `extends`"]
    );
    assert!(printed("a.toml", format!("a = {}", "[".repeat(1000)))[0].starts_with("a.toml:1:"));
}

/// A guarantee that cannot be kept is refused where it is asked for: at a level, a layer, a destination.
#[test]
fn guarantee_without_directory() {
    let text = "on_timeout = \"leave_in_journal\"\n[guarantees]\n\
                levels = { ERROR = \"synced\", INFO = \"delivered\" }\n\
                layers = { AUDIT = \"journaled\" }\n[layers]\n\
                A.destinations = [{ type = \"console\", guarantee = \"synced\" }]\n";
    let suggestion = "set `journal.dir`, or ask for `queued` or `delivered`";
    assert_eq!(
        printed("a.toml", text),
        [
            "a.toml:1:14: on_timeout: `leave_in_journal` without a journal directory would lose what is left; \
             set `journal.dir`, or write `sync_write`"
                .to_owned(),
            format!(
                "a.toml:3:20: guarantees.levels.ERROR: `synced` cannot be kept without a journal directory; \
                 {suggestion}"
            ),
            format!(
                "a.toml:4:20: guarantees.layers.AUDIT: `journaled` cannot be kept without a journal directory; \
                 {suggestion}"
            ),
            format!(
                "a.toml:6:51: layers.A.destinations[0].guarantee: `synced` cannot be kept without a journal directory; \
                 {suggestion}"
            ),
        ]
    );
    let error = LoggingConfig::from_text(
        "journal = { dir = 5 }\n[guarantees]\nlevels = { ERROR = \"synced\" }",
        Syntax::Toml,
    );
    assert_eq!(
        error.unwrap_err().report().len(),
        1,
        "a directory that could not be read is not a missing one"
    );
}

/// Two destinations of one file must agree on everything but what passes.
#[test]
fn one_file_two_ways() {
    let text = "layers:\n  A: {destinations: [{type: file, path: x.log, level: ERROR}]}\n\
                \x20 B: {destinations: [{type: file, path: ./x.log, format: json}]}\n\
                \x20 C: {destinations: [{type: file, path: a/../x.log, level: DEBUG}]}\n";
    assert_eq!(
        printed("a.yaml", text),
        [
            "a.yaml:3:41: layers.B.destinations[0].path: the file `./x.log` is also that of layers.A.destinations[0], \
          with another `format`; make the options equal, or use another path"
        ]
    );
}

/// Options that would do nothing are errors: of another format, given twice, or a fallback to the same place.
#[test]
fn options_without_effect() {
    let text = "layers:\n  A:\n    destinations:\n\
                \x20     - {type: file, path: x, color_mode: always, extra: {facility: 5}}\n\
                \x20     - {type: file, path: y, rotate: daily, extra: {rotate: hourly}}\n\
                \x20     - {type: file, path: z, fallback: {type: file, path: ./z}}\n";
    assert_eq!(
        printed("a.yaml", text),
        [
            "a.yaml:4:43: layers.A.destinations[0].color_mode: only a console is coloured, not a destination of type \
             `file`; write `never`, or leave it out",
            "a.yaml:4:69: layers.A.destinations[0].extra.facility: `facility` does not belong to the format \
             `plain-text`; leave it out, or write the format `syslog`",
            "a.yaml:5:62: layers.A.destinations[1].extra.rotate: `rotate` is given twice: here and in \
             layers.A.destinations[1].rotate; give it once",
            "a.yaml:6:41: layers.A.destinations[2].fallback: the fallback leads to the same place; \
             lead it elsewhere, such as to another file",
        ]
    );
}

/// Names that are reserved, and formats that no clock or template understands, are found when the file is read.
#[test]
fn names_and_templates() {
    let text = "date_format = \"%Q\"\nmessage_format = \"{massage}\"\n[layers.__X__]\n[layers.__CENTRALIZED__]\n";
    let lines = printed("a.toml", text);
    assert!(
        lines[0].starts_with("a.toml:1:15: date_format: unknown directive `%Q`"),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("a.toml:2:18: message_format: unknown placeholder `massage`"),
        "{lines:?}"
    );
    assert_eq!(
        lines[2],
        "a.toml:3:1: layers.__X__: the layer name `__X__` is reserved; use a name without two underscores at both ends"
    );
    assert_eq!(lines.len(), 3);
}

/// A secret is in no message, no debug text and no printed configuration.
#[test]
fn secrets_stay_secret() {
    let text = "[[layers.A.destinations]]\ntype = \"async_http\"\nurl = \"https://me:hunter2@h/?token=hunter2\"\n\
                credentials = { token = \"hunter2\", key = \"${KEY}\" }\n\
                [[layers.A.destinations]]\ntype = \"async_database\"\nconnection_string = \"hunter2\"\n";
    let loader = Loader::new().environment(|name| (name == "KEY").then(|| "hunter2".to_owned()));
    let config = loader.text(text, Syntax::Toml).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    let toml = config.to_toml();
    assert!(!toml.contains("hunter2"), "{toml}");
    assert!(toml.contains("key = \"${KEY}\""), "{toml}");
    assert!(toml.contains("token = \"${HYDRA_SECRET_A_0_TOKEN}\""), "{toml}");
    let wrong = text.replace("\"hunter2\"", "[\"hunter2\"]");
    let error = loader.text(&wrong, Syntax::Toml).unwrap_err();
    assert!(
        !format!("{error} {error:?} {:?}", error.report()).contains("hunter2"),
        "{error}"
    );
}
