//! What an application provides: one value per type and cluster, found by the type.
//!
//! Everything that a listener needs is looked up once, before the first message; what is missing is
//! collected in an [`Assembly`] and reported together.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::cluster_name::ClusterName;

/// What an application provides. Cheap to clone; also the state of an axum router.
#[derive(Clone, Default)]
pub struct AppState(Arc<Values>);

type Values = HashMap<StateKey, Value>;

/// Values that belong to no cluster in particular have the default cluster in their key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct StateKey {
    cluster: ClusterName,
    type_id: TypeId,
}

impl StateKey {
    fn of<T: ?Sized + 'static>(cluster: &ClusterName) -> Self {
        Self {
            cluster: cluster.clone(),
            type_id: TypeId::of::<T>(),
        }
    }
}

struct Value {
    type_name: &'static str,
    /// An `Arc<T>` for the key's `T`.
    shared: Box<dyn Any + Send + Sync>,
}

impl AppState {
    /// The value of type `T`, which may be a `dyn Trait`.
    pub fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = self.0.get(&StateKey::of::<T>(&ClusterName::DEFAULT))?;
        value.shared.downcast_ref::<Arc<T>>().cloned()
    }
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.0.values().map(|value| value.type_name))
            .finish()
    }
}

/// Values while they are collected.
#[derive(Default)]
pub(crate) struct Collected {
    values: Values,
    twice: Vec<&'static str>,
}

impl Collected {
    /// Adds a value that belongs to no cluster in particular.
    pub(crate) fn add<T: ?Sized + Send + Sync + 'static>(&mut self, value: Arc<T>) {
        self.add_of(&ClusterName::DEFAULT, value);
    }

    /// Adds a value of a cluster. A second value of the same type is not used and is reported as a
    /// mistake.
    pub(crate) fn add_of<T: ?Sized + Send + Sync + 'static>(
        &mut self,
        cluster: &ClusterName,
        value: Arc<T>,
    ) {
        let (key, type_name) = (StateKey::of::<T>(cluster), type_name::<T>());
        if self.values.contains_key(&key) {
            self.twice.push(type_name);
            return;
        }
        let shared = Box::new(value);
        self.values.insert(key, Value { type_name, shared });
    }

    /// Types that were provided more than once.
    pub(crate) fn twice(&self) -> &[&'static str] {
        &self.twice
    }

    pub(crate) fn finish(self) -> AppState {
        AppState(Arc::new(self.values))
    }
}

/// Collects what is missing while listeners look up what they need.
#[derive(Debug)]
pub struct Assembly<'a> {
    state: &'a AppState,
    missing: Vec<String>,
    is_of_reply: bool,
}

impl<'a> Assembly<'a> {
    pub(crate) fn new(state: &'a AppState) -> Self {
        Self {
            state,
            missing: Vec::new(),
            is_of_reply: false,
        }
    }

    /// What is assembled is a listener that replies.
    pub(crate) fn set_of_reply(&mut self) {
        self.is_of_reply = true;
    }

    /// Whether what was assembled is a listener that replies.
    pub(crate) fn is_of_reply(&self) -> bool {
        self.is_of_reply
    }

    /// The value of type `T`; when there is none, `wanted_by` says who misses it.
    pub fn take<T: ?Sized + Send + Sync + 'static>(&mut self, wanted_by: &str) -> Option<Arc<T>> {
        let found = self.state.get::<T>();
        if found.is_none() {
            let name = type_name::<T>();
            let shared = format!("`.provide_as::<{name}>(…)`");
            let what = if self.state.get::<Arc<T>>().is_some() {
                format!("provides as an `Arc`: write {shared}")
            } else if name.starts_with("dyn ") {
                format!("does not provide: add {shared}")
            } else {
                "does not provide: add `.provide(…)`".to_owned()
            };
            self.missing.push(format!(
                "{wanted_by} needs a `{name}`, which the application {what}"
            ));
        }
        found
    }

    /// Whether nothing was missing so far.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    pub(crate) fn into_missing(self) -> Vec<String> {
        self.missing
    }
}

