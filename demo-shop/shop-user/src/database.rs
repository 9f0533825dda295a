//! Text messages, in one SQLite file: one row per order.
//!
//! Invariant: a text message whose row says `SENT` is never sent again.

use std::path::{Path, PathBuf};

use serde::Serialize;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

/// Text messages, one row per order.
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

/// A row, as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Sms {
    pub order_id: i64,
    pub phone: String,
    pub text: String,
    pub attempts: i64,
    pub duplicates: i64,
    pub state: String,
}

/// Whether a delivered order still needs its text message, by the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It has not been sent.
    Attempt(i64),
    /// It has been sent already, and the order was delivered again.
    Duplicate(i64),
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

    /// Writes the row before anything is sent, or counts one more attempt or duplicate.
    pub(crate) async fn begin(
        &self,
        order_id: i64,
        phone: &str,
        text: &str,
    ) -> Result<Begun, sqlx::Error> {
        let (state, attempts, duplicates): (String, i64, i64) = sqlx::query_as(
            "INSERT INTO sms (order_id, phone, text) VALUES (?, ?, ?) \
             ON CONFLICT (order_id) DO UPDATE SET \
                 attempts = attempts + (state <> 'SENT'), \
                 duplicates = duplicates + (state = 'SENT') \
             RETURNING state, attempts, duplicates",
        )
        .bind(order_id)
        .bind(phone)
        .bind(text)
        .fetch_one(&self.0)
        .await?;
        Ok(if state == "SENT" {
            Begun::Duplicate(duplicates)
        } else {
            Begun::Attempt(attempts)
        })
    }

    /// Says how it went: `SENT` or `FAILED`.
    pub(crate) async fn finish(&self, order_id: i64, sent: bool) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE sms SET state = ? WHERE order_id = ?")
            .bind(if sent { "SENT" } else { "FAILED" })
            .bind(order_id)
            .execute(&self.0)
            .await
            .map(drop)
    }

    /// The newest text messages first, at most `limit`.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn newest(&self, limit: i64) -> Result<Vec<Sms>, sqlx::Error> {
        sqlx::query_as(
            "SELECT order_id, phone, text, attempts, duplicates, state FROM sms \
             ORDER BY id DESC LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&self.0)
        .await
    }

    /// Waits for pending writes and closes the file.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failed_attempt_is_counted_and_a_sent_message_is_never_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("user.db"))
            .await
            .unwrap();
        let begin = || database.begin(7, "138", "hello");

        assert_eq!(begin().await.unwrap(), Begun::Attempt(1));
        database.finish(7, false).await.unwrap();
        assert_eq!(begin().await.unwrap(), Begun::Attempt(2));
        database.finish(7, true).await.unwrap();
        assert_eq!(begin().await.unwrap(), Begun::Duplicate(1));
        assert_eq!(begin().await.unwrap(), Begun::Duplicate(2));

        let rows = database.newest(10).await.unwrap();
        let [row] = rows.as_slice() else {
            panic!("{rows:?}")
        };
        assert_eq!(
            (row.attempts, row.duplicates, row.state.as_str()),
            (2, 2, "SENT")
        );
    }

    #[tokio::test]
    async fn the_newest_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("user.db"))
            .await
            .unwrap();
        for order in [5, 3, 9] {
            database.begin(order, "138", "hello").await.unwrap();
        }

        let orders: Vec<_> = database
            .newest(2)
            .await
            .unwrap()
            .iter()
            .map(|sms| sms.order_id)
            .collect();

        assert_eq!(orders, [9, 3]);
    }
}
