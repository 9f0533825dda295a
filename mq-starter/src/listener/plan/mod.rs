//! From annotations to consumers: listeners of one group share one, contradictions are refused.
//!
//! Everything wrong is gathered with the place of the annotation, so that one start shows it all.

mod agreement;
mod planned;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use mq_core::message::GroupName;

use agreement::together;
pub(crate) use planned::PlannedConsumer;

use super::declaration::{Declaration, DeclarationKind, TransactionListener};
use super::in_group::ListenerInGroup;
use super::reading::Reading;
use crate::cluster_name::ClusterName;
use crate::config::{ListenerSettings, Settings};
use crate::problem::Problem;
use crate::state::{AppState, Assembly};
use crate::transaction::TransactionListeners;

/// What an application listens to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) consumers: Vec<PlannedConsumer>,
    pub(crate) transactions: TransactionListeners,
    /// The declarations of the transaction listeners, by the names that travel.
    transactions_from: BTreeMap<&'static str, &'static Declaration>,
    /// Listeners that the settings switch off.
    pub(crate) disabled: Vec<&'static Declaration>,
}

impl Plan {
    /// The plan; what is wrong goes to `problems`.
    pub(crate) fn of(
        declarations: &[&'static Declaration],
        settings: &Settings,
        overrides: &[ListenerSettings],
        state: &AppState,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut plan = Self::default();
        let mut unused: Vec<&ListenerSettings> = overrides.iter().collect();
        let mut groups: BTreeMap<(ClusterName, GroupName), Vec<ListenerInGroup>> = BTreeMap::new();
        for declaration in declarations {
            let listener = match &declaration.kind {
                DeclarationKind::MessageListener(listener) => listener,
                DeclarationKind::TransactionListener(listener) => {
                    plan.add_transactions(declaration, listener, state, problems);
                    continue;
                }
            };
            let mut reading = Reading::new(declaration, listener, settings, problems);
            let names = reading.names();
            let about = |o: &&ListenerSettings| {
                let names = names.as_ref();
                names.is_some_and(|(group, topic)| *group == *o.group && *topic == *o.topic)
            };
            let laid_over = overrides.iter().find(about);
            unused.retain(|o| !about(o));
            if laid_over.is_some_and(|o| !o.enabled) {
                plan.disabled.push(declaration);
                continue;
            }
            reading.lay_over(laid_over);
            if let Some(member) = reading.listener_in_group(names, state) {
                let consumer = (member.cluster.clone(), member.group.clone());
                groups.entry(consumer).or_default().push(member);
            }
        }
        problems.extend(unused.into_iter().map(no_such_listener));
        plan.consumers = groups
            .into_iter()
            .map(|((cluster, group), members)| together(cluster, group, members, problems))
            .collect();
        plan
    }

    /// Adds a transaction listener. Two of one name are refused: the broker's checks name one.
    fn add_transactions(
        &mut self,
        declaration: &'static Declaration,
        declared: &TransactionListener,
        state: &AppState,
        problems: &mut Vec<Problem>,
    ) {
        let mut complain = |what: String| {
            let what = format!("`{}`: {what}", declaration.name);
            problems.push(Problem::new(declaration.origin.to_string(), what));
        };
        if let Some(other) = self.transactions_from.get(declared.name) {
            complain(format!(
                "the transaction listener at {} has the name `{}` too: give one of them another, \
                 `#[rocketmq_transaction_listener(name = \"…\")]`",
                other.origin, declared.name
            ));
            return;
        }
        self.transactions_from.insert(declared.name, declaration);
        let mut assembly = Assembly::new(state);
        let listener = (declared.assemble)(&mut assembly);
        assembly.into_missing().into_iter().for_each(complain);
        if let Some(listener) = listener {
            self.transactions.add(declared.name, listener);
        }
    }

    /// The names of all listeners.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let listeners = self
            .consumers
            .iter()
            .flat_map(|consumer| &consumer.listeners);
        let transactions = self.transactions_from.values();
        let transactions = transactions.map(|declaration| declaration.name);
        let listeners = listeners.map(|listener| listener.name);
        listeners.chain(transactions).collect()
    }

    /// All listeners, one line each, for the log at start.
    pub(crate) fn table(&self) -> String {
        let rows = self.consumers.iter().flat_map(|consumer| {
            consumer.listeners.iter().map(move |listener| {
                [
                    listener.name.to_owned(),
                    listener.topic.to_string(),
                    listener.expression.clone(),
                    consumer.group.to_string(),
                    format!("{} {}", consumer.model, consumer.mode),
                    listener.origin.to_string(),
                ]
            })
        });
        let transactions = self.transactions_from.values().map(|declaration| {
            let (name, origin) = (declaration.name.to_owned(), declaration.origin.to_string());
            let [topic, selector, group] = [const { String::new() }; 3];
            let mode = "transactions".to_owned();
            [name, topic, selector, group, mode, origin]
        });
        table::aligned(rows.chain(transactions))
    }
}

fn no_such_listener(unused: &ListenerSettings) -> Problem {
    let ListenerSettings { group, topic, .. } = unused;
    Problem::new(
        unused.origin.to_string(),
        format!(
            "rocketmq.consumer.listeners.{group}.{topic}: no listener of this program is in the \
             group `{group}` with the topic `{topic}`"
        ),
    )
}
