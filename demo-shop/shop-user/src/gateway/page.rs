//! `GET /gateway` and `POST /gateway`: the mode of the fake gateway.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::get;
use mq_starter::Json;
use serde::Deserialize;

use super::fake::FakeState;
use super::{ChosenGateway, FakeGateway, GatewayMode};
use crate::refusal::Refusal;

/// How often a gateway may be told to fail.
const MAX_TIMES: i64 = 1000;

/// The routes of the page.
pub(crate) fn routes(gateway: &ChosenGateway) -> Router {
    match gateway {
        ChosenGateway::Fake(fake) => Router::new()
            .route("/gateway", get(show).post(change))
            .with_state(Arc::clone(fake)),
        ChosenGateway::Http(http) => {
            let url = http.url().to_owned();
            let refuse = move || async move { Refusal::NoFakeGateway { url } };
            Router::new().route("/gateway", get(refuse.clone()).post(refuse))
        }
    }
}

async fn show(State(fake): State<Arc<FakeGateway>>) -> Json<FakeState> {
    Json(fake.state())
}

async fn change(
    State(fake): State<Arc<FakeGateway>>,
    body: Bytes,
) -> Result<Json<FakeState>, Refusal> {
    let mode = read(&body).map_err(|what| Refusal::BadMode { what })?;
    fake.set(mode);
    tracing::info!(?mode, "the fake gateway changed its mode");
    Ok(Json(fake.state()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModeProperties {
    mode: String,
    times: Option<i64>,
}

/// The mode in the body of a request, or what is wrong with it.
fn read(body: &[u8]) -> Result<GatewayMode, String> {
    let written: ModeProperties = serde_json::from_slice(body)
        .map_err(|error| format!("the body is no mode of the gateway: {error}"))?;
    let mode = match (written.mode.as_str(), written.times) {
        ("ok", None) => GatewayMode::Ok,
        ("slow", None) => GatewayMode::Slow,
        ("down", None) => GatewayMode::Down,
        ("fail", Some(times)) => GatewayMode::Fail {
            times: u32::try_from(times)
                .ok()
                .filter(|_| (1..=MAX_TIMES).contains(&times))
                .ok_or_else(|| format!("`times` is {times}, expected 1 to {MAX_TIMES}"))?,
        },
        ("fail", None) => return Err("`times` is missing: how often to fail".to_owned()),
        ("ok" | "slow" | "down", Some(_)) => {
            return Err(format!(
                "`times` goes with the mode `fail`, not with `{}`",
                written.mode
            ));
        }
        _ => {
            let mode: String = written.mode.chars().take(32).collect();
            return Err(format!(
                "`mode` is `{mode}`, expected ok, slow, fail or down"
            ));
        }
    };
    Ok(mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_is_read_as_it_is_shown() {
        for (json, mode) in [
            (r#"{"mode":"ok"}"#, GatewayMode::Ok),
            (r#"{"mode":"slow"}"#, GatewayMode::Slow),
            (
                r#"{"mode":"fail","times":2}"#,
                GatewayMode::Fail { times: 2 },
            ),
            (r#"{"mode":"down"}"#, GatewayMode::Down),
        ] {
            assert_eq!(read(json.as_bytes()), Ok(mode));
            assert_eq!(serde_json::to_string(&mode).unwrap(), json);
        }
    }

    #[test]
    fn what_is_no_mode_is_refused_with_the_reason() {
        for (json, reason) in [
            (r#"{"mode":"up"}"#, "`mode` is `up`, expected ok, slow"),
            (r#"{"mode":"fail"}"#, "`times` is missing"),
            (r#"{"mode":"fail","times":0}"#, "`times` is 0, expected 1"),
            (r#"{"mode":"fail","times":-1}"#, "`times` is -1, expected 1"),
            (r#"{"mode":"fail","times":1001}"#, "`times` is 1001"),
            (
                r#"{"mode":"ok","times":2}"#,
                "`times` goes with the mode `fail`",
            ),
            (r#"{"mode":"ok","tmies":2}"#, "unknown field `tmies`"),
            ("{}", "missing field `mode`"),
            ("mode=ok", "the body is no mode"),
            ("", "the body is no mode"),
        ] {
            let error = read(json.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{json}: {error}");
        }
        let long = format!(r#"{{"mode":"{}"}}"#, "x".repeat(10_000));
        assert!(read(long.as_bytes()).unwrap_err().len() < 200);
    }
}
