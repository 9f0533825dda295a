//! The rules for the attribute of a listener.
//!
//! The macro checks literals against these tables at compile time, the starter checks settings and
//! filled placeholders at start. Invariant: the tables are data and depend on no other crate, so that
//! both can use them.

mod choices;
mod keys;
pub mod names;
mod not_built;
mod spelling;

pub use choices::{Choice, Variant};
pub use keys::{AttributeKey, KEYS, Kind};
pub use not_built::{CLUSTERS, NAMESPACES, NOT_BUILT, NotBuilt, Reason, SIGNING, TLS, TRACES};
pub use spelling::snake_case;
