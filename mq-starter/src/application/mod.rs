//! The application: what it provides, what it listens to, when it starts and how it stops.

mod problem;

pub use problem::{Failure, Problem, StartError};
