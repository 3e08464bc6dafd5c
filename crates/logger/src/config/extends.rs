//! Files that lie on top of others: `extends = "base.toml"`.
//!
//! Parents come first and the child wins: tables merge key by key, everything else is replaced. Every finding names the
//! file in which its key stands.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hydra_os::disk::{self, File, Mode};

use super::expand::Environment;
use super::file::{FILE_BYTES_MAX, Syntax, document};
use super::keys::ROOT;
use super::node::{At, KeyPath, Node, Value};
use crate::error::Finding;

/// The longest chain of files that extend each other.
const FILES_DEEP_MAX: usize = 5;

/// The files that are being read, each extended by the one before it.
pub(crate) struct Chain<'e> {
    environment: Environment<'e>,
    files: Vec<(PathBuf, String)>,
    pub(crate) findings: Vec<Finding>,
}

impl<'e> Chain<'e> {
    pub(crate) fn new(environment: Environment<'e>) -> Chain<'e> {
        Chain {
            environment,
            files: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Reads a file and what it extends into one tree; none if any of it cannot be parsed.
    pub(crate) fn load(&mut self, path: &Path) -> Option<Node> {
        self.file(path, None)
    }

    /// Reads a file that was asked for at a place of another, or by the caller.
    fn file(&mut self, path: &Path, asked: Option<&At>) -> Option<Node> {
        let name = path.display().to_string();
        let report = |message: String, suggestion: &str| {
            let finding = match asked {
                Some(at) => at.finding("extends", message),
                None => Finding::new("", message).in_file(&name),
            };
            finding.suggest(suggestion)
        };
        let Some(syntax) = Syntax::of(path) else {
            let message = match asked {
                Some(_) => format!("unknown suffix of `{name}`"),
                None => "unknown suffix".to_owned(),
            };
            self.findings
                .push(report(message, "name the file .toml, .yaml, .yml or .json"));
            return None;
        };
        let text = match read(path) {
            Ok(text) => text,
            Err(unreadable) => {
                let message = match asked {
                    Some(_) => format!("cannot read `{name}`: {}", unreadable.message),
                    None => format!("cannot read the file: {}", unreadable.message),
                };
                self.findings.push(report(message, unreadable.suggestion));
                return None;
            }
        };
        let file: Arc<str> = Arc::from(name.as_str());
        let tree = document(&text, syntax, &file, self.environment, &mut self.findings)?;
        self.files.push((identity(path), name));
        let tree = self.on_its_parents(tree, path);
        self.files.pop();
        tree
    }

    /// Lays a file on those it extends.
    fn on_its_parents(&mut self, mut tree: Node, path: &Path) -> Option<Node> {
        let Some(extends) = tree.take("extends") else {
            return Some(tree);
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut base: Option<Node> = None;
        let mut is_whole = true;
        for (name, at) in self.parents(&extends.node) {
            let parent = folder.join(&name);
            let loaded = match self.refusal(&parent) {
                Some((message, suggestion)) => {
                    self.findings.push(at.finding("extends", message).suggest(suggestion));
                    None
                }
                None => self.file(&parent, Some(&at)),
            };
            match (loaded, base.take()) {
                (Some(loaded), Some(under)) => base = Some(under.merge(loaded)),
                (Some(loaded), None) => base = Some(loaded),
                (None, under) => {
                    base = under;
                    is_whole = false;
                }
            }
        }
        // A missing parent would make keys look absent that are not; what is reported already is enough.
        is_whole.then(|| match base {
            Some(base) => base.merge(tree),
            None => tree,
        })
    }

    /// Reads the names of the files to extend.
    fn parents(&mut self, node: &Node) -> Vec<(String, At)> {
        let nodes = match &node.value {
            Value::List(nodes) => nodes.iter().collect(),
            Value::Null => Vec::new(),
            _ => vec![node],
        };
        let mut parents = Vec::new();
        for node in nodes {
            match &node.value {
                Value::Text(text) if !text.text.trim().is_empty() => {
                    parents.push((text.text.clone(), node.at.clone()));
                }
                other => {
                    let message = format!("expected the name of a file, or a list of them, found {}", other.kind());
                    let example = ROOT.key("extends").map_or("", |key| key.example);
                    let finding = node.at.finding(KeyPath::default().key("extends"), message);
                    self.findings
                        .push(finding.suggest(format!("for example `extends = {example}`")));
                }
            }
        }
        parents
    }

    /// Says why a file may not be extended from here.
    fn refusal(&self, parent: &Path) -> Option<(String, String)> {
        let identity = identity(parent);
        if let Some(begin) = self.files.iter().position(|(other, _)| *other == identity) {
            let mut names: Vec<&str> = self.files.iter().skip(begin).map(|(_, name)| name.as_str()).collect();
            names.extend(names.first().copied());
            let message = format!("the files extend each other in a circle: {}", names.join(" -> "));
            return Some((message, "remove one of the links".to_owned()));
        }
        if self.files.len() >= FILES_DEEP_MAX {
            let message = format!("more than {FILES_DEEP_MAX} files extend each other");
            return Some((message, "merge some of them".to_owned()));
        }
        None
    }
}

/// The file itself, however it is written; a missing one is told by its name.
fn identity(path: &Path) -> PathBuf {
    disk::canonical(path).unwrap_or_else(|_| path.to_owned())
}

/// Reads a whole file; one that is past the limit is not read at all.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path, Mode::Read)?;
    let info = file.info()?;
    if !info.is_regular {
        // Reading a pipe would wait for whoever fills it.
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let len = usize::try_from(info.len).ok().filter(|_| info.len <= FILE_BYTES_MAX);
    let mut bytes = vec![0; len.ok_or(io::ErrorKind::FileTooLarge)?];
    let count = file.read_at(&mut bytes, 0)?;
    bytes.truncate(count);
    Ok(bytes)
}

struct Unreadable {
    message: String,
    suggestion: &'static str,
}

fn read(path: &Path) -> Result<String, Unreadable> {
    let bytes = bytes(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Unreadable {
            message: "there is no such file".to_owned(),
            suggestion: "check the path, or write one with `hydra init`",
        },
        io::ErrorKind::IsADirectory => Unreadable {
            message: "it is no plain file".to_owned(),
            suggestion: "name a file",
        },
        io::ErrorKind::FileTooLarge => Unreadable {
            message: format!("it has more than {FILE_BYTES_MAX} bytes"),
            suggestion: "check that it is a configuration",
        },
        _ => Unreadable {
            message: error.to_string(),
            suggestion: "check its permissions",
        },
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
        Unreadable {
            message: format!("line {line} is not UTF-8"),
            suggestion: "save it as UTF-8",
        }
    })
}
