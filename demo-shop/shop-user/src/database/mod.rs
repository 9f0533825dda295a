//! The SQLite file of shop-user: text messages, and points.

mod points;
mod sms;

use std::path::{Path, PathBuf};

pub use points::Balance;
#[cfg(test)]
pub(crate) use sms::CLAIM_DURATION;
pub(crate) use sms::Claim;
pub use sms::Sms;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

/// Text messages and points. Several processes may have the file open.
#[derive(Clone, Debug)]
pub struct Database(SqlitePool);

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    #[error("could not make the directory of `{path}`")]
    Directory {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("could not open the database `{path}`")]
    Open { path: PathBuf, source: sqlx::Error },
    #[error("could not bring the tables of `{path}` up to date")]
    Migrate {
        path: PathBuf,
        source: sqlx::migrate::MigrateError,
    },
}

impl Database {
    /// Opens the file, makes it when it is not there, and brings its tables up to date.
    ///
    /// # Errors
    ///
    /// A directory or file that cannot be written, or tables of a newer program.
    pub async fn open(path: &Path) -> Result<Self, DatabaseError> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(|source| DatabaseError::Directory {
                path: path.to_owned(),
                source,
            })?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePoolOptions::new().connect_with(options).await;
        let pool = pool.map_err(|source| DatabaseError::Open {
            path: path.to_owned(),
            source,
        })?;
        let migrated = sqlx::migrate!().run(&pool).await;
        migrated.map_err(|source| DatabaseError::Migrate {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self(pool))
    }

    /// Waits for pending writes and closes the file.
    pub async fn close(&self) {
        self.0.close().await;
    }
}
