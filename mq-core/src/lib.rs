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
//! `ARCHITECTURE.md` names the files of both journeys in their order. [`message`] is the message
//! itself; `namesrv` answers which broker has which topic; `node` starts and stops name server and
//! broker together.
//!
//! Every module may use [`clock`] (the time), [`tasks`] (background tasks and their end), [`stop`]
//! (Ctrl-C and SIGTERM), [`stopping`] (what did not stop in time), [`settings`], [`reason`] (an error
//! with its causes in one line), [`saved_file`] (small files that are replaced atomically),
//! [`keyed_fifo`] (work with the same key runs in the order in which it was begun), `troubles` (logs a
//! lasting failure at its begin, once a minute and at its end), `log_once` (logs each of many things
//! once) and `excerpt` (cuts texts of peers for logs).

extern crate self as mq_core;

/// The programs in the README compile, and those without a server run.
#[cfg(all(doctest, feature = "broker", feature = "client", feature = "namesrv"))]
#[doc = include_str!("../README.md")]
struct Readme;

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
pub mod keyed_fifo;
mod log_once;
pub mod reason;
pub mod saved_file;
pub mod settings;
pub mod stop;
pub mod stopping;
pub mod tasks;
mod troubles;
