//! Products, customers and orders, in one SQLite file.
//!
//! Invariant: stock and orders change together, in one transaction.

use std::path::{Path, PathBuf};

use shop_contracts::{Order, OrderStatus};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

use crate::refusal::OrderRefusal;
use crate::request::OrderRequest;

/// Products, customers and orders.
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

    /// Writes the order and takes its goods from the stock.
    pub(crate) async fn place(&self, request: &OrderRequest) -> Result<Order, OrderRefusal> {
        let phone: Option<String> = sqlx::query_scalar("SELECT phone FROM customer WHERE id = ?")
            .bind(request.customer)
            .fetch_optional(&self.0)
            .await?;
        let phone = phone.ok_or(OrderRefusal::UnknownCustomer(request.customer))?;

        let mut transaction = self.0.begin().await?;
        // The update comes first, because it takes the write lock: no other order can sell the same goods.
        let taken: Option<(String, i64)> = sqlx::query_as(
            "UPDATE product SET stock = stock - ?1 WHERE id = ?2 AND stock >= ?1 \
             RETURNING name, price_cents",
        )
        .bind(request.quantity)
        .bind(request.product)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some((product, price)) = taken else {
            drop(transaction);
            return Err(self.why_not(request).await?);
        };
        let price_cents = price.saturating_mul(request.quantity);
        let id = sqlx::query_scalar(
            "INSERT INTO orders (product_id, customer_id, quantity, price_cents) \
             VALUES (?, ?, ?, ?) RETURNING id",
        )
        .bind(request.product)
        .bind(request.customer)
        .bind(request.quantity)
        .bind(price_cents)
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Order {
            id,
            product_id: request.product,
            product,
            quantity: request.quantity,
            price_cents,
            phone,
            status: OrderStatus::New,
        })
    }

    async fn why_not(&self, request: &OrderRequest) -> Result<OrderRefusal, sqlx::Error> {
        let stock: Option<i64> = sqlx::query_scalar("SELECT stock FROM product WHERE id = ?")
            .bind(request.product)
            .fetch_optional(&self.0)
            .await?;
        Ok(match stock {
            Some(left) => OrderRefusal::SoldOut {
                product: request.product,
                left,
            },
            None => OrderRefusal::UnknownProduct(request.product),
        })
    }

    /// Puts the goods of an order that could not be announced back.
    pub(crate) async fn cancel(&self, order: &Order) -> Result<(), sqlx::Error> {
        let mut transaction = self.0.begin().await?;
        sqlx::query("UPDATE orders SET status = ? WHERE id = ?")
            .bind(OrderStatus::Cancelled.as_str())
            .bind(order.id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("UPDATE product SET stock = stock + ? WHERE id = ?")
            .bind(order.quantity)
            .bind(order.product_id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }

    /// How many orders there are in `status`.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn count(&self, status: OrderStatus) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT count(*) FROM orders WHERE status = ?")
            .bind(status.as_str())
            .fetch_one(&self.0)
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

    async fn open(folder: &tempfile::TempDir) -> Database {
        Database::open(&folder.path().join("a b/订单.db"))
            .await
            .unwrap()
    }

    fn request(product: i64, quantity: i64) -> OrderRequest {
        OrderRequest {
            product,
            customer: 1,
            quantity,
        }
    }

    #[tokio::test]
    async fn an_order_takes_from_the_stock_and_its_cancellation_puts_it_back() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;

        let order = database.place(&request(4, 1)).await.unwrap();
        assert_eq!(
            (order.id, order.product.as_str(), order.price_cents),
            (1, "Signed cup", 9900)
        );
        let sold_out = database.place(&request(4, 1)).await.unwrap_err();
        assert!(
            matches!(sold_out, OrderRefusal::SoldOut { left: 0, .. }),
            "{sold_out:?}"
        );

        database.cancel(&order).await.unwrap();
        assert_eq!(database.count(OrderStatus::New).await.unwrap(), 0);
        assert_eq!(database.count(OrderStatus::Cancelled).await.unwrap(), 1);
        assert_eq!(database.place(&request(4, 1)).await.unwrap().id, 2);
    }

    #[tokio::test]
    async fn what_is_not_there_is_refused_and_leaves_no_row() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;

        let unknown = database.place(&request(99, 1)).await.unwrap_err();
        assert!(
            matches!(unknown, OrderRefusal::UnknownProduct(99)),
            "{unknown:?}"
        );
        let stranger = OrderRequest {
            customer: 99,
            ..request(1, 1)
        };
        let stranger = database.place(&stranger).await.unwrap_err();
        assert!(
            matches!(stranger, OrderRefusal::UnknownCustomer(99)),
            "{stranger:?}"
        );
        assert_eq!(database.count(OrderStatus::New).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn orders_are_still_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        database.place(&request(1, 2)).await.unwrap();
        database.close().await;

        let database = open(&folder).await;

        assert_eq!(database.count(OrderStatus::New).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn many_orders_at_once_never_sell_more_than_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;

        let all = (0..120).map(|_| {
            let database = database.clone();
            async move { database.place(&request(3, 1)).await.is_ok() }
        });
        let outcomes = futures_util::future::join_all(all).await;

        assert_eq!(outcomes.iter().filter(|sold| **sold).count(), 100);
        assert_eq!(database.count(OrderStatus::New).await.unwrap(), 100);
    }
}
