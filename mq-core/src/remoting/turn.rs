//! How much a connection takes before others have their turn.

/// Bytes in one turn.
const LENGTH: usize = 512 * 1024;
/// Each piece counts so much more than its bytes.
const PIECE: usize = 512;

/// What is left of a turn.
pub(super) struct Turn(usize);

impl Turn {
    pub(super) fn new() -> Self {
        Self(LENGTH)
    }

    /// Takes a piece of so many bytes.
    pub(super) fn spend(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(PIECE + bytes);
    }

    pub(super) fn is_over(&self) -> bool {
        self.0 == 0
    }

    /// Whether nothing was taken yet.
    pub(super) fn is_whole(&self) -> bool {
        self.0 == LENGTH
    }
}
