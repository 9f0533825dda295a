//! What an annotation leaves in the program, and which of them an application takes.
//!
//! Every annotation, of whatever kind, of every crate that is linked ends up in one list. A crate that nobody names in
//! source is not linked: [`listeners!`](crate::listeners) names crates, and selects by them.

use std::fmt;

use super::any_handler::AnyHandler;
use super::attributes::Attributes;
use crate::cluster_name::ClusterName;
use crate::state::Assembly;
use crate::transaction::AnyTransactionListener;

/// One annotation: what all kinds of them say, and what its kind says.
#[derive(Debug)]
pub struct Declaration {
    /// The struct or function.
    pub name: &'static str,
    /// Where the annotation stands.
    pub origin: Origin,
    /// The cluster it is about.
    pub cluster: ClusterName,
    /// Which annotation it is.
    pub kind: DeclarationKind,
}

/// The kinds of annotations.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "declarations are statics of the program, where nothing can be boxed"
)]
pub enum DeclarationKind {
    /// `#[rocketmq_message_listener]`.
    MessageListener(MessageListener),
    /// `#[rocketmq_transaction_listener]`.
    TransactionListener(TransactionListener),
}

/// What `#[rocketmq_message_listener]` leaves in the program.
#[derive(Debug)]
pub struct MessageListener {
    /// What it says.
    pub attributes: Attributes,
    /// Makes the listener from what the application provides; `None` when something is missing.
    pub assemble: fn(&mut Assembly<'_>) -> Option<AnyHandler>,
}

/// What `#[rocketmq_transaction_listener]` leaves in the program.
#[derive(Debug)]
pub struct TransactionListener {
    /// The name that travels with its messages.
    pub name: &'static str,
    /// Makes the listener from what the application provides; `None` when something is missing.
    pub assemble: fn(&mut Assembly<'_>) -> Option<AnyTransactionListener>,
}

inventory::collect!(Declaration);

/// Where an annotation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The package, as in its `Cargo.toml`.
    pub package: &'static str,
    /// The source file, as the compiler names it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The packages whose listeners an application runs; made by [`listeners!`](crate::listeners).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(Vec<&'static str>);

impl Selection {
    /// From names of crates or packages: `-` and `_` are the same.
    pub fn of(packages: &[&'static str]) -> Self {
        Self(packages.to_vec())
    }

    /// The listeners of these packages, ordered by their place in the source.
    pub(crate) fn declarations(selection: Option<&Self>) -> Vec<&'static Declaration> {
        let mut found: Vec<_> = inventory::iter::<Declaration>
            .into_iter()
            .filter(|declaration| {
                selection.is_none_or(|selection| selection.contains(declaration.origin.package))
            })
            .collect();
        found.sort_by_key(|declaration| declaration.origin);
        found
    }

    /// Packages that were named and have no listener.
    pub(crate) fn without_listeners(&self) -> Vec<&'static str> {
        let found = Self::declarations(Some(self));
        let silent = self.0.iter().filter(|name| {
            let mut packages = found.iter().map(|declaration| declaration.origin.package);
            !packages.any(|package| same(package, name))
        });
        silent.copied().collect()
    }

    fn contains(&self, package: &str) -> bool {
        self.0.iter().any(|name| same(name, package))
    }
}

fn same(a: &str, b: &str) -> bool {
    let plain = |name: &str| name.replace('-', "_");
    plain(a) == plain(b)
}

/// Names the crates whose listeners an application runs.
///
/// A crate that is only in `Cargo.toml` and never named in source is not linked, and its listeners
/// are not there; naming it here is enough. `crate` is the crate this stands in.
///
/// ```
/// use mq_starter::prelude::*;
///
/// #[rocketmq_message_listener(topic = "a", consumer_group = "b")]
/// async fn take(_: String) -> ConsumeResult {
///     Ok(())
/// }
///
/// let here = listeners![crate];
/// # assert!(format!("{here:?}").contains(env!("CARGO_PKG_NAME")));
/// ```
#[macro_export]
macro_rules! listeners {
    ($($package:tt),+ $(,)?) => {
        $crate::Selection::of(&[$($crate::__listeners_of!($package)),+])
    };
}

/// One entry of [`listeners!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __listeners_of {
    (crate) => {
        ::core::env!("CARGO_PKG_NAME")
    };
    ($package:ident) => {{
        use $package as _;
        ::core::stringify!($package)
    }};
}
