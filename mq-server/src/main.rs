//! `mq`: name server, broker, both together, topics and dead letters, in one program.

use std::process::ExitCode;

fn main() -> ExitCode {
    mq_server::run(std::env::args_os())
}
