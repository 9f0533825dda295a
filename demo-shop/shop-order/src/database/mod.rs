//! Products, customers, orders and their timeline, in one SQLite file.
//!
//! Invariant: stock and orders change together, in one transaction.

mod place;
mod read;
mod status;

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{Sqlite, SqlitePool, Transaction};

pub(crate) use place::Settled;
pub use read::{OrderDetail, Product, TimelineEntry};

/// Products, customers, orders and their timeline.
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
            .foreign_keys(true)
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

    /// Begins a transaction that has the write lock from its first statement on: what it reads stays as it is.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.0.begin_with("BEGIN IMMEDIATE").await
    }
}

#[cfg(test)]
mod fixture {
    use shop_contracts::Order;

    use super::Database;
    use crate::refusal::OrderRefusal;
    use crate::request::OrderRequest;

    /// A new database in `folder`, whose path has blanks and more than ASCII.
    pub(super) async fn open(folder: &tempfile::TempDir) -> Database {
        let file = folder.path().join("a b/订单.db");
        Database::open(&file).await.unwrap()
    }

    pub(super) fn request(product: i64, quantity: i64) -> OrderRequest {
        OrderRequest {
            product,
            customer: 1,
            quantity,
        }
    }

    /// Describes an order and places it, in a transaction named after its id.
    pub(super) async fn order(
        database: &Database,
        product: i64,
        quantity: i64,
    ) -> Result<Order, OrderRefusal> {
        let order = database.describe(&request(product, quantity)).await?;
        let transaction = format!("tx-{}", order.id);
        database.place(&transaction, &order, 1).await?;
        Ok(order)
    }

    pub(super) async fn stock(database: &Database, product: i64) -> i64 {
        let products = database.products().await.unwrap();
        let found = products.iter().find(|found| found.id == product);
        found.unwrap().stock
    }
}
