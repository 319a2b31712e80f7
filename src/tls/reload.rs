//! The credentials in force, replaced whole while the server runs.
//!
//! When to look for changed files, and what becomes of live sessions after a change, is the
//! server's business.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    identity::Rules,
    numbers::CrlNumbers,
    server::{Credentials, Files, LoadError},
};
use crate::platform::files::{FilesError, Stamp};

/// The credentials in force.
#[derive(Debug)]
pub struct Live {
    files: Files,
    rules: Rules,
    current: Mutex<Arc<Credentials>>,
    loaded: Mutex<Loaded>,
}

/// What is known of the last time that the files were read. Held for as long as a reload takes.
#[derive(Debug)]
struct Loaded {
    stamp: Stamp,
    crl_numbers: CrlNumbers,
}

impl Live {
    /// Loads the first set.
    pub fn new(files: Files, rules: Rules) -> Result<Self, LoadError> {
        Self::after(CrlNumbers::default(), files, rules)
    }

    /// Loads the first set of this process; revocation lists of these numbers were in force in
    /// earlier ones. Writes nothing: see [`Live::keep_numbers`].
    pub fn after(numbers: CrlNumbers, files: Files, rules: Rules) -> Result<Self, LoadError> {
        // Before reading: what changes meanwhile is seen as changed.
        let stamp = Stamp::of(files.paths());
        let credentials = Credentials::load(&files, rules)?;
        let mut loaded = Loaded { stamp, crl_numbers: numbers };
        loaded.accept(&credentials, &files)?;
        Ok(Self { files, rules, current: Mutex::new(Arc::new(credentials)), loaded: Mutex::new(loaded) })
    }

    /// The set in force.
    pub fn current(&self) -> Arc<Credentials> {
        lock(&self.current).clone()
    }

    /// Where the files are.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Reads the files again and puts them in force if they are good; else everything stays.
    pub fn reload(&self) -> Result<Arc<Credentials>, LoadError> {
        let mut loaded = lock(&self.loaded);
        // Also when the set turns out bad, so that it is complained about once.
        loaded.stamp = Stamp::of(self.files.paths());
        let mut credentials = Credentials::load(&self.files, self.rules)?;
        loaded.accept(&credentials, &self.files)?;
        let mut current = lock(&self.current);
        credentials.generation = current.generation + 1;
        *current = Arc::new(credentials);
        Ok(current.clone())
    }

    /// Writes down the numbers of the revocation lists in force, where they are to outlive the
    /// process.
    ///
    /// # Errors
    /// When a file cannot be written; the lists are in force nevertheless.
    pub fn keep_numbers(&self) -> Result<(), FilesError> {
        lock(&self.loaded).crl_numbers.write()
    }

    /// Whether the files look otherwise than when they were last read. Reads no content.
    pub fn changed_on_disk(&self) -> bool {
        let stamp = Stamp::of(self.files.paths());
        lock(&self.loaded).stamp != stamp
    }
}

impl Loaded {
    /// Refuses a set with an older revocation list than one that was in force.
    fn accept(&mut self, credentials: &Credentials, files: &Files) -> Result<(), LoadError> {
        for (authority, number) in credentials.crl_numbers() {
            if let Some(known) = self.crl_numbers.of(&authority)?.filter(|known| known > number) {
                let path = files.crl.clone().unwrap_or_default();
                let kept = self.crl_numbers.file(&authority);
                return Err(LoadError::CrlOld { path, number: number.clone(), known, kept });
            }
        }
        for (authority, number) in credentials.crl_numbers() {
            self.crl_numbers.note(authority, number);
        }
        Ok(())
    }
}

