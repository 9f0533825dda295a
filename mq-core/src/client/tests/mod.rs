//! The client over sockets. Servers here only answer as they are told; what a real broker does
//! with a client stands in the tests beside.

mod clones;
mod consumers;
mod later;
mod pulls;
mod sends;
mod stage;
