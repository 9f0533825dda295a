//! Our own client in a closed loop, over sockets.

use anyhow::Result;

use crate::bench::{Bench, Flush};
use crate::load::{Shape, measure};
use crate::results::Results;
use crate::rounds::in_turn;
use crate::servers::Contender;

pub(crate) const CASE: &str = "native";

/// The shapes; all bodies when it is to be thorough.
fn shapes(thorough: bool) -> Vec<Shape> {
    let bodies: &[usize] = if thorough {
        &[128, 1024, 4096]
    } else {
        &[1024]
    };
    let mut shapes = Vec::new();
    for body in bodies {
        for connections in [1, 16, 64] {
            for depth in [1, 64] {
                shapes.push(Shape {
                    connections,
                    depth,
                    batch: 1,
                    body: *body,
                });
            }
        }
    }
    shapes
}

/// Runs every shape against the null server and `mq` in both modes.
pub(crate) async fn run(bench: &Bench, results: &mut Results) -> Result<()> {
    let contenders = [
        Contender::Null,
        Contender::Mq(Flush::Interval),
        Contender::Mq(Flush::Sync),
    ];
    for shape in shapes(bench.effort.thorough) {
        let once = async |_contender, server: &_| {
            Ok(vec![(shape.text(), measure(bench, shape, server).await?)])
        };
        in_turn(bench, bench.effort.rounds, &contenders, CASE, once, results).await?;
    }
    Ok(())
}