/// What the locks guard is replaced in one go: it is whole even after a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        platform::files,
        tls::testing::{Ca, Deployment, server},
    };

    #[test]
    fn a_bad_set_keeps_the_old_one_and_a_good_one_replaces_it() {
        let ca = Ca::new("n");
        let deployment = Deployment::new(&ca);
        let live = Live::new(deployment.files.clone(), Rules::default()).unwrap();
        let first = live.current();
        assert!(!live.changed_on_disk());

        deployment.write("ca.pem", "not an authority");
        assert!(live.changed_on_disk());
        live.reload().unwrap_err();
        assert!(!live.changed_on_disk(), "a bad set is complained about once");
        assert!(Arc::ptr_eq(&live.current(), &first));

        deployment.write("ca.pem", &ca.pem());
        ca.sign(server()).write(&deployment.files.cert, &deployment.files.key);
        assert!(live.changed_on_disk());
        let second = live.reload().unwrap();
        assert!(Arc::ptr_eq(&live.current(), &second));
        assert_eq!((first.generation(), second.generation()), (0, 1));
        assert_ne!(first.pin(), second.pin());
    }

    #[test]
    fn an_older_revocation_list_un_revokes_nobody() {
        let ca = Ca::new("n");
        let deployment = Deployment::new(&ca);
        let live = Live::new(deployment.files.clone(), Rules::default()).unwrap();
        deployment.write("crl.pem", &ca.crl(256, &[&[1]]));
        live.reload().unwrap();
        deployment.write("crl.pem", &ca.crl(255, &[]));
        let error = live.reload().unwrap_err().to_string();
        assert!(error.contains("has the number 255, older than number 256 in force"), "{error}");
        // Of several lists in one file the newest counts.
        deployment.write("crl.pem", &(ca.crl(257, &[]) + &ca.crl(3, &[])));
        live.reload().unwrap();
        // Nor does it help that the authority was away for a while.
        let other = Ca::new("other");
        deployment.write("ca.pem", &other.pem());
        deployment.write("crl.pem", &other.crl(1, &[]));
        live.reload().unwrap();
        deployment.write("ca.pem", &ca.pem());
        deployment.write("crl.pem", &ca.crl(256, &[]));
        assert!(matches!(live.reload(), Err(LoadError::CrlOld { .. })));
    }

    #[test]
    fn nor_does_it_after_a_restart() {
        let ca = Ca::new("n");
        let deployment = Deployment::new(&ca);
        let data = tempfile::tempdir().unwrap();
        let start = || Live::after(CrlNumbers::kept_in(data.path()), deployment.files.clone(), Rules::default());
        let kept = || std::fs::read_dir(data.path()).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>();
        deployment.write("crl.pem", &ca.crl(256, &[&[1]]));
        let live = start().unwrap();
        assert!(kept().is_empty(), "a look changes nothing");
        live.keep_numbers().unwrap();
        deployment.write("crl.pem", &ca.crl(0x1_0000, &[]));
        live.reload().unwrap();
        live.keep_numbers().unwrap();

        deployment.write("crl.pem", &ca.crl(0xffff, &[]));
        let error = start().unwrap_err().to_string();
        let [file] = kept().try_into().unwrap();
        assert!(error.contains("has the number 65535, older than number 65536 in force"), "{error}");
        assert!(error.contains(file.to_str().unwrap()), "{error}");
        files::check_private(&file).unwrap();
        deployment.write("crl.pem", &ca.crl(0x1_0000, &[]));
        start().unwrap();

        // Another authority has numbers of its own.
        let other = Ca::new("other");
        deployment.write("ca.pem", &other.pem());
        deployment.write("crl.pem", &other.crl(1, &[]));
        start().unwrap().keep_numbers().unwrap();
        assert_eq!(kept().len(), 2);

        deployment.write("ca.pem", &ca.pem());
        deployment.write("crl.pem", &ca.crl(0x1_0000, &[]));
        for damage in [&b"x"[..], b"", b"123", b"\xff\xff", b"0100\n0200"] {
            std::fs::write(&file, damage).unwrap();
            let error = start().unwrap_err().to_string();
            assert!(error.contains("is damaged") && error.contains(file.to_str().unwrap()), "{error}");
        }
    }

    #[test]
    fn a_number_that_cannot_be_written_is_told_and_tried_again() {
        let ca = Ca::new("n");
        let deployment = Deployment::new(&ca);
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        let numbers = CrlNumbers::kept_in(&data);
        let live = Live::after(numbers, deployment.files, Rules::default()).unwrap();
        live.keep_numbers().unwrap_err();
        std::fs::create_dir(&data).unwrap();
        live.keep_numbers().unwrap();
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1);
    }
}
