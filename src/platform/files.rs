//! Files that are written whole or not at all, private files, locks, and a stamp that tells when
//! files changed.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::SystemTime,
};

use thiserror::Error;

/// What went wrong with a file.
#[derive(Debug, Error)]
pub enum FilesError {
    /// The file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A new file was wanted, and there is one already.
    #[error("{} exists already and is not overwritten; move it away or choose another place", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be looked at.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Others than its owner can use a private file.
    #[error("{} can be used by others (mode {mode:04o}); make it private with: chmod 600 {}", path.display(), quoted(path))]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Others than its owner can write into a directory that should be private.
    #[error("others can write into {} (mode {mode:04o}); make it private with: chmod 700 {}", path.display(), quoted(path))]
    OpenDirectory {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Something else is where a directory is wanted.
    #[error("{} is not a directory", path.display())]
    NoDirectory {
        /// What is there.
        path: PathBuf,
    },
    /// A directory that this process may not use.
    #[error("{} is not for the user that runs this", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The directory could not be made.
    #[error("cannot make the directory {}", path.display())]
    Make {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The lock file could not be locked.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Writes a file that only its owner may read. A reader sees the old content or the new, never a
/// part, and after a crash one of the two is there.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), FilesError> {
    Staged::write(path, bytes, Mode::Private)?.replace()
}

/// Writes a file that everybody may read, in the same way as [`write_private`].
pub fn write_public(path: &Path, bytes: &[u8]) -> Result<(), FilesError> {
    Staged::write(path, bytes, Mode::Public)?.replace()
}

/// Writes a file that only its owner may read, and refuses when there is one by that name.
pub fn create_private_new(path: &Path, bytes: &[u8]) -> Result<(), FilesError> {
    Staged::write(path, bytes, Mode::Private)?.create_new(bytes)
}

/// Refuses a file that others than its owner may read or write.
#[cfg(unix)]
pub fn check_private(path: &Path) -> Result<(), FilesError> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = fs::metadata(path).map_err(|source| FilesError::Read { path: path.into(), source })?;
    match metadata.permissions().mode() & 0o7777 {
        mode if mode & 0o077 != 0 => Err(FilesError::NotPrivate { path: path.into(), mode }),
        _ => Ok(()),
    }
}

/// Refuses a file that is not there. Who may read it is left to the system's access lists.
#[cfg(not(unix))]
pub fn check_private(path: &Path) -> Result<(), FilesError> {
    fs::metadata(path).map(|_| ()).map_err(|source| FilesError::Read { path: path.into(), source })
}

/// Makes a directory that only its owner may use, where there is none; that above it must be there.
/// Refuses one where others may write: they could put their files in the place of ours.
pub fn make_private_directory(path: &Path) -> Result<(), FilesError> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check_directory(path),
        made => made.map_err(|source| FilesError::Make { path: path.into(), source }),
    }
}

/// Refuses what is no directory, and one where others than its owner may write.
pub fn check_directory(path: &Path) -> Result<(), FilesError> {
    let metadata = fs::metadata(path).map_err(|source| FilesError::Read { path: path.into(), source })?;
    if !metadata.is_dir() {
        return Err(FilesError::NoDirectory { path: path.into() });
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o022 != 0 {
            return Err(FilesError::OpenDirectory { path: path.into(), mode });
        }
    }
    Ok(())
}

/// Makes a file's new name last through a crash.
pub fn sync_directory_of(path: &Path) -> Result<(), FilesError> {
    if cfg!(unix) {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let failed = |source| FilesError::Write { path: path.into(), source };
        File::open(directory).and_then(|d| d.sync_all()).map_err(failed)?;
    }
    Ok(())
}

/// Gives a complete file that lies in the same directory its name, unless that is taken. It is on disk
/// when this returns.
pub fn place_new(temporary: &Path, target: &Path) -> Result<(), FilesError> {
    let failed = |source| FilesError::Write { path: target.into(), source };
    File::open(temporary).and_then(|file| file.sync_all()).map_err(failed)?;
    let staged = Staged { target, temporary: temporary.into(), mode: Mode::Private };
    match fs::hard_link(temporary, target) {
        Ok(()) => sync_directory_of(target),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists || target.exists() => {
            Err(FilesError::Exists { path: target.into() })
        }
        // A file system without hard links.
        Err(_) => staged.replace(),
    }
}

