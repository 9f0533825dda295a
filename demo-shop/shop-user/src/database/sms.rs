//! Text messages: one row for each order and kind of news.
//!
//! Invariant: at any time at most one delivery has claimed a row, and a row that says `SENT` is never
//! claimed again.

use std::time::Duration;

use serde::Serialize;

use super::Database;
use crate::news::News;

/// How long a claim lasts. A delivery that ended without a word, because its process was killed, holds
/// up the next one for so long.
pub(crate) const CLAIM_DURATION: Duration = Duration::from_secs(10);

/// A row, as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Sms {
    pub order_id: i64,
    pub kind: String,
    pub phone: String,
    pub text: String,
    pub attempts: i64,
    pub duplicates: i64,
    pub state: String,
    /// When the first attempt began, as in `2026-01-31T12:00:00.000Z`.
    pub at: String,
}

/// Whether a delivery may send its text message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It may: this is the attempt with this number.
    Attempt(i64),
    /// It was sent; this is the duplicate with this number.
    Duplicate(i64),
    /// Another delivery is sending it.
    Held,
}

impl Database {
    /// Writes the row before anything is sent, or claims it for one more attempt.
    pub(crate) async fn claim(&self, news: &News, now_ms: i64) -> Result<Claim, sqlx::Error> {
        let until = i64::try_from(CLAIM_DURATION.as_millis()).unwrap_or(i64::MAX);
        let attempt: Option<i64> = sqlx::query_scalar(
            "INSERT INTO sms (order_id, kind, phone, text, claimed_until) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (order_id, kind) DO UPDATE SET \
                 attempts = attempts + 1, state = 'PENDING', claimed_until = excluded.claimed_until \
             WHERE state = 'FAILED' OR (state = 'PENDING' AND claimed_until <= ?) \
             RETURNING attempts",
        )
        .bind(news.order_id)
        .bind(news.kind)
        .bind(&news.phone)
        .bind(&news.text)
        .bind(now_ms.saturating_add(until))
        .bind(now_ms)
        .fetch_optional(&self.0)
        .await?;
        if let Some(attempt) = attempt {
            return Ok(Claim::Attempt(attempt));
        }
        let duplicate: Option<i64> = sqlx::query_scalar(
            "UPDATE sms SET duplicates = duplicates + 1 \
             WHERE order_id = ? AND kind = ? AND state = 'SENT' RETURNING duplicates",
        )
        .bind(news.order_id)
        .bind(news.kind)
        .fetch_optional(&self.0)
        .await?;
        Ok(duplicate.map_or(Claim::Held, Claim::Duplicate))
    }

    /// Ends the claim: `SENT` or `FAILED`.
    pub(crate) async fn finish(&self, news: &News, sent: bool) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE sms SET state = ? WHERE order_id = ? AND kind = ? AND state <> 'SENT'")
            .bind(if sent { "SENT" } else { "FAILED" })
            .bind(news.order_id)
            .bind(news.kind)
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
            "SELECT order_id, kind, phone, text, attempts, duplicates, state, \
                    strftime('%Y-%m-%dT%H:%M:%fZ', at) AS at \
             FROM sms ORDER BY id DESC LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&self.0)
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const CLAIM_MS: i64 = 10_000;

    async fn open(folder: &tempfile::TempDir) -> Database {
        Database::open(&folder.path().join("user.db"))
            .await
            .unwrap()
    }

    fn news(order_id: i64, kind: &'static str) -> News {
        News {
            order_id,
            kind,
            phone: "138".to_owned(),
            text: "hello".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_failed_attempt_is_counted_and_a_sent_message_is_never_claimed_again() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let placed = news(7, "placed");
        let claim = || database.claim(&placed, 0);

        assert_eq!(claim().await.unwrap(), Claim::Attempt(1));
        database.finish(&placed, false).await.unwrap();
        assert_eq!(claim().await.unwrap(), Claim::Attempt(2));
        database.finish(&placed, true).await.unwrap();
        assert_eq!(claim().await.unwrap(), Claim::Duplicate(1));
        let long_after = database.claim(&placed, 100 * CLAIM_MS).await.unwrap();
        assert_eq!(long_after, Claim::Duplicate(2));
        database.finish(&placed, false).await.unwrap();

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
    async fn one_delivery_at_a_time_has_the_claim_until_its_time_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let placed = news(7, "placed");

        let first = database.claim(&placed, 0).await.unwrap();
        let meanwhile = database.claim(&placed, CLAIM_MS - 1).await.unwrap();
        let afterwards = database.claim(&placed, CLAIM_MS).await.unwrap();
        let meanwhile_again = database.claim(&placed, CLAIM_MS + 1).await.unwrap();

        assert_eq!(first, Claim::Attempt(1));
        assert_eq!(meanwhile, Claim::Held);
        assert_eq!(afterwards, Claim::Attempt(2));
        assert_eq!(meanwhile_again, Claim::Held);
    }

    #[tokio::test]
    async fn each_kind_of_news_about_an_order_has_its_own_message() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;

        for (order, kind) in [(7, "placed"), (7, "cancelled"), (8, "placed")] {
            let claimed = database.claim(&news(order, kind), 0).await.unwrap();
            assert_eq!(claimed, Claim::Attempt(1));
        }

        let newest = database.newest(2).await.unwrap();
        let newest = newest.iter().map(|sms| (sms.order_id, sms.kind.as_str()));
        let newest: Vec<_> = newest.collect();
        assert_eq!(newest, [(8, "placed"), (7, "cancelled")]);
    }

    #[tokio::test]
    async fn text_messages_of_the_first_version_are_kept_as_those_of_placed_orders() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("user.db");
        before_the_second_migration(&path).await;

        let database = Database::open(&path).await.unwrap();

        let rows = database.newest(10).await.unwrap();
        let [row] = rows.as_slice() else {
            panic!("{rows:?}")
        };
        assert_eq!(
            (
                row.order_id,
                row.kind.as_str(),
                row.attempts,
                row.at.as_str()
            ),
            (7, "placed", 3, "2026-01-31T12:00:00.000Z")
        );
        let again = database.claim(&news(7, "placed"), 0).await.unwrap();
        assert_eq!(again, Claim::Duplicate(1));
    }

    async fn before_the_second_migration(path: &Path) {
        let options = sqlx::sqlite::SqliteConnectOptions::new();
        let options = options.filename(path).create_if_missing(true);
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        let mut migrations = sqlx::migrate!();
        migrations.migrations.to_mut().truncate(1);
        migrations.run(&pool).await.unwrap();
        sqlx::query(
            "INSERT INTO sms (order_id, phone, text, attempts, state, at) \
             VALUES (7, '138', 'hello', 3, 'SENT', '2026-01-31 12:00:00')",
        )
        .execute(&pool)
        .await
        .unwrap();
        pool.close().await;
    }
}
