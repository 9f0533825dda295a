//! What the attribute of a listener may say.
//!
//! The macro checks literals against these tables, the starter what the settings say and what
//! placeholders are filled with. Invariant: they are data alone and depend on nothing, so that both
//! can read them.

mod choices;
mod keys;
pub mod names;
mod not_built;
mod spelling;

pub use choices::{Choice, Variant};
pub use keys::{AttributeKey, KEYS, Kind};
pub use not_built::{CLUSTERS, NAMESPACES, NOT_BUILT, NotBuilt, Reason, SIGNING, TLS, TRACES};
pub use spelling::snake_case;
