//! The client against real brokers and name servers.
