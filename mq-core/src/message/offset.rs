//! Queue offsets and physical offsets, as two types so that they cannot be mixed up.

use std::fmt;

macro_rules! offset {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl $name {
            /// The offset as the protocol's signed number.
            pub fn to_wire(self) -> i64 {
                i64::try_from(self.0).unwrap_or(i64::MAX)
            }

            /// The offset a peer sent; `None` when it is negative.
            pub fn from_wire(value: i64) -> Option<Self> {
                u64::try_from(value).ok().map(Self)
            }

            /// The offset `distance` further on.
            #[must_use]
            pub fn plus(self, distance: u64) -> Self {
                Self(self.0.saturating_add(distance))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

offset!(
    /// A position in the commit log, in bytes since its first segment.
    PhysicalOffset
);

offset!(
    /// A message's position in its queue, counted from 0.
    QueueOffset
);
