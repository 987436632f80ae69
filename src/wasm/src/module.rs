//! What a module without Rust's standard library needs of its own.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::Cell;

const PAGE: usize = 1 << 16;

/// Memory of one question and its answer: taken from one end, and all given back when nothing of it is in use, which is
/// when the answer was read. Nothing outlives an answer. An allocator that gives back piece by piece is two kilobytes.
struct Arena {
    /// Where the next piece goes; nothing before the first one.
    next: Cell<usize>,
    /// How many pieces are in use.
    live: Cell<usize>,
}

// SAFETY: a module without shared memory has one thread.
unsafe impl Sync for Arena {}

unsafe extern "C" {
    /// Where the linker's own data ends.
    static __heap_base: u8;
}

// SAFETY: pieces lie one after the other between `__heap_base` and `next`, which goes back only over the last of them, or
// when there are none.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.live.get() == 0 {
            self.next.set((&raw const __heap_base).addr());
        }
        let Some(start) = self.next.get().checked_next_multiple_of(layout.align()) else {
            core::arch::wasm32::unreachable();
        };
        let Some(end) = start.checked_add(layout.size()) else { core::arch::wasm32::unreachable() };
        let (pages, missing) = (memory_size(0), end.saturating_sub(memory_size(0) * PAGE).div_ceil(PAGE));
        // An eighth more each time, as to ask for each page is dear; where that is too much, what is needed.
        if missing > 0
            && memory_grow(0, missing.max(pages / 8)) == usize::MAX
            && memory_grow(0, missing) == usize::MAX
        {
            core::arch::wasm32::unreachable();
        }
        self.next.set(end);
        self.live.set(self.live.get() + 1);
        // Never null, which the compiler sees by this: what it would do then, and print, is left out.
        start.max(1) as *mut u8
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        self.live.set(self.live.get() - 1);
        if piece.addr() + layout.size() == self.next.get() {
            self.next.set(piece.addr());
        }
    }
}

#[global_allocator]
static ARENA: Arena = Arena { next: Cell::new(0), live: Cell::new(0) };

/// A question has come, and is all that is in use: where the end of the stack broke off the one before, its pieces are not.
pub(crate) fn begin() {
    if ARENA.live.get() > 1 {
        ARENA.live.set(1);
    }
}

/// Nobody would see what a panic says; printing it is a tenth of the module.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
