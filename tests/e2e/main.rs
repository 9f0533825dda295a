//! Several parts together, and what only the whole tree can show.

mod limits;
