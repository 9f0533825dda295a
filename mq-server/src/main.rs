//! `mq`: name server, broker, both together, and topics, in one program.

mod cli;
mod settings;

fn main() {}
