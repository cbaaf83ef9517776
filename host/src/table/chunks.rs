//! A list whose copies cost next to nothing: copies share chunks of items until one of them changes.
//!
//! Who reads a table copies it under the lock that adding takes. So a copy must not take longer the more
//! the rows hold, and what adding has to make up for it afterwards is bounded: one chunk per update.

use std::sync::Arc;

/// Items of a chunk: what is copied at most when an item changes that a copy shares.
pub const CHUNK: usize = 64;

/// A list of items that are added, changed in place, and never removed.
#[derive(Clone, Debug)]
pub struct Chunks<T> {
    chunks: Vec<Arc<Chunk<T>>>,
    len: usize,
}

/// Items that copies share.
#[derive(Clone, Debug)]
pub struct Chunk<T> {
    /// How often anything in it was changed.
    pub changes: u64,
    /// Up to [`CHUNK`] of them.
    pub items: Vec<T>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<T: Clone> Chunks<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn push(&mut self, item: T) {
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.push(Arc::new(Chunk { changes: 0, items: Vec::new() }));
        }
        let chunk = self.chunks.last_mut().expect("one was pushed if there was no room");
        let chunk = Arc::make_mut(chunk);
        chunk.changes += 1;
        chunk.items.push(item);
        self.len += 1;
    }

    pub fn get(&self, place: usize) -> &T {
        &self.chunks[place / CHUNK].items[place % CHUNK]
    }

    /// An item that is to be changed. If a copy shares it, its chunk becomes this list's own.
    pub fn get_mut(&mut self, place: usize) -> &mut T {
        let chunk = Arc::make_mut(&mut self.chunks[place / CHUNK]);
        chunk.changes += 1;
        &mut chunk.items[place % CHUNK]
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| &chunk.items)
    }

    /// The chunks, in order.
    pub fn chunks(&self) -> &[Arc<Chunk<T>>] {
        &self.chunks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many chunks the two share.
    fn shared<T>(a: &Chunks<T>, b: &Chunks<T>) -> usize {
        a.chunks.iter().zip(&b.chunks).filter(|(a, b)| Arc::ptr_eq(a, b)).count()
    }

    /// An item that says how often it was copied.
    #[derive(Debug, Default)]
    struct Counted(std::rc::Rc<std::cell::Cell<usize>>);

    impl Clone for Counted {
        fn clone(&self) -> Self {
            self.0.set(self.0.get() + 1);
            Self(self.0.clone())
        }
    }

    #[test]
    fn a_copy_copies_no_item_and_a_change_one_chunk() {
        let copied = std::rc::Rc::<std::cell::Cell<usize>>::default();
        let mut list = Chunks::default();
        for _ in 0..10 * CHUNK + 1 {
            list.push(Counted(copied.clone()));
        }
        assert_eq!(copied.get(), 0);
        let copy = list.clone();
        assert_eq!((copied.get(), shared(&list, &copy)), (0, 11));
        // However often, and wherever in the chunk.
        for place in [CHUNK, CHUNK + 1, 2 * CHUNK - 1, CHUNK] {
            _ = list.get_mut(place);
        }
        assert_eq!((copied.get(), shared(&list, &copy)), (CHUNK, 10));
        list.push(Counted(copied.clone()));
        assert_eq!(
            (copied.get(), shared(&list, &copy), copy.len()),
            (CHUNK + 1, 9, 10 * CHUNK + 1)
        );
        // What nobody shares is not copied.
        drop(copy);
        _ = list.get_mut(0);
        assert_eq!(copied.get(), CHUNK + 1);
    }

    #[test]
    fn changes_are_counted_by_chunk() {
        let mut list = Chunks::default();
        (0..CHUNK + 1).for_each(|number| list.push(number));
        let before: Vec<_> = list.chunks().iter().map(|chunk| chunk.changes).collect();
        *list.get_mut(CHUNK) = 7;
        let after: Vec<_> = list.chunks().iter().map(|chunk| chunk.changes).collect();
        assert_eq!((after[0], after[1]), (before[0], before[1] + 1));
        assert_eq!((*list.get(CHUNK), list.len()), (7, CHUNK + 1));
    }
}
