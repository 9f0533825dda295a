//! RocketMQ's protocol, store, name server, broker and client, in the order in which a message
//! travels through them.
//!
//! **There.** A producer (`client`) finds the queue of a topic, puts its request into a frame
//! (`wire`) and hands it to the connection (`remoting`). At the other end the same two modules
//! turn the frame into a typed request, the `broker` decides whether it may come in, and the
//! `store` keeps it: commit log first, then the consume queue and the key index.
//!
//! **And back.** The store wakes the pull that waits in the `broker`; the answer goes through
//! `remoting` and `wire` to the consumer (`client`), which calls the listener and commits the
//! offset, or sends the message back for another attempt.
//!
//! `ARCHITECTURE.md` names the files of both journeys in their order. [`message`] is the traveller
//! itself; `namesrv` tells everybody where the brokers are; `node` puts name
//! server and broker together, starts and stops them. [`clock`], [`tasks`], [`stop`],
//! [`stopping`], [`settings`], [`reason`] and [`saved_file`] are open to all: the time, who waits for
//! which task, when the program is asked to end, what did not end as it should, how settings are read, how an error is told with its causes, and how
//! small files are kept; so are `troubles`: what lasts is told when it begins, at most once a minute
//! and when it ends, `told`: what is told once, `excerpt`: how much of a peer's text is kept, and
//! `lines`: work that waits keeps its order.

extern crate self as mq_core;

#[cfg(feature = "broker")]
pub mod broker;
#[cfg(feature = "client")]
pub mod client;
pub mod message;
#[cfg(feature = "namesrv")]
pub mod namesrv;
#[cfg(all(feature = "broker", feature = "namesrv"))]
pub mod node;
pub mod remoting;
#[cfg(feature = "store")]
pub mod store;
pub mod wire;

pub mod clock;
mod excerpt;
pub mod lines;
pub mod reason;
pub mod saved_file;
pub mod settings;
pub mod stop;
pub mod stopping;
pub mod tasks;
mod told;
mod troubles;