/// A struct that the application puts together from what it provides; derive it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is annotated as a listener and the application cannot make one",
    label = "add `#[derive(Component)]`",
    note = "its fields are then taken from what the application provides"
)]
pub trait Component: Send + Sync + Sized + 'static {
    /// Makes it, or notes in `assembly` what is missing.
    fn assemble(assembly: &mut Assembly<'_>) -> Option<Self>;
}

/// What a field of a component may be.
#[diagnostic::on_unimplemented(
    message = "the application cannot fill a field of type `{Self}`",
    label = "write `Inject<{Self}>`",
    note = "a component's fields are `Inject<…>`: what the application provides, shared"
)]
pub trait FromApplication: Sized {
    /// Takes it from what the application provides; `field` is named when it is missing.
    fn take(assembly: &mut Assembly<'_>, field: &str) -> Option<Self>;
}

/// What the application provides, shared; `T` may be a `dyn Trait` given by `provide_as`.
pub struct Inject<T: ?Sized>(Arc<T>);

impl<T: ?Sized> Inject<T> {
    /// For a test that builds a component by hand.
    pub fn new(value: impl Into<Arc<T>>) -> Self {
        Self(value.into())
    }
}

impl<T: ?Sized + Send + Sync + 'static> FromApplication for Inject<T> {
    fn take(assembly: &mut Assembly<'_>, field: &str) -> Option<Self> {
        assembly.take(field).map(Self)
    }
}

impl<T: ?Sized> Deref for Inject<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> Clone for Inject<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> fmt::Debug for Inject<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inject<{}>", type_name::<T>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    trait Gateway: Send + Sync {
        fn name(&self) -> &'static str;
    }

    struct Fake;

    impl Gateway for Fake {
        fn name(&self) -> &'static str {
            "fake"
        }
    }

    #[test]
    fn a_value_is_found_by_its_type_and_a_trait_by_its_own() {
        let mut collected = Collected::default();
        collected.add(Arc::new(5_i32));
        collected.add::<dyn Gateway>(Arc::new(Fake));
        let state = collected.finish();

        let mut assembly = Assembly::new(&state);
        let gateway = Inject::<dyn Gateway>::take(&mut assembly, "X.gateway").unwrap();

        assert_eq!(gateway.name(), "fake");
        assert_eq!(state.get::<i32>().as_deref(), Some(&5));
        assert!(state.get::<Fake>().is_none());
        assert!(assembly.is_complete());
    }

    #[test]
    fn what_is_missing_is_named_with_who_misses_it() {
        let state = AppState::default();
        let mut assembly = Assembly::new(&state);

        assert!(Inject::<i32>::take(&mut assembly, "X.count").is_none());
        assert!(Inject::<dyn Gateway>::take(&mut assembly, "X.gateway").is_none());

        let missing = assembly.into_missing().join("\n");
        assert!(missing.contains("X.count needs a `i32`"), "{missing}");
        assert!(missing.contains(".provide_as::<dyn "), "{missing}");
    }

    #[test]
    fn a_value_that_is_provided_in_an_arc_of_its_own_is_found_out() {
        let mut collected = Collected::default();
        collected.add(Arc::new(Arc::new(5_i32)));
        let state = collected.finish();
        let mut assembly = Assembly::new(&state);

        assert!(Inject::<i32>::take(&mut assembly, "X.count").is_none());

        assert_eq!(
            assembly.into_missing(),
            [
                "X.count needs a `i32`, which the application provides as an `Arc`: write \
                 `.provide_as::<i32>(…)`"
            ]
        );
    }

    #[test]
    fn each_cluster_has_its_own_value_of_a_type() {
        let mut collected = Collected::default();
        collected.add_of(&ClusterName::named("elsewhere"), Arc::new(1_i32));
        collected.add(Arc::new(2_i32));

        assert!(collected.twice().is_empty());
        assert_eq!(collected.finish().get::<i32>().as_deref(), Some(&2));
    }

    #[test]
    fn the_second_value_of_a_type_is_noticed() {
        let mut collected = Collected::default();
        collected.add(Arc::new(1_i32));
        collected.add(Arc::new(2_i32));

        assert_eq!(collected.twice(), ["i32"]);
        assert_eq!(collected.finish().get::<i32>().as_deref(), Some(&1));
    }
}
