use mq_starter::prelude::*;

struct Db;

#[derive(Component)]
struct Shop {
    db: Db,
}

#[derive(Component)]
enum Kind {}

#[derive(Component)]
struct Any<T> {
    value: Inject<T>,
}

fn main() {}
