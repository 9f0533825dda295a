//! What an annotated function may ask for: parts of a message, and what the application provides.

mod batch_parameter;
mod from_message;
mod header;
#[cfg(feature = "axum")]
mod in_axum;
mod json;
mod state;

pub use batch_parameter::{BatchParameter, batch_extractor};
pub use from_message::{FromMessage, extractor};
pub use header::{Header, HeaderName, Headers};
pub use json::Json;
pub use state::State;
