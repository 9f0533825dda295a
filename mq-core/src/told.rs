//! What is told once of each of many things that peers make up: when there are too many, that is
//! told once as well, and the rest is not told at all.

use std::collections::BTreeSet;

/// So many things are told, unless a place has a limit of its own.
pub(crate) const MOST_TOLD: usize = 1_024;

/// The things that were told, at most `MOST`.
#[derive(Debug)]
pub(crate) struct Told<K, const MOST: usize = MOST_TOLD> {
    things: BTreeSet<K>,
    is_full: bool,
}

/// What the log says of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// It is new.
    News,
    /// From now on new things are not told.
    Full,
    /// Nothing.
    Silence,
}

impl<K, const MOST: usize> Default for Told<K, MOST> {
    fn default() -> Self {
        Self {
            things: BTreeSet::new(),
            is_full: false,
        }
    }
}

impl<K: Ord, const MOST: usize> Told<K, MOST> {
    pub(crate) fn tell(&mut self, thing: K) -> Telling {
        if self.is_full || self.things.contains(&thing) {
            return Telling::Silence;
        }
        if self.things.len() >= MOST {
            self.is_full = true;
            return Telling::Full;
        }
        self.things.insert(thing);
        Telling::News
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_things_come_again_each_is_told_once_and_the_end_of_telling_too() {
        let mut told = Told::<_>::default();
        let mut news = Vec::new();

        for thing in (0..5_000).chain(0..5_000) {
            match told.tell(thing) {
                Telling::News => news.push(thing),
                Telling::Full => news.push(-1),
                Telling::Silence => {}
            }
        }

        let expected: Vec<_> = (0..1_024).chain([-1]).collect();
        assert_eq!(news, expected);
        assert_eq!(told.things.len(), MOST_TOLD);
    }
}
