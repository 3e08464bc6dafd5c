//! What stands in a directory at one moment: all that a death at that moment would leave.
//!
//! What a process stores into a file's map is in the kernel's hands from that instruction on, so the bytes that can be
//! read from the file are those that a SIGKILL would leave.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The files of a directory and those below it, by their paths in it. A directory has no bytes.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    files: BTreeMap<PathBuf, Option<Vec<u8>>>,
    scratch: Vec<u8>,
}

impl Snapshot {
    /// Takes in what stands in `dir` now; says whether it has changed since the last time.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn take(&mut self, dir: &Path) -> io::Result<bool> {
        let mut seen = Vec::new();
        let mut changed = self.walk(dir, Path::new(""), &mut seen)?;
        if seen.len() != self.files.len() {
            self.files.retain(|path, _| seen.contains(path));
            changed = true;
        }
        Ok(changed)
    }

    fn walk(&mut self, root: &Path, below: &Path, seen: &mut Vec<PathBuf>) -> io::Result<bool> {
        let mut changed = false;
        for entry in fs::read_dir(root.join(below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                changed |= self.files.insert(path.clone(), None) != Some(None);
                changed |= self.walk(root, &path, seen)?;
            } else {
                self.scratch.clear();
                File::open(entry.path())?.read_to_end(&mut self.scratch)?;
                if self.files.get(&path).and_then(Option::as_ref) != Some(&self.scratch) {
                    self.files.insert(path.clone(), Some(self.scratch.clone()));
                    changed = true;
                }
            }
            seen.push(path);
        }
        Ok(changed)
    }

    /// Writes it all into another directory.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn put(&self, dir: &Path) -> io::Result<()> {
        // A directory's path is less than those of the files in it, so it comes first.
        for (path, bytes) in &self.files {
            match bytes {
                None => fs::create_dir_all(dir.join(path))?,
                Some(bytes) => fs::write(dir.join(path), bytes)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every change is seen, once, and a copy is no different.
    #[test]
    fn changes_are_seen() {
        let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (dir, copy) = (dir.path(), copy.path());
        let mut snapshot = Snapshot::default();
        let changes: [fn(&Path) -> io::Result<()>; 5] = [
            |dir| fs::create_dir(dir.join("a")),
            |dir| fs::write(dir.join("a/b"), "one"),
            |dir| fs::write(dir.join("a/b"), "two"),
            |dir| fs::rename(dir.join("a/b"), dir.join("c")),
            |dir| fs::remove_dir(dir.join("a")),
        ];
        for change in changes {
            change(dir).unwrap();
            assert_eq!(
                (snapshot.take(dir).unwrap(), snapshot.take(dir).unwrap()),
                (true, false)
            );
        }
        snapshot.put(copy).unwrap();
        assert!(!snapshot.take(copy).unwrap());
    }
}
