//! The name of a cluster that an application takes part in.

use std::borrow::Cow;
use std::fmt;

/// The name of a cluster within the application; the one that `rocketmq.name-server` leads to is
/// `default`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterName(Cow<'static, str>);

impl ClusterName {
    /// The cluster of listeners and templates that name none.
    pub const DEFAULT: Self = Self(Cow::Borrowed("default"));

    /// Another cluster.
    #[cfg(test)]
    pub(crate) fn named(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
