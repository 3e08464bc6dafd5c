use std::os::fd::AsRawFd as _;

use std::io;
use std::os::fd::AsFd as _;

use super::*;

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Each mode opens what it says and nothing else, and every descriptor is above 2 and closes on exec.
#[test]
fn modes() {
    let dir = dir();
    let path = dir.path().join("f");
    for mode in [Mode::Read, Mode::ReadWrite, Mode::Append] {
        assert_eq!(File::open(&path, mode).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
    let made = File::open(&path, Mode::CreateReadWrite).unwrap();
    assert!(made.as_raw_fd() > 2);
    assert_eq!(
        File::open(&path, Mode::CreateReadWrite).unwrap_err().kind(),
        io::ErrorKind::AlreadyExists
    );
    made.write_at(b"hello", 3).unwrap();
    let appender = File::open(&path, Mode::CreateAppend).unwrap();
    assert_eq!(appender.append(b"!").unwrap(), 1);
    assert_eq!(appender.id().unwrap(), id_of(&path).unwrap().unwrap());
    let mut read = [9; 16];
    assert_eq!(File::open(&path, Mode::Read).unwrap().read_at(&mut read, 1).unwrap(), 8);
    assert_eq!(read.get(..8).unwrap(), b"\0\0hello!");
    made.truncate(2).unwrap();
    appender.append(b"x").unwrap();
    assert_eq!((made.len().unwrap(), len_of(&path).unwrap()), (3, Some(3)));
    appender.sync_data().unwrap();
    appender.sync_file_system().unwrap();
    let info = made.info().unwrap();
    made.set_mode(0o640).unwrap();
    assert_eq!(made.info().unwrap().mode, 0o640);
    assert!(info.is_regular && info.links == 1 && info.modified_ns > 0);
    remove_file(&path).unwrap();
    assert_eq!((made.links().unwrap(), info_of(&path).unwrap()), (0, None));
}

/// The lock is exclusive between two openings of one file, and goes with the opening.
#[test]
fn locks() {
    let dir = dir();
    let path = dir.path().join("f");
    let one = File::open(&path, Mode::CreateAppend).unwrap();
    let two = File::open(&path, Mode::Read).unwrap();
    one.lock().unwrap();
    assert!(!two.try_lock().unwrap());
    one.unlock().unwrap();
    assert!(two.try_lock().unwrap());
    assert!(!one.try_lock().unwrap());
    drop(two);
    assert!(one.try_lock().unwrap());
}

/// Preallocated blocks read as zeros, count towards the length, and can be given back without changing it.
#[test]
fn blocks() {
    let dir = dir();
    let file = File::open(dir.path().join("f"), Mode::CreateReadWrite).unwrap();
    let _ = file.no_copy_on_write();
    file.preallocate(0).unwrap();
    file.preallocate(100_000).unwrap();
    assert_eq!(file.len().unwrap(), 100_000);
    file.write_at(b"xyz", 99_997).unwrap();
    file.warm_up(100_000, Pieces::Large);
    file.warm_up(100_000, Pieces::Pages);
    let mut read = [9; 3];
    file.read_at(&mut read, 99_997).unwrap();
    assert_eq!((read, file.len().unwrap()), ([0; 3], 100_000));
    file.write_at(b"abc", 0).unwrap();
    file.preallocate(10).unwrap();
    assert_eq!(file.len().unwrap(), 100_000);
    match file.free_blocks(65_536) {
        Ok(()) => {
            let mut read = [9; 3];
            file.read_at(&mut read, 0).unwrap();
            assert_eq!((read, file.len().unwrap()), ([0; 3], 100_000));
        }
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::Unsupported),
    }
    assert_eq!(
        file.preallocate(u64::MAX).unwrap_err().raw_os_error(),
        Some(libc::EFBIG)
    );
    assert!(file_len_max() > 0);
}

/// Renaming replaces, or refuses to, as asked; a file not yet there has a canonical path as soon as its directory has,
/// also where only a link is there that leads to it.
#[test]
fn names() {
    let dir = dir();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    File::open(&one, Mode::CreateAppend).unwrap().append(b"1").unwrap();
    File::open(&two, Mode::CreateAppend).unwrap().append(b"22").unwrap();
    assert_eq!(rename_new(&one, &two).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!((len_of(&one).unwrap(), len_of(&two).unwrap()), (Some(1), Some(2)));
    rename(&one, &two).unwrap();
    assert_eq!((len_of(&one).unwrap(), len_of(&two).unwrap()), (None, Some(1)));
    rename_new(&two, &one).unwrap();
    assert_eq!(list(dir.path()).unwrap(), ["one"]);
    sync_dir(dir.path()).unwrap();
    File::open(dir.path(), Mode::Read).unwrap().sync_names().unwrap();

    let sub = dir.path().join("a/b");
    assert_eq!(canonical(sub.join("f")).unwrap_err().kind(), io::ErrorKind::NotFound);
    create_dir_all(&sub).unwrap();
    let there = canonical(dir.path()).unwrap();
    assert_eq!(canonical(sub.join("../b/./f")).unwrap(), there.join("a/b/f"));
    std::os::unix::fs::symlink(&one, sub.join("link")).unwrap();
    assert_eq!(canonical(sub.join("link")).unwrap(), there.join("one"));
    std::os::unix::fs::symlink("../new", sub.join("away")).unwrap();
    std::os::unix::fs::symlink("away", sub.join("far")).unwrap();
    assert_eq!(canonical(sub.join("far")).unwrap(), there.join("a/new"));
    std::os::unix::fs::symlink("round", sub.join("round")).unwrap();
    assert_eq!(
        canonical(sub.join("round")).unwrap_err().raw_os_error(),
        Some(libc::ELOOP)
    );
    for link in ["link", "away", "far", "round"] {
        remove_file(sub.join(link)).unwrap();
    }
    remove_dir(&sub).unwrap();
    file_system(dir.path()).unwrap();
    assert_eq!(file_system("/dev/shm").unwrap(), FileSystem::Memory);
}

/// Where a file system knows neither the careful rename nor second names, nothing is replaced either.
#[test]
fn renamed_in_two_steps() {
    let dir = dir();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    File::open(&one, Mode::CreateAppend).unwrap().append(b"1").unwrap();
    std::os::unix::fs::symlink("nowhere", &two).unwrap();
    let refused = tree::rename_if_free(&one, &two).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
    remove_file(&two).unwrap();
    tree::rename_if_free(&one, &two).unwrap();
    assert_eq!(list(dir.path()).unwrap(), ["two"]);
}

/// A full pipe is not ready, an empty one is, and one that nobody reads says so instead of waiting.
#[test]
fn streams() {
    let (reader, writer) = io::pipe().unwrap();
    let end = writer.as_fd();
    assert!(wait_writable(end, 0).unwrap());
    let mut filled = 0;
    while wait_writable(end, 0).unwrap() {
        filled += write_once(end, &[0; 4096]).unwrap();
    }
    assert!(filled >= 4096 && !wait_writable(end, 1).unwrap());
    drop(reader);
    assert!(wait_writable(end, 0).unwrap());
    assert_eq!(write_once(end, b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(Stream::Output.as_fd().as_raw_fd(), 1);
    assert_eq!(Stream::Error.as_fd().as_raw_fd(), 2);
}

/// An attribute stays with the file under another name, and a file has none before it is put there.
#[test]
fn attributes() {
    let dir = dir();
    let (path, moved) = (dir.path().join("f"), dir.path().join("g"));
    let file = File::open(&path, Mode::CreateAppend).unwrap();
    if file.set_attribute(c"user.one", b"old").is_err() {
        println!("skipped: files have no attributes here");
        return;
    }
    file.set_attribute(c"user.one", b"newer").unwrap();
    rename(&path, &moved).unwrap();
    let mut value = [0; 8];
    let reader = File::open(&moved, Mode::Read).unwrap();
    assert_eq!(reader.attribute(c"user.one", &mut value).unwrap(), 5);
    assert_eq!(value.get(..5).unwrap(), b"newer");
    assert_eq!(reader.attribute(c"user.two", &mut value).unwrap(), 0);
    assert!(reader.attribute(c"user.one", &mut value[..4]).is_err());
}

/// A call that a signal interrupts is made again, and one that is interrupted every time is an error in the end.
#[test]
fn interruptions_end() {
    let mut left = 7;
    let now_and_then = uninterrupted(|| {
        left -= 1;
        if left > 0 {
            Err(io::ErrorKind::Interrupted.into())
        } else {
            Ok(left)
        }
    });
    assert_eq!(now_and_then.unwrap(), 0);
    let mut calls = 0;
    let always: io::Result<()> = uninterrupted(|| {
        calls += 1;
        Err(io::ErrorKind::Interrupted.into())
    });
    assert_eq!(
        (always.unwrap_err().kind(), calls),
        (io::ErrorKind::Interrupted, INTERRUPTIONS_MAX + 1)
    );
}
