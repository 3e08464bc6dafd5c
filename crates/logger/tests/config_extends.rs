//! Files that lie on top of others.
#![cfg(all(feature = "toml", feature = "yaml"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;

use hydra_logger::config::{LoggingConfig, Syntax};
use hydra_record::Level;

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn report(folder: &Path, name: &str) -> Vec<String> {
    let error = LoggingConfig::from_file(folder.join(name)).unwrap_err();
    let folder = format!("{}/", folder.display());
    error
        .report()
        .iter()
        .map(|finding| finding.to_string().replace(&folder, ""))
        .collect()
}

/// Parents come first, later parents win over earlier ones, the child over all; tables merge, lists replace.
#[test]
fn the_child_wins() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            (
                "conf/app.toml",
                "extends = [\"../one.yaml\", \"two.json\"]\n[layers.A]\nlevel = \"ERROR\"\n",
            ),
            (
                "one.yaml",
                "default_level: DEBUG\njournal: {dir: j1, max_size: 1MB}\nlayers:\n\
                 \x20 A: {destinations: [{type: console}]}\n  B: \
                 {destinations: [{type: console}, {type: console, stream: stderr}]}\n",
            ),
            (
                "conf/two.json",
                r#"{"journal": {"dir": "j2"}, "layers": {"B": {"destinations": [{"type": "console"}]}}}"#,
            ),
        ],
    );
    let config = LoggingConfig::from_file(folder.path().join("conf/app.toml")).unwrap();
    assert_eq!(config.default_level, Level::Debug);
    assert_eq!(config.journal.dir.as_deref(), Some(Path::new("j2")));
    assert_eq!(config.journal.max_size.to_string(), "1MB");
    assert_eq!(config.level_of("A"), Some(Level::Error));
    assert_eq!(config.layers["A"].destinations.len(), 1);
    assert_eq!(config.layers["B"].destinations.len(), 1);
}

/// A finding names the file in which its key stands.
#[test]
fn findings_name_their_file() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("a.toml", "extends = \"b.yaml\"\ndefualt_level = \"INFO\"\n"),
            ("b.yaml", "journal:\n  max_size: big\n"),
        ],
    );
    assert_eq!(
        report(folder.path(), "a.toml"),
        [
            "a.toml:2:1: defualt_level: unknown key; did you mean `default_level`?",
            "b.yaml:2:13: journal.max_size: `big` is not a size; \
             write a number with or without a unit, such as 500, 64KB, 1.5MB or 1GB",
        ]
    );
}

/// Files that extend each other in a circle are refused with the whole circle.
#[test]
fn circle() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("a.toml", "extends = \"sub/b.toml\"\n"),
            ("sub/b.toml", "extends = \"../c.toml\"\n"),
            ("c.toml", "extends = \"./a.toml\"\n"),
        ],
    );
    assert_eq!(
        report(folder.path(), "a.toml"),
        ["sub/../c.toml:1:11: extends: the files extend each other in a circle: \
          a.toml -> sub/b.toml -> sub/../c.toml -> a.toml; remove one of the links"]
    );
}

/// One file may be extended on two ways; five may lie on top of each other, not six.
#[test]
fn depth() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("0.toml", "default_level = \"ERROR\"\n"),
            ("1.toml", "extends = \"0.toml\"\n"),
            ("2.toml", "extends = [\"1.toml\", \"0.toml\"]\n"),
            ("3.toml", "extends = \"2.toml\"\n"),
            ("4.toml", "extends = \"3.toml\"\n"),
            ("5.toml", "extends = \"4.toml\"\n"),
        ],
    );
    let config = LoggingConfig::from_file(folder.path().join("4.toml")).unwrap();
    assert_eq!(config.default_level, Level::Error);
    assert_eq!(
        report(folder.path(), "5.toml"),
        ["1.toml:1:11: extends: more than 5 files extend each other; merge some of them"]
    );
}

/// A parent that is missing or of no known kind is reported where it is named; a text has no place to look from.
#[test]
fn missing_parent() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("a.yaml", "extends: [no.toml, b.ini, 5]\n")]);
    assert_eq!(
        report(folder.path(), "a.yaml"),
        [
            "a.yaml:1:11: extends: cannot read `no.toml`: there is no such file; \
             check the path, or write one with `hydra init`",
            "a.yaml:1:20: extends: unknown suffix of `b.ini`; name the file .toml, .yaml, .yml or .json",
            "a.yaml:1:27: extends: expected the name of a file, or a list of them, found a whole number; \
             for example `extends = \"base.toml\"`",
        ]
    );
    let error = LoggingConfig::from_text("extends = \"a.toml\"", Syntax::Toml).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the configuration has 1 error:\n  <text>:1:1: extends: \
         a text has no place from which to find other files; write it to a file"
    );
}
