//! `GET /dead-letters`, and sending them again: orders whose text messages failed too often.
//!
//! Invariant: a dead letter that was sent again is shown as such and not sent a second time.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
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
    /// When it became a dead letter, ms since 1970.
    died_at: i64,
    sent_again: Option<SentAgainView>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SentAgainView {
    offset_id: String,
    /// Ms since 1970.
    at: i64,
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
            died_at: letter.message.store_timestamp,
            sent_again: letter.sent_again.as_ref().map(SentAgainView::from),
        }
    }
}

impl From<&SentAgain> for SentAgainView {
    fn from(sent: &SentAgain) -> Self {
        Self {
            offset_id: sent.id.to_string(),
            at: sent.at_ms,
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
