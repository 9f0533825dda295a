//! How much a connection processes in one poll before other tasks run.

/// The budget of one turn, in bytes.
const TURN_BUDGET: usize = 512 * 1024;
/// The fixed cost of each frame or response, in bytes.
const COST_PER_ITEM: usize = 512;

/// What is left of the budget of a turn.
pub(super) struct Turn(usize);

impl Turn {
    pub(super) fn new() -> Self {
        Self(TURN_BUDGET)
    }

    /// Spends the cost of one frame or response of `bytes`.
    pub(super) fn spend(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(COST_PER_ITEM + bytes);
    }

    pub(super) fn is_over(&self) -> bool {
        self.0 == 0
    }

    /// Whether nothing was spent yet.
    pub(super) fn is_unspent(&self) -> bool {
        self.0 == TURN_BUDGET
    }
}
