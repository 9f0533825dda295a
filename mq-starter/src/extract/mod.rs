//! What an annotated function may ask for: parts of a message, and what the application provides.

mod from_message;
mod header;
#[cfg(feature = "axum")]
mod in_axum;
mod json;
mod state;

pub use from_message::{FromMessage, extractor};
pub use header::{Header, HeaderName, Headers};
pub use json::Json;
pub use state::State;
