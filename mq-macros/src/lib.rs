//! The attributes and derives of mq.
