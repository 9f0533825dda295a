//! A header is a struct with named fields and no generics.

use mq_macros::Header;

#[derive(Header)]
enum Either {
    One,
    Other,
}

#[derive(Header)]
struct Pair(i32, i32);

#[derive(Header)]
struct Of<T> {
    value: T,
}

fn main() {}
