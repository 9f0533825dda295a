//! Tests of all requests at once, from one list: their fields under Apache's names, their bodies.

mod cases;
mod golden;
mod headers;
mod hostile;
