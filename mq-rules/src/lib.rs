//! The rules for the attribute of a listener, and the [language of conditions](sql) in it.
//!
//! The macro checks literals against these rules at compile time, the starter checks settings and
//! filled placeholders at start, and brokers read conditions from everybody. Invariant: nothing here
//! depends on another crate, so that all of them can use it.

mod choices;
mod keys;
pub mod names;
mod not_built;
mod spelling;
pub mod sql;
pub mod times;

pub use choices::{Choice, Variant};
pub use keys::{AttributeKey, KEYS, Kind};
pub use not_built::{CLUSTERS, NAMESPACES, NOT_BUILT, NotBuilt, Reason, SIGNING, TLS};
pub use spelling::snake_case;
