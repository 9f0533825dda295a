//! The mq servers.
fn main() {}
