//! The timeline as it grows: a listener writes it, `GET /events` sends it to browsers (server-sent events).
//!
//! Invariant: an event has the id of its row, so a browser that comes back with its last id misses nothing.

use std::vec;

use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use mq_starter::prelude::*;
use shop_contracts::StatusChange;
use tokio::sync::watch;

use crate::database::{Database, TimelineEntry};
use crate::refusal::OrderRefusal;

/// How many rows are read at a time.
const BATCH: i64 = 100;

/// Wakes the browsers' streams when the timeline has grown, and ends them.
#[derive(Clone, Debug)]
pub(crate) struct Events(watch::Sender<Feed>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feed {
    Open,
    Closed,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Feed::Open))
    }

    /// Ends all streams, which would otherwise keep the web server from stopping.
    pub(crate) fn close(&self) {
        self.0.send_replace(Feed::Closed);
    }

    fn grown(&self) {
        self.0.send_modify(|_unchanged| {});
    }
}

/// Writes each status of an order into the timeline, in the order in which it got them.
#[rocketmq_message_listener(
    topic = "order-status-topic",
    consumer_group = "shop-timeline",
    consume_mode = ConsumeMode::Orderly
)]
async fn write_timeline(
    Json(change): Json<StatusChange>,
    message: MessageExt,
    State(database): State<Database>,
    State(events): State<Events>,
) -> ConsumeResult {
    database.note(&change, &message.message_id()).await?;
    events.grown();
    Ok(())
}

/// `GET /events`: what happens from now on, or after the event that `Last-Event-ID` names.
pub(crate) async fn stream(
    State(database): State<Database>,
    State(events): State<Events>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, axum::Error>>>, OrderRefusal> {
    let last = headers.get("last-event-id");
    let last = last.and_then(|id| id.to_str().ok()?.parse().ok());
    let after = match last {
        Some(id) => id,
        None => database.timeline_end().await?,
    };
    let reader = TimelineReader {
        database,
        after,
        rows: Vec::new().into_iter(),
        feed: events.0.subscribe(),
    };
    let entries = stream::unfold(reader, |mut reader| async {
        let entry = reader.next().await?;
        let event = Event::default().id(entry.id.to_string()).event("status");
        Some((event.json_data(&entry), reader))
    });
    Ok(Sse::new(entries).keep_alive(KeepAlive::default()))
}

/// Reads the timeline from one row on, and waits where it ends.
struct TimelineReader {
    database: Database,
    after: i64,
    rows: vec::IntoIter<TimelineEntry>,
    feed: watch::Receiver<Feed>,
}

impl TimelineReader {
    /// `None` when the service stops, or the timeline cannot be read: the browser then comes back.
    async fn next(&mut self) -> Option<TimelineEntry> {
        loop {
            if let Some(entry) = self.rows.next() {
                self.after = entry.id;
                return Some(entry);
            }
            // Noted as seen before the rows are read, so that what is written meanwhile wakes this up.
            if *self.feed.borrow_and_update() == Feed::Closed {
                return None;
            }
            match self.database.timeline_after(self.after, BATCH).await {
                Ok(rows) if rows.is_empty() => self.feed.changed().await.ok()?,
                Ok(rows) => self.rows = rows.into_iter(),
                Err(error) => {
                    tracing::error!(%error, "could not read the timeline");
                    return None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use shop_contracts::OrderStatus;

    use super::*;

    fn change(order_id: i64) -> StatusChange {
        StatusChange {
            order_id,
            status: OrderStatus::New,
            at: "2026-01-31T12:00:00.000Z".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_reader_gets_what_was_written_and_what_comes_until_the_service_stops() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("order.db")).await;
        let database = database.unwrap();
        let events = Events::new();
        database.note(&change(1), "A").await.unwrap();
        let mut reader = TimelineReader {
            database: database.clone(),
            after: 0,
            rows: Vec::new().into_iter(),
            feed: events.0.subscribe(),
        };

        assert_eq!(reader.next().await.unwrap().order_id, 1);
        let write = async {
            database.note(&change(2), "B").await.unwrap();
            events.grown();
        };
        let (next, ()) = tokio::join!(reader.next(), write);
        assert_eq!(next.unwrap().order_id, 2);
        let (next, ()) = tokio::join!(reader.next(), async { events.close() });
        assert_eq!(next, None);
    }
}
