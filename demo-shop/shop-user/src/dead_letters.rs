//! `GET /dead-letters`, and sending them again: orders whose text messages failed too often.
//!
//! Invariant: a dead letter that was sent again is shown as such and not sent a second time.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use mq_core::message::Date;
use mq_starter::{DeadLetter, DeadLetters, Json, ResendTo, Resent, SentAgain};
use serde::Serialize;

use crate::refusal::Refusal;

/// How many dead letters are shown and sent again together.
const MAX_SHOWN: usize = 1000;

/// The routes of the page.
pub(crate) fn routes(letters: DeadLetters) -> Router {
    Router::new()
        .route("/dead-letters", get(list))
        .route("/dead-letters/resend", post(resend_all))
        .route("/dead-letters/{id}/resend", post(resend))
        .with_state(letters)
}

/// A dead letter, as people see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LetterView {
    /// The message's id.
    id: String,
    /// The order as it was to be announced, when it can be read.
    order: Option<serde_json::Value>,
    /// How often it was delivered in vain.
    attempts: i32,
    reason: Option<String>,
    /// When it became a dead letter, as in `2026-01-31T12:00:00.000Z`.
    died_at: String,
    sent_again: Option<SentAgainView>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SentAgainView {
    offset_id: String,
    at: String,
}

/// What became of a dead letter that was to be sent again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ResentView {
    id: String,
    /// `sent`, `sentBefore`, or `sentUnindexed` when the broker's index does not show what was sent.
    outcome: &'static str,
    sent_again: Option<SentAgainView>,
}

impl From<&DeadLetter> for LetterView {
    fn from(letter: &DeadLetter) -> Self {
        let body = letter.body().unwrap_or_default();
        Self {
            id: letter.message.message_id(),
            order: serde_json::from_slice(&body).ok(),
            attempts: letter.attempts(),
            reason: letter.reason().map(str::to_owned),
            died_at: time(letter.message.store_timestamp),
            sent_again: letter.sent_again.as_ref().map(SentAgainView::from),
        }
    }
}

impl From<&SentAgain> for SentAgainView {
    fn from(sent: &SentAgain) -> Self {
        Self {
            offset_id: sent.id.to_string(),
            at: time(sent.at_ms),
        }
    }
}

impl ResentView {
    fn of(letter: &DeadLetter, resent: &Resent) -> Self {
        let (outcome, sent) = match resent {
            Resent::Now(sent) => ("sent", Some(sent)),
            Resent::Before(sent) => ("sentBefore", Some(sent)),
            _ => ("sentUnindexed", None),
        };
        Self {
            id: letter.message.message_id(),
            outcome,
            sent_again: sent.map(SentAgainView::from),
        }
    }
}

/// `2026-01-31T12:00:00.000Z`, of ms since 1970.
fn time(at_ms: i64) -> String {
    let Date { year, month, day } = Date::at(at_ms);
    let in_day = at_ms.rem_euclid(24 * 60 * 60 * 1000);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, ms) = (in_day / 1000 % 60, in_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// The newest first.
async fn list(State(letters): State<DeadLetters>) -> Result<Json<Vec<LetterView>>, Refusal> {
    let found = letters.list(MAX_SHOWN).await?;
    Ok(Json(found.iter().rev().map(LetterView::from).collect()))
}

/// Sends the dead letter with this id again. A message that died more than once has several; the last
/// one tells what became of it.
async fn resend(
    State(letters): State<DeadLetters>,
    Path(id): Path<String>,
) -> Result<Json<ResentView>, Refusal> {
    let found = letters.find(&id).await?;
    let last = found.last().ok_or(Refusal::NoSuchLetter { id })?;
    let resent = letters.resend(last, ResendTo::Group).await?;
    Ok(Json(ResentView::of(last, &resent)))
}

/// Sends all that were not sent again yet.
async fn resend_all(State(letters): State<DeadLetters>) -> Result<Json<Vec<ResentView>>, Refusal> {
    let mut found = letters.list(MAX_SHOWN).await?;
    found.retain(|letter| letter.sent_again.is_none());
    let mut resent = Vec::with_capacity(found.len());
    for letter in &found {
        let outcome = letters.resend(letter, ResendTo::Group).await?;
        resent.push(ResentView::of(letter, &outcome));
    }
    Ok(Json(resent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_in_messages() {
        assert_eq!(time(1_769_860_800_000), "2026-01-31T12:00:00.000Z");
        assert_eq!(
            time(1_769_860_800_000 + 3_661_007),
            "2026-01-31T13:01:01.007Z"
        );
    }
}
