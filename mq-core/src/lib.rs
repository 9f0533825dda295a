//! RocketMQ.