/// Refuses what this process may not write, a file or a directory. Writes nothing.
pub fn check_writable(path: &Path) -> Result<(), FilesError> {
    #[cfg(unix)]
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK)
        .map_err(|error| FilesError::Write { path: path.into(), source: error.into() })?;
    Ok(())
}

/// Refuses a directory that this process may not look into and write in. Writes nothing.
pub fn check_usable(path: &Path) -> Result<(), FilesError> {
    check_directory(path)?;
    #[cfg(unix)]
    {
        use rustix::fs::Access;

        rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).map_err(
            |error| match error {
                rustix::io::Errno::ACCESS => FilesError::Foreign { path: path.into(), source: error.into() },
                error => FilesError::Write { path: path.into(), source: error.into() },
            },
        )?;
    }
    Ok(())
}

/// A path as a POSIX shell reads it, for commands shown to a person.
pub fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.into() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// An exclusive lock among processes, held until it is dropped. The lock file stays.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until nobody else holds the lock of this file, which is made when it is missing.
    pub fn exclusive(path: &Path) -> Result<Self, FilesError> {
        let open = || {
            let file = Self::open(path)?;
            file.lock()?;
            Ok(file)
        };
        open().map(|_file| Self { _file }).map_err(|source| FilesError::Lock { path: path.into(), source })
    }

    /// The lock, or `None` where somebody else holds it.
    pub fn try_exclusive(path: &Path) -> Result<Option<Self>, FilesError> {
        let failed = |source| FilesError::Lock { path: path.into(), source };
        let file = Self::open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    fn open(path: &Path) -> io::Result<File> {
        Mode::Private.apply(OpenOptions::new().create(true).truncate(false).write(true)).open(path)
    }
}

/// What several files looked like at one moment: two stamps differ when a file came, went, was
/// replaced or written. Cheap: it reads no content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp(Vec<Option<FileStamp>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct FileStamp {
    length: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Stamp {
    /// Looks at the files now. One that is missing or not readable has a stamp too.
    pub fn of(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        Self(paths.into_iter().map(|path| fs::metadata(path).ok().map(|m| FileStamp::of(&m))).collect())
    }
}

impl FileStamp {
    fn of(metadata: &fs::Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Self { length: metadata.len(), modified: metadata.modified().ok(), inode }
    }
}

#[derive(Clone, Copy)]
enum Mode {
    Private,
    Public,
}

impl Mode {
    #[cfg(unix)]
    fn apply(self, options: &mut OpenOptions) -> &mut OpenOptions {
        use std::os::unix::fs::OpenOptionsExt;

        options.mode(match self {
            Self::Private => 0o600,
            Self::Public => 0o644,
        })
    }

    #[cfg(not(unix))]
    fn apply(self, options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }
}

/// A temporary file beside its target, complete and on disk, removed unless it takes its place.
struct Staged<'a> {
    target: &'a Path,
    temporary: PathBuf,
    mode: Mode,
}

