//! A header's field knows `name`, `alias` and `default`; all mistakes are told at once.

use mq_macros::Header;

#[derive(Header)]
struct Wrong {
    #[header(nmae = "a")]
    misspelt: i32,
    #[header(name = 7)]
    number: i32,
    #[header(default = "0")]
    value: i32,
}

fn main() {}
