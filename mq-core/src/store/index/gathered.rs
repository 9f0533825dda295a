//! What the index files do not have yet: items in memory, and the part of the log whose items found
//! no room there.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::file::KeyItem;
use super::piece::KeyPiece;

/// Items gather in the open piece; full ones wait for their file, the oldest in front.
#[derive(Debug)]
pub(super) struct GatheredKeys {
    full: VecDeque<Arc<KeyPiece>>,
    open: KeyPiece,
    /// Items of all pieces.
    count: usize,
    /// Items of a full piece.
    piece_items: usize,
    most_items: usize,
    dropped: Option<DroppedKeys>,
}

/// The part of the log whose items are neither in memory nor in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct DroppedKeys {
    /// Physical offsets. It ends where items are taken again; at [`u64::MAX`] while they are still
    /// dropped.
    pub(in crate::store) part: Range<u64>,
    /// What happened, for people.
    pub(in crate::store) why: Cow<'static, str>,
}

/// Whether the items of a record found room in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TakenItems {
    /// They are in memory.
    Kept,
    /// They are in memory, and a piece became full with them.
    PieceFull,
    /// There was no room: they were dropped, and are read from the log again later.
    Dropped,
}

impl GatheredKeys {
    /// A piece is an eighth of all that finds room.
    pub(super) fn new(most_items: usize) -> Self {
        Self {
            full: VecDeque::new(),
            open: KeyPiece::default(),
            count: 0,
            piece_items: (most_items / 8).max(1),
            most_items: most_items.max(1),
            dropped: None,
        }
    }

    /// Takes the items of the record at the physical offset `offset`.
    pub(super) fn take(&mut self, offset: u64, items: impl Iterator<Item = KeyItem>) -> TakenItems {
        let mut taken = TakenItems::Kept;
        if self
            .dropped
            .as_ref()
            .is_some_and(|dropped| dropped.part.end == u64::MAX)
        {
            return TakenItems::Dropped;
        }
        if self.count >= self.most_items {
            self.dropped
                .get_or_insert(DroppedKeys {
                    part: offset..u64::MAX,
                    why: "the index files could not be written, and no more finds room in memory"
                        .into(),
                })
                .part
                .end = u64::MAX;
            return TakenItems::Dropped;
        }
        for item in items {
            self.open.push(item, self.piece_items);
            self.count += 1;
            if self.open.items().len() >= self.piece_items {
                self.close_piece();
                taken = TakenItems::PieceFull;
            }
        }
        taken
    }

    /// The items of a part of the log are not to be had when a store is opened.
    pub(super) fn miss(&mut self, part: Range<u64>, why: Cow<'static, str>) {
        self.dropped = Some(DroppedKeys { part, why });
    }

    /// Lets the open piece wait for its file, however few items it has.
    pub(super) fn close_piece(&mut self) {
        if !self.open.items().is_empty() {
            self.full
                .push_back(Arc::new(std::mem::take(&mut self.open)));
        }
    }

    /// How many pieces wait for their file.
    pub(super) fn waiting(&self) -> usize {
        self.full.len()
    }

    /// The piece that reaches its file next.
    pub(super) fn oldest(&self) -> Option<Arc<KeyPiece>> {
        self.full.front().cloned()
    }

    /// Drops the oldest piece, which is in a file.
    pub(super) fn drop_oldest(&mut self) {
        if let Some(piece) = self.full.pop_front() {
            self.count = self.count.saturating_sub(piece.items().len());
        }
    }

    /// All full pieces, newest first, and the open one to look into.
    pub(super) fn pieces(&self) -> (&KeyPiece, Vec<Arc<KeyPiece>>) {
        (&self.open, self.full.iter().rev().cloned().collect())
    }

    pub(super) fn is_half_full(&self) -> bool {
        self.count >= self.most_items / 2
    }

    /// How many items a full piece has.
    pub(super) fn piece_items(&self) -> usize {
        self.piece_items
    }

    /// How many items there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Copies of the items in `numbers`, counted from the oldest.
    pub(super) fn copy(&self, numbers: Range<usize>) -> Vec<KeyItem> {
        let pieces = self.full.iter().map(|piece| &**piece).chain([&self.open]);
        let items = pieces.flat_map(KeyPiece::items);
        items
            .skip(numbers.start)
            .take(numbers.len())
            .copied()
            .collect()
    }

    pub(super) fn dropped(&self) -> Option<DroppedKeys> {
        self.dropped.clone()
    }

    /// Takes items again from the record at the physical offset `offset` on.
    pub(super) fn take_from(&mut self, offset: u64) {
        if let Some(DroppedKeys { part, .. }) = &mut self.dropped {
            part.end = part.end.min(offset);
        }
    }

    /// The items of dropped records before the physical offset `offset` were taken now.
    pub(super) fn caught_up(&mut self, offset: u64) {
        if let Some(DroppedKeys { part, .. }) = &mut self.dropped {
            part.start = offset.max(part.start);
        }
        self.dropped
            .take_if(|dropped| dropped.part.start >= dropped.part.end);
    }
}
