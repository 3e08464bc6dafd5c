//! Every command besides `pipe`: what it prints, where, and the exit code.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use common::{Place, progress, ran, wait_until};
use hydra_journal::{Adopted, CursorState, Journal, Options};

const GOOD: &str = "[layers.APP]\ndestinations = [{ type = \"file\", path = \"app.log\" }]\n";

/// `check` prints one line, the resolved configuration or the schema, and exits with 0.
#[test]
fn check_accepts_what_is_right() {
    let place = Place::new();
    place.write("hydra.toml", GOOD);
    let ran = place.run(&["check", "hydra.toml"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(0), "hydra.toml: 1 layer, 1 destination, no errors\n")
    );
    let printed = place.run(&["check", "hydra.toml", "--print"]);
    assert!(
        printed.code == Some(0) && printed.out.contains("path = \"app.log\""),
        "{printed:?}"
    );
    place.write("printed.toml", &printed.out);
    assert_eq!(place.run(&["check", "printed.toml", "--print"]).out, printed.out);
    let schema = place.run(&["check", "--schema"]);
    let schema: serde_json::Value = serde_json::from_str(&schema.out).unwrap();
    assert_eq!(schema["title"], "Hydra-Logger configuration");
}

/// Everything wrong is printed with its place, key and suggestion, and the exit code is 2; the same from every command.
#[test]
fn every_error_of_a_configuration_is_printed() {
    let file = |rest: &str| format!("[layers.APP]\ndestinations = [{{ type = \"file\", path = \"a.log\", {rest} }}]\n");
    let wrong = [
        (
            file("formt = \"json\""),
            "hydra.toml:2:50: layers.APP.destinations[0].formt: unknown key",
            "`format`",
        ),
        (
            file("level = true"),
            "hydra.toml:2:58: layers.APP.destinations[0].level: ",
            "level",
        ),
        (
            file("max_size = \"5 apples\""),
            "hydra.toml:2:61: layers.APP.destinations[0].max_size: ",
            "5MB",
        ),
        (
            "[layers.APP]\ndestinations = [{ type = \"file\" }]\n".to_owned(),
            "layers.APP.destinations[0]",
            "path",
        ),
    ];
    for (text, start, part) in wrong {
        let place = Place::new();
        place.write("hydra.toml", &text);
        let ran = place.run(&["check", "hydra.toml"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
        assert!(
            ran.err
                .starts_with("hydra: the configuration `hydra.toml` has 1 error:\n  "),
            "{}",
            ran.err
        );
        assert!(ran.err.contains(start) && ran.err.contains(part), "{}", ran.err);
        for command in ["pipe", "recover"] {
            assert_eq!(place.run(&[command, "--config", "hydra.toml"]).code, Some(2));
        }
    }
    let place = Place::new();
    place.write("hydra.toml", "levl = 1\n[layers.APP]\nlvel = \"INFO\"\n");
    let ran = place.run(&["check", "hydra.toml"]);
    assert!(
        ran.code == Some(2) && ran.err.contains("has 2 errors:") && ran.err.contains("hydra.toml:3:1:"),
        "{}",
        ran.err
    );
}

/// A file that is not there and one that cannot be read are errors that name it.
#[test]
fn a_missing_configuration_is_named() {
    let place = Place::new();
    for command in [
        &["check", "none.toml"][..],
        &["pipe", "--config", "none.toml"],
        &["recover", "--config", "none.toml"],
    ] {
        let ran = place.run(command);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
        assert!(
            ran.err.contains("none.toml") && ran.err.contains("there is no such file"),
            "{}",
            ran.err
        );
    }
}

/// A destination or a journal that cannot be made is an error that names the path, before a line is read.
#[test]
fn an_unwritable_path_is_named() {
    let place = Place::new();
    place.write("plain", "a file where a directory should be");
    let journal = format!("[journal]\ndir = \"plain/journal\"\n{GOOD}");
    for (text, path) in [
        (GOOD.replace("app.log", "plain/app.log"), "plain/app.log"),
        (journal, "plain/journal"),
    ] {
        place.write("hydra.toml", &text);
        let ran = place.feed(&["pipe", "--config", "hydra.toml"], b"a line\n");
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        assert!(
            ran.err.starts_with("hydra: cannot ") && ran.err.contains(path),
            "{}",
            ran.err
        );
    }
    place.write("hydra.toml", GOOD);
    let ran = place.feed(
        &["pipe", "--config", "hydra.toml", "--progress", "plain/count"],
        b"a line\n",
    );
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err
            .starts_with("hydra: cannot keep the progress in `plain/count`: "),
        "{}",
        ran.err
    );
}

/// `presets` lists them all; `init` writes each as a file that `check` accepts, and overwrites nothing.
#[test]
fn presets_become_files() {
    let place = Place::new();
    let listed = place.run(&["presets"]);
    assert_eq!((listed.code, listed.out.lines().count()), (Some(0), 9));
    for line in listed.out.lines() {
        let (name, description) = line.split_once("  ").unwrap();
        assert!(!description.trim().is_empty());
        let output = format!("{name}.toml");
        assert_eq!(
            place.run(&["init", "--preset", name, "--output", &output]).code,
            Some(0)
        );
        let text = place.read(&output);
        assert!(text.starts_with("# ") && text.contains(description.trim()), "{text}");
        let checked = place.run(&["check", &output]);
        assert_eq!(checked.code, Some(0), "{}", checked.err);
        assert_eq!(place.run(&["init", "--preset", name]).out, text);
    }
    let again = place.run(&["init", "--preset", "testing", "--output", "testing.toml"]);
    assert_eq!(again.code, Some(1));
    let advice = "it is there already; name another file, or remove it first";
    assert_eq!(again.err, format!("hydra: cannot write `testing.toml`: {advice}\n"));
}

/// An unknown preset is answered with the nearest and with all that are known.
#[test]
fn an_unknown_preset_is_answered() {
    let ran = Place::new().run(&["init", "--preset", "prodution"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    let start =
        "hydra: cannot use the magic configuration `prodution`: there is none of that name; did you mean `production`?";
    assert!(ran.err.starts_with(start) && ran.err.contains("web_app"), "{}", ran.err);
}

/// `recover` delivers what a killed process left, prints the counts, and leaves nothing for a second time.
#[test]
fn recover_delivers_what_is_left() {
    let place = Place::new();
    place.config(&["json", "plain-text"], "");
    let arguments = ["pipe", "--config", "hydra.toml", "--progress", "count"];
    let mut child = place.hydra(&arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, &b"a line\n".repeat(5000)).unwrap();
    wait_until("all lines are accepted", || progress(&place.path("count")) == 5000);
    child.kill().unwrap();
    child.wait().unwrap();
    let ran = place.run(&["recover", "--config", "hydra.toml"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.out.lines().filter(|line| line.starts_with("APP|")).count(),
        2,
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .lines()
            .all(|line| !line.starts_with("APP|") || (line.starts_with("APP|file|") && line.contains(" delivered, "))),
        "{}",
        ran.out
    );
    for name in ["json.log", "plain-text.log"] {
        assert_eq!(place.read(name).lines().count(), 5000, "{name}");
    }
    assert_eq!(place.run(&["journal", "journal"]).out, "no journals\n");
    let again = place.run(&["recover", "--config", "hydra.toml"]);
    assert!(
        again.code == Some(0) && again.out.contains(": 0 delivered, 0 there already\n"),
        "{again:?}"
    );
}

/// What the configuration has no destination for stays, is named, and makes the exit code 1.
#[test]
fn recover_tells_what_is_left() {
    let place = Place::new();
    place.config(&["json"], "");
    let dir = dead_journal(&place.path("journal"), 3);
    let ran = place.run(&["recover", "--config", "hydra.toml"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out
            .contains(&format!("{dir}: left, 3 records behind the cursor of head")),
        "{}",
        ran.out
    );
}

/// Without a journal directory there is nothing to recover.
#[test]
fn recover_without_a_journal() {
    let place = Place::new();
    place.write("hydra.toml", GOOD);
    let ran = place.run(&["recover", "--config", "hydra.toml"]);
    let expected = "nothing to recover: the configuration names no `journal.dir`\n";
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), expected));
}

fn journal_in(root: &Path, records: usize) -> (Journal, String) {
    let journal = Journal::create(Options {
        dir: Some(root.to_owned()),
        ..Options::default()
    })
    .unwrap();
    let (_head, mut writer) = (journal.cursor("head").unwrap(), journal.writer());
    for number in 0..records {
        writer.append(format!("record {number}").as_bytes(), &[]).unwrap();
    }
    let dir = journal.dir().unwrap().display().to_string();
    (journal, dir)
}

/// A journal whose owner has gone and whose records no head has read.
fn dead_journal(root: &Path, records: usize) -> String {
    journal_in(root, records).1
}

/// A journal that a living process owns is named with the process and left alone.
#[test]
fn a_living_owner_is_left_alone() {
    let place = Place::new();
    place.config(&["json"], "");
    let (_journal, dir) = journal_in(&place.path("journal"), 7);
    let ran = place.run(&["recover", "--config", "hydra.toml"]);
    let told = format!(
        "{dir}: in use by the living process {}, left alone\n",
        std::process::id()
    );
    assert!(ran.code == Some(0) && ran.out.ends_with(&told), "{ran:?}");
    let shown = place.run(&["journal", "journal"]);
    assert!(
        shown.code == Some(0) && shown.out.contains("alive") && shown.out.contains("7 records behind"),
        "{shown:?}"
    );
}

/// `journal` shows segments, heads and how far they are behind, as text and as JSON, and changes nothing.
#[test]
fn journal_shows_what_is_there() {
    let place = Place::new();
    let dir = dead_journal(&place.path("journal"), 12);
    let plain = place.run(&["journal", "journal"]);
    assert_eq!(plain.code, Some(0), "{plain:?}");
    assert!(
        plain.out.contains("segment 1: 12 records, 0 notes") && plain.out.contains("head head: at 1:"),
        "{}",
        plain.out
    );
    for target in ["journal", &dir] {
        let json: serde_json::Value = serde_json::from_str(&place.run(&["journal", target, "--json"]).out).unwrap();
        assert_eq!((&json[0]["alive"], &json[0]["corrupt"]), (&false.into(), &false.into()));
        assert_eq!(
            (&json[0]["segments"][0]["records"], &json[0]["heads"][0]["behind"]),
            (&12.into(), &12.into())
        );
    }
    let none = place.run(&["journal", "nowhere"]);
    assert_eq!((none.code, none.out.as_str()), (Some(1), ""));
    assert!(
        none.err
            .starts_with("hydra: cannot look at the journal directory `nowhere`: No such file"),
        "{}",
        none.err
    );
}

/// A journal with changed bytes is told with file and place, and the exit code is 3. When all that can be read of it is
/// delivered, the damaged file is all that is left, and told.
#[test]
fn a_corrupt_journal_is_placed() {
    let place = Place::new();
    dead_journal(&place.path("journal"), 12);
    let shown: serde_json::Value = serde_json::from_str(&place.run(&["journal", "journal", "--json"]).out).unwrap();
    let segment = shown[0]["segments"][0]["path"].as_str().unwrap();
    let file = place.path(segment);
    let mut bytes = std::fs::read(&file).unwrap();
    let at = memchr::memmem::find(&bytes, b"record 5").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let ran = place.run(&["journal", "journal"]);
    assert_eq!(ran.code, Some(3));
    let start = format!("hydra: the journal is corrupt:\n  {segment}: segment 1, byte ");
    assert!(
        ran.err.starts_with(&start) && ran.err.ends_with(" bytes damaged\n"),
        "{}",
        ran.err
    );
    assert!(
        ran.out.contains("11 records") && ran.out.contains("corrupt"),
        "{}",
        ran.out
    );
    let adopted = Adopted::all(&place.path("journal")).unwrap().remove(0).unwrap();
    let head = adopted.cursor("head").unwrap().unwrap();
    head.save(&CursorState {
        position: adopted.end(),
        ..CursorState::default()
    });
    assert!(adopted.remove_if_done().unwrap());
    let ran = place.run(&["journal", "journal"]);
    let told = ran.out.starts_with("no journals\njournal/damaged/j-") && ran.out.ends_with(".seg  damaged, and kept\n");
    assert!(ran.code == Some(0) && told, "{ran:?}");
}

/// The demo shows all formats, kills, recovers, and proves that nothing was lost; it cleans up after itself.
#[test]
fn demo_proves_it() {
    let place = Place::new();
    let child = place.hydra(&["demo"]).env("TMPDIR", place.path("")).spawn().unwrap();
    let ran = ran(child);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for part in [
        "plain-text",
        "json",
        "csv",
        "syslog",
        "gelf",
        "logfmt",
        "           0  lost",
        "           0  doubled",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert!(
        !ran.out.contains('\x1b') && !ran.out.contains("below the"),
        "{}",
        ran.out
    );
    assert_eq!(std::fs::read_dir(place.path("")).unwrap().count(), 0);
}

/// Every command's help has an example; a wrong command line is 2, on standard error, with a suggestion.
#[test]
fn help_has_examples() {
    let place = Place::new();
    for command in ["pipe", "check", "recover", "journal", "presets", "init", "demo"] {
        let ran = place.run(&[command, "--help"]);
        assert!(ran.code == Some(0) && ran.err.is_empty(), "{ran:?}");
        assert!(
            ran.out.contains("Example:\n") && ran.out.contains(&format!("hydra {command}")),
            "{}",
            ran.out
        );
    }
    for (arguments, part) in [
        (&["pipes"][..], "'pipe'"),
        (&["pipe"], "--config <FILE>"),
        (&["pipe", "--config", "a.toml", "--level", "loud"], "loud"),
        (
            &["pipe", "--config", "a.toml", "--parse", "xml"],
            "known are: text, json, logfmt",
        ),
        (&["pipe", "--config", "a.toml", "--colour", "x"], "--color"),
        (
            &["recover", "--config", "a.toml", "--timeout", "soon"],
            "give a number of seconds",
        ),
        (&["check"], "<FILE>"),
    ] {
        let ran = place.run(arguments);
        assert!(
            ran.code == Some(2) && ran.out.is_empty() && ran.err.contains(part),
            "{arguments:?}: {ran:?}"
        );
    }
}

/// A reader that goes away ends any command without a noise.
#[test]
fn a_closed_pipe_is_quiet() {
    let place = Place::new();
    let mut child = place.hydra(&["check", "--schema"]).spawn().unwrap();
    drop(child.stdout.take());
    let ran = ran(child);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

/// A configuration that may not be read is told, with the reason.
#[test]
fn a_forbidden_configuration_is_named() {
    let place = Place::new();
    let path = place.write("hydra.toml", GOOD);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Whoever may read everything sees no difference.
    let is_allowed = std::fs::read(&path).is_ok();
    let ran = place.run(&["check", "hydra.toml"]);
    assert_eq!(ran.code, Some(if is_allowed { 0 } else { 2 }), "{}", ran.err);
}
