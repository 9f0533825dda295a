//! The attributes and derives of mq.
//!
//! Each macro has three steps: `parse` reads what was written, `model` applies every rule, `expand`
//! generates code and cannot fail. All errors are reported in one compile, each under the token that
//! causes it, and the user's item is left unchanged.

mod component;
mod diagnostics;
mod header;
mod listener;
mod transaction;

use proc_macro::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_macro_input};

use diagnostics::Diagnostics;
use listener::{ListenerKind, ListenerModel, WrittenArguments};
use transaction::TransactionModel;

/// Makes a struct the header of a request or an answer (`mq_core::wire::Header`).
///
/// A field's name on the wire is its own in camel case unless `#[header(name = "…")]` says
/// otherwise. `#[header(alias = "…")]` is a further name that is read. `#[header(default)]` reads
/// an absent or unreadable value as the type's default.
#[proc_macro_derive(Header, attributes(header))]
pub fn derive_header(input: TokenStream) -> TokenStream {
    header::derive(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes a struct that implements `RocketMQListener`, or a function with extractors, a listener.
///
/// | Key | Value | Default |
/// |---|---|---|
/// | `topic` | text | required |
/// | `consumer_group`, `group` | text | required |
/// | `selector_type` | `SelectorType::{Tag, Sql92}` | `Tag` |
/// | `selector_expression` | `*`, tags as `created \|\| paid`, or a condition as `total >= 100 AND region = 'eu'`, which is parsed while the program is compiled | `*` |
/// | `consume_mode` | `ConsumeMode::{Concurrently, Orderly}` | `Concurrently` |
/// | `message_model` | `MessageModel::{Clustering, Broadcasting}` | `Clustering` |
/// | `consume_from_where` | `ConsumeFromWhere::{LastOffset, FirstOffset, Timestamp}`: where a group begins that has committed no offset yet | `LastOffset` |
/// | `consume_timestamp` | for `Timestamp`: year to second by the machine's clock, as in `20260131235959` | half an hour before the start |
/// | `consume_thread_number` | 1 to 1000 handlers at a time, and threads at most | 20 |
/// | `consume_message_batch_max_size` | 1 to 1024: so many messages in one call at most, of a function that asks for a `Batch<…>` or a struct that implements `RocketMQBatchListener` | of other listeners: 1 |
/// | `max_reconsume_times` | attempts after the first, as in Java: with 3 a message is delivered four times and then is a dead letter; −1: 16, in order without end | −1 |
/// | `delay_level_when_next_consume` | after a failure: −1 dead letter at once, 0 longer with each attempt, 1 to 18 this delay level | 0 |
/// | `suspend_current_queue_time_millis` | in order, how long a queue pauses after a failure: 10 to 30000 ms | 1000 |
/// | `consume_timeout` | minutes that a handler may have a message, then the message comes again and the outcome is ignored; not in order | 15 |
/// | `pull_interval` | ms between two pulls of a queue: 0 to 65535 | 0 |
/// | `pull_batch_size` | messages of one pull: 1 to 1024 | 32 |
/// | `pull_threshold_for_queue`, `pull_threshold_size_for_queue` | how many messages, or MiB of bodies, of one queue wait or are with handlers before pulling pauses | 1000, 100 |
/// | `pull_threshold_for_topic`, `pull_threshold_size_for_topic` | the same of all queues of a topic, which share it; takes the place of that of each queue | none |
/// | `consume_concurrently_max_span` | how far the last message of a queue may be ahead of the first unfinished one; not in order | 2000 |
/// | `await_termination_millis_when_shutdown` | how long the end of the program waits for handlers, in ms | within `rocketmq.shutdown-timeout` |
/// | `instance_name` | text: a client of the listener's own, which listeners of one name share | that of the program |
/// | `enable_msg_trace` | `true`: calls are recorded in the message trace | `rocketmq.consumer.enable-msg-trace` |
/// | `customized_trace_topic` | text: the topic of the trace | `rocketmq.consumer.customized-trace-topic` |
/// | `on_decode_error` | `OnDecodeError::{DeadLetter, Retry, Drop}`, for what the payload's type cannot be made of | `DeadLetter` |
/// | `reply_timeout` | how long a reply may take to be sent, in ms; of a reply listener | `rocketmq.producer.send-message-timeout` |
/// | `blocking` | `true`: the handler may block its thread, and gets one at once | `false` |
///
/// Handlers run on threads of their group, inside the application's runtime: what they await is that
/// runtime's, and one that blocks holds up neither it nor other groups. Async handlers share as many
/// threads as there are processors. One that computes for long or waits without `.await` holds its
/// thread: after a second a warning names it, and more threads are started, up to
/// `consume_thread_number`. A plain `fn` may block, as may an async handler with `blocking = true`.
///
/// In `Broadcasting` a program begins at the end of a topic that is new to it, also of one that is
/// created while it runs: declare such topics in the settings (`rocketmq.topics.<name>.queues`).
///
/// Keys may be written in Java's camel case, members of an enum as `Orderly` or `"ORDERLY"`, and
/// every value as `"${key:default}"`, which the settings fill when the program starts.
#[proc_macro_attribute]
pub fn rocketmq_message_listener(arguments: TokenStream, item: TokenStream) -> TokenStream {
    listener_of(ListenerKind::Message, arguments, item)
}

/// Makes a struct that implements `RocketMQReplyListener`, or a function that returns a `ReplyResult`, a
/// listener that replies to its messages.
///
/// The reply goes to the program that sent the request, with `RocketMQTemplate::send_and_receive` or its
/// like in another language. The keys are those of `rocketmq_message_listener`.
#[proc_macro_attribute]
pub fn rocketmq_reply_listener(arguments: TokenStream, item: TokenStream) -> TokenStream {
    listener_of(ListenerKind::Reply, arguments, item)
}

/// Makes a struct that implements `LocalTransactionListener` a listener that runs transactions and says how
/// they ended.
///
/// A program may have any number. The struct's name travels with the messages of its transactions, so that
/// the broker's checks find it again; `name = "…"` gives it another, for a struct that is renamed while
/// transactions are open, or for two of one name.
#[proc_macro_attribute]
pub fn rocketmq_transaction_listener(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    let mut diagnostics = Diagnostics::default();
    let written = WrittenArguments::of(arguments.into());
    let added = match TransactionModel::of(&written, item.clone(), &mut diagnostics) {
        Some(model) if diagnostics.is_empty() => transaction::expand(&model),
        _ => diagnostics.into_tokens(),
    };
    quote!(#item #added).into()
}

fn listener_of(kind: ListenerKind, arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    let mut diagnostics = Diagnostics::default();
    let written = WrittenArguments::of(arguments.into());
    let added = match ListenerModel::of(kind, &written, item.clone(), &mut diagnostics) {
        Some(model) if diagnostics.is_empty() => listener::expand(&model),
        _ => diagnostics.into_tokens(),
    };
    quote!(#item #added).into()
}

/// Makes a struct a component: the application fills its `Inject<…>` fields with what it provides.
#[proc_macro_derive(Component)]
pub fn derive_component(input: TokenStream) -> TokenStream {
    component::derive(&parse_macro_input!(input as DeriveInput)).into()
}
