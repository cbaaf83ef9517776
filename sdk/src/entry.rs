//! What the exports that [`#[weir::script]`](macro@crate::script) makes are made of. Not for use by hand.

use std::{cell::RefCell, slice, thread::LocalKey};

use crate::{About, BatchError, Level, Out, Params, Script, event::ABI, log, table, view::Layout};

/// Where a module keeps its script.
pub type Slot<S> = RefCell<Option<S>>;

thread_local! {
    /// The one buffer for batches, of eight bytes a word so that it is aligned.
    static BUFFER: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    /// The verdicts of the batch at hand.
    static VERDICTS: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// What the host was last pointed at.
    static TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// `weir_abi`: the host calls it before all others.
pub fn abi() -> u32 {
    if cfg!(target_arch = "wasm32") {
        // The trap that follows a panic says only that there was one.
        std::panic::set_hook(Box::new(|panic| {
            let text = panic.to_string().replace('\n', " ");
            log(Level::Error, &text);
        }));
    }
    ABI
}

/// `weir_alloc`: makes room for batches of so many bytes, in the place of the room made before.
pub fn alloc(len: usize) -> *mut u8 {
    BUFFER.with_borrow_mut(|buffer| {
        let words = len.div_ceil(size_of::<u64>()).max(1);
        if buffer.len() < words {
            // The old one goes first, so that both need not fit.
            *buffer = Vec::new();
            *buffer = vec![0; words];
        }
        buffer.as_mut_ptr().cast()
    })
}

/// `weir_describe`.
pub fn describe(about: About, package: &str, version: &str) -> u64 {
    point_at(about.json(package, version).into())
}

/// `weir_start`.
pub fn start<S: Script>(slot: &'static LocalKey<Slot<S>>) -> u64 {
    match S::start(&Params::new()) {
        Ok(script) => {
            slot.set(Some(script));
            table::flush();
            0
        }
        Err(reason) => refusal(reason),
    }
}

/// An empty text would be no refusal.
fn refusal(reason: String) -> u64 {
    point_at(if reason.is_empty() { b"no reason given".to_vec() } else { reason.into() })
}

/// `weir_batch`.
pub fn batch<S: Script>(slot: &'static LocalKey<Slot<S>>, ptr: *mut u8, len: usize) {
    with(slot, |script| {
        with_buffer(ptr, len, |bytes| {
            if let Err(error) = run(script, bytes) {
                panic!("{error}");
            }
        });
    });
}

/// What the host wrote into the buffer.
fn with_buffer<T>(ptr: *mut u8, len: usize, look: impl FnOnce(&mut [u8]) -> T) -> T {
    BUFFER.with_borrow_mut(|buffer| {
        let room: &mut [u8] = {
            let bytes = size_of_val(buffer.as_slice());
            // SAFETY: the buffer's words are initialised, any byte is valid in them, and they stay
            // borrowed for as long as the slice lives.
            unsafe { slice::from_raw_parts_mut(buffer.as_mut_ptr().cast(), bytes) }
        };
        assert!(ptr == room.as_mut_ptr(), "the bytes are not where weir_alloc said");
        look(room.get_mut(..len).expect("the bytes are not more than weir_alloc made room for"))
    })
}

/// `weir_tick`.
pub fn tick<S: Script>(slot: &'static LocalKey<Slot<S>>, now_ms: u32) {
    with(slot, |script| script.tick(now_ms));
    table::flush();
}

/// `weir_save`.
pub fn save<S: Script>(slot: &'static LocalKey<Slot<S>>) -> u64 {
    point_at(with(slot, Script::save))
}

/// `weir_restore`.
pub fn restore<S: Script>(
    slot: &'static LocalKey<Slot<S>>,
    version: u32,
    ptr: *mut u8,
    len: usize,
) -> u64 {
    let answer = with(slot, |script| with_buffer(ptr, len, |state| script.restore(version, state)));
    table::flush();
    answer.map_or_else(refusal, |()| 0)
}

fn with<S: Script, T>(slot: &'static LocalKey<Slot<S>>, act: impl FnOnce(&mut S) -> T) -> T {
    slot.with_borrow_mut(|script| act(script.as_mut().expect("weir_start comes first")))
}

/// Shows the script each event of a batch, and writes the verdicts into it.
pub(crate) fn run<S: Script>(script: &mut S, bytes: &mut [u8]) -> Result<(), BatchError> {
    let layout = Layout::parse(bytes)?;
    // Beside the batch, which the events borrow.
    let mut verdicts = VERDICTS.take();
    verdicts.clear();
    let verdict_of = |(index, event)| script.event(&event, &mut Out { event: index }) as u8;
    verdicts.extend((0..).zip(layout.events(bytes)).map(verdict_of));
    bytes[layout.verdicts..][..verdicts.len()].copy_from_slice(&verdicts);
    VERDICTS.set(verdicts);
    table::flush();
    Ok(())
}

/// Keeps the bytes where the host finds them until the next ones, and returns `ptr << 32 | len`.
fn point_at(text: Vec<u8>) -> u64 {
    TEXT.with_borrow_mut(|kept| {
        *kept = text;
        (kept.as_ptr() as u64) << 32 | kept.len() as u64
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Verdict,
        testing::{Call, batch as bytes_of},
    };

    #[test]
    fn one_live_buffer_that_grows() {
        let small = alloc(64 << 10);
        assert_eq!(small.align_offset(8), 0);
        assert_eq!(alloc(1), small);
        let large = alloc(1 << 20);
        assert_eq!(large.align_offset(8), 0);
        assert_eq!(alloc(64 << 10), large);
    }

    struct Odd;

    #[crate::script]
    impl Script for Odd {
        const ABOUT: About = About::filter("keeps odd process ids");

        fn start(_: &Params) -> Result<Self, String> {
            Ok(Self)
        }

        fn event(&mut self, event: &crate::Event<'_>, _: &mut Out) -> Verdict {
            (event.pid() % 2 == 1).into()
        }
    }

    thread_local! {
        static ODD: Slot<Odd> = const { RefCell::new(None) };
    }

    #[test]
    fn from_buffer_to_verdicts() {
        let bytes = bytes_of(&[Call::new().pid(1), Call::new().pid(2), Call::new().pid(3)]);
        let verdicts = Layout::parse(&bytes).unwrap().verdicts;
        assert_eq!(start(&ODD), 0);
        let ptr = alloc(bytes.len());
        BUFFER.with_borrow_mut(|buffer| {
            for (word, bytes) in buffer.iter_mut().zip(bytes.chunks(8)) {
                let mut eight = [0; 8];
                eight[..bytes.len()].copy_from_slice(bytes);
                *word = u64::from_ne_bytes(eight);
            }
        });
        batch(&ODD, ptr, bytes.len());
        BUFFER.with_borrow(|buffer| {
            let after: Vec<u8> = buffer.iter().flat_map(|word| word.to_ne_bytes()).collect();
            assert_eq!(after[verdicts..verdicts + 3], [0, 1, 0]);
        });
    }

    #[test]
    #[should_panic(expected = "not where weir_alloc said")]
    fn a_batch_elsewhere() {
        assert_eq!(start(&ODD), 0);
        alloc(64);
        batch(&ODD, std::ptr::null_mut(), 64);
    }
}