impl<'a> Staged<'a> {
    fn write(target: &'a Path, bytes: &[u8], mode: Mode) -> Result<Self, FilesError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);

        let failed = |source| FilesError::Write { path: target.into(), source };
        let name = target.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?;
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}.{}.tmp", std::process::id(), COUNT.fetch_add(1, Relaxed)));
        let staged = Self { target, temporary: target.with_file_name(temporary), mode };
        staged.write_to(&staged.temporary, bytes).map_err(failed)?;
        Ok(staged)
    }

    fn write_to(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.mode.apply(OpenOptions::new().create_new(true).write(true)).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn replace(self) -> Result<(), FilesError> {
        fs::rename(&self.temporary, self.target).map_err(|source| self.failed(source))?;
        self.sync_directory()
    }

    fn create_new(self, bytes: &[u8]) -> Result<(), FilesError> {
        let linked = match fs::hard_link(&self.temporary, self.target) {
            // A file system without hard links: then the file's name comes first, its content after.
            Err(e) if matches!(e.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) => {
                self.write_to(self.target, bytes)
            }
            linked => linked,
        };
        match linked {
            Ok(()) => self.sync_directory(),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(FilesError::Exists { path: self.target.into() }),
            Err(source) => Err(self.failed(source)),
        }
    }

    fn sync_directory(&self) -> Result<(), FilesError> {
        sync_directory_of(self.target)
    }

    fn failed(&self, source: io::Error) -> FilesError {
        FilesError::Write { path: self.target.into(), source }
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = fs::remove_file(&self.temporary);
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::tempdir;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn names(directory: &Path) -> Vec<String> {
        fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_replaced_whole_with_its_mode() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("a.key");
        fs::write(&path, "old").unwrap();
        write_private(&path, b"new").unwrap();
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (&b"new"[..], 0o600));
        check_private(&path).unwrap();
        write_public(&path, b"open").unwrap();
        assert_eq!(mode(&path) & 0o700, 0o600);
        assert_eq!(names(dir.path()), ["a.key"]);
    }

    #[test]
    fn a_new_file_overwrites_nothing() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("a.key");
        create_private_new(&path, b"first").unwrap();
        let error = create_private_new(&path, b"second").unwrap_err();
        assert!(matches!(error, FilesError::Exists { .. }), "{error}");
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (&b"first"[..], 0o600));
        assert_eq!(names(dir.path()), ["a.key"]);
    }

    #[test]
    fn a_readable_key_is_refused_with_the_command_that_mends_it() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("my key");
        fs::write(&path, "k").unwrap();
        for bad in [0o644, 0o640, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(bad)).unwrap();
            let error = check_private(&path).unwrap_err().to_string();
            assert!(error.ends_with(&format!("chmod 600 '{}'", path.display())), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        check_private(&path).unwrap();
    }

    #[test]
    fn failures_name_the_file() {
        let error = write_private(Path::new("/nonexistent/a.key"), b"").unwrap_err();
        assert_eq!(error.to_string(), "cannot write /nonexistent/a.key");
        let error = check_private(Path::new("/nonexistent/a.key")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read /nonexistent/a.key");
    }

    #[test]
    fn a_lock_is_held_until_it_is_dropped() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("lock");
        let lock = Lock::exclusive(&path).unwrap();
        let other = File::open(&path).unwrap();
        assert!(other.try_lock().is_err());
        assert!(Lock::try_exclusive(&path).unwrap().is_none());
        drop(lock);
        other.try_lock().unwrap();
        drop(other);
        assert!(Lock::try_exclusive(&path).unwrap().is_some());
        let error = Lock::try_exclusive(&dir.path().join("none/lock")).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot lock {}", dir.path().join("none/lock").display()));
    }

    #[test]
    fn a_complete_file_gets_a_name_that_is_free() {
        let dir = tempdir().unwrap();
        let (one, other, name) = (dir.path().join("1"), dir.path().join("2"), dir.path().join("name"));
        fs::write(&one, "one").unwrap();
        fs::write(&other, "other").unwrap();
        place_new(&one, &name).unwrap();
        assert!(matches!(place_new(&other, &name), Err(FilesError::Exists { .. })));
        assert_eq!(fs::read(&name).unwrap(), b"one");
        assert_eq!(names(dir.path()), ["name"]);
        check_writable(&name).unwrap();
        check_writable(&one).unwrap_err();
    }

    #[test]
    fn a_directory_of_ones_own() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("data");
        make_private_directory(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        make_private_directory(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        make_private_directory(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();
        let error = make_private_directory(&path).unwrap_err().to_string();
        assert!(error.ends_with(&format!("chmod 700 {}", path.display())), "{error}");
        let error = make_private_directory(&path.join("not/there")).unwrap_err();
        assert!(matches!(error, FilesError::Make { .. }), "{error}");
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = make_private_directory(&file).unwrap_err();
        assert!(matches!(error, FilesError::NoDirectory { .. }), "{error}");
        check_usable(&file).unwrap_err();
        check_usable(dir.path()).unwrap();
    }

    #[test]
    fn a_stamp_sees_each_change() {
        let dir = tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        let stamp = || Stamp::of([&a, &b]);
        let mut seen = vec![stamp()];
        fs::write(&a, "1").unwrap();
        seen.push(stamp());
        fs::write(&b, "1").unwrap();
        seen.push(stamp());
        write_public(&a, b"2").unwrap();
        seen.push(stamp());
        fs::remove_file(&b).unwrap();
        seen.push(stamp());
        assert_eq!(stamp(), stamp());
        for (i, one) in seen.iter().enumerate() {
            assert!(seen[..i].iter().all(|other| other != one), "change {i} was not seen");
        }
    }
}
