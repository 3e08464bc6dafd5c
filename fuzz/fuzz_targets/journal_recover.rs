//! Whatever happened to the files of a dead process's journal, looking at it and taking it over neither panics nor
//! hangs.
//!
//! A good journal is made once; the input patches copies of its files: six bytes a patch, for file, offset and value.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use hydra_journal::{Adopted, Journal, Options, SEGMENT_BYTES_MIN, inspect};
use libfuzzer_sys::fuzz_target;

/// The files of a journal, as SIGKILL would leave them.
struct Good {
    files: Vec<(PathBuf, Vec<u8>)>,
    /// Where copies are made.
    root: PathBuf,
}

fn good() -> &'static Good {
    static GOOD: OnceLock<Good> = OnceLock::new();
    GOOD.get_or_init(|| {
        let base = std::env::temp_dir().join(format!("hydra-fuzz-{}", std::process::id()));
        let origin = base.join("origin");
        let options = Options {
            dir: Some(origin.clone()),
            segment_bytes: SEGMENT_BYTES_MIN,
            ..Options::default()
        };
        let journal = Journal::create(options).expect("a fresh directory takes a journal");
        let _cursor = journal.cursor("file").expect("a fresh journal takes a cursor");
        for number in 0..40_u32 {
            let payload = format!("record {number} {}", "x".repeat(number as usize));
            journal
                .writer()
                .append(payload.as_bytes(), &[])
                .expect("there is space");
        }
        // The files are read while the journal lives: closing it would tidy them up.
        let mut files = Vec::new();
        read_all(&origin, &origin, &mut files);
        files.sort();
        Good {
            files,
            root: base.join("copy"),
        }
    })
}

fn read_all(root: &Path, dir: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(dir).expect("it is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_all(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("it lies under the root").to_path_buf();
            files.push((name, fs::read(&path).expect("it can be read")));
        }
    }
}

fuzz_target!(|patches: &[u8]| {
    let good = good();
    let _ = fs::remove_dir_all(&good.root);
    let mut files = good.files.clone();
    let count = files.len();
    for patch in patches.chunks_exact(6) {
        let [file, a, b, c, d, value] = [0, 1, 2, 3, 4, 5].map(|at| patch[at]);
        let bytes = &mut files[usize::from(file) % count].1;
        let at = u32::from_le_bytes([a, b, c, d]) as usize % bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= value;
        }
    }
    for (name, bytes) in &files {
        let path = good.root.join(name);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("the temporary folder takes folders");
        fs::write(path, bytes).expect("the temporary folder takes files");
    }
    let _ = inspect(&good.root);
    let _ = Adopted::all(&good.root);
});
