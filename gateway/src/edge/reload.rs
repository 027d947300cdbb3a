//! Files that are read again when they change.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::{MissedTickBehavior, interval};

/// How often the files are looked at. They are small: to read them is as cheap as to ask for their times, and sees every change.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// A file of certificates, keys or tokens that is of no use.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {} ({flag}): {error}", path.display())]
    Unreadable {
        /// The flag that names it.
        flag: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// It does not hold what it should. The text never holds any of its content.
    #[error("{} ({flag}) is of no use: {reason}", path.display())]
    Unusable {
        /// The flag that names it.
        flag: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl FileError {
    /// The flag that names the file.
    pub(crate) fn flag(&self) -> &'static str {
        match self {
            Self::Unreadable { flag, .. } | Self::Unusable { flag, .. } => flag,
        }
    }
}

/// A file, and the flag that names it.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) flag: &'static str,
    pub(crate) path: PathBuf,
}

impl Named {
    /// Reads it as a whole.
    pub(crate) fn read(&self) -> Result<Vec<u8>, FileError> {
        let Self { flag, path } = self;
        std::fs::read(path).map_err(|error| FileError::Unreadable { flag, path: path.clone(), error })
    }

    /// Says that the file is of no use.
    pub(crate) fn unusable(&self, reason: &(impl Display + ?Sized)) -> FileError {
        FileError::Unusable { flag: self.flag, path: self.path.clone(), reason: reason.to_string() }
    }
}

/// Makes a value of the contents of files, which are given in the order of their names.
pub(crate) type Parse<T> = Box<dyn Fn(&[Named], &[Vec<u8>]) -> Result<T, FileError> + Send + Sync>;

/// A value that files hold. What cannot be used does not take the place of what can.
pub(crate) struct Reloaded<T> {
    files: Vec<Named>,
    parse: Parse<T>,
    current: RwLock<Arc<T>>,
    first: Seen,
}

/// The digest of contents. The contents themselves, keys among them, are not kept.
type Seen = [u8; 32];

/// How a change of the files turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Loaded,
    Failed,
}

impl<T: Send + Sync + 'static> Reloaded<T> {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// When one cannot be read or is of no use.
    pub(crate) fn load(files: Vec<Named>, parse: Parse<T>) -> Result<Arc<Self>, FileError> {
        let contents = read(&files)?;
        let current = RwLock::new(Arc::new(parse(&files, &contents)?));
        Ok(Arc::new(Self { files, parse, current, first: digest(&contents) }))
    }

    /// What the files held when they were last of use.
    pub(crate) fn current(&self) -> Arc<T> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the files for ever, and tells `noted` of each change.
    ///
    /// A change counts when two looks in a row see the same: a file that is being written, or one of two that belong together,
    /// is not taken for the whole.
    pub(crate) async fn watch(self: Arc<Self>, noted: impl Fn(Outcome)) {
        let (mut judged, mut last) = (self.first, self.first);
        let mut looks = interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let this = self.clone();
            let look = tokio::task::spawn_blocking(move || this.look(judged, last)).await;
            // A panic in there is reported already.
            let Ok((seen, outcome)) = look else { continue };
            last = seen;
            if let Some(outcome) = outcome {
                judged = seen;
                noted(outcome);
            }
        }
    }

    fn look(&self, judged: Seen, last: Seen) -> (Seen, Option<Outcome>) {
        let contents = read(&self.files);
        // Files that are gone are a content too: one that is judged once.
        let seen = contents.as_deref().map_or([0; 32], digest);
        if seen == judged || seen != last {
            return (seen, None);
        }
        let files = || self.files.iter().map(|file| file.path.display().to_string()).collect::<Vec<_>>().join(", ");
        match contents.and_then(|contents| (self.parse)(&self.files, &contents)) {
            Ok(value) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
                tracing::info!(files = files(), "loaded anew");
                (seen, Some(Outcome::Loaded))
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "files have changed and are of no use: what they held before stays in force");
                (seen, Some(Outcome::Failed))
            }
        }
    }
}

fn read(files: &[Named]) -> Result<Vec<Vec<u8>>, FileError> {
    files.iter().map(Named::read).collect()
}

fn digest(contents: &[Vec<u8>]) -> Seen {
    let mut all = Sha256::new();
    for content in contents {
        all.update((content.len() as u64).to_be_bytes());
        all.update(content);
    }
    all.finalize().into()
}
