//! Memory with guard pages, for arguments and for code: what reads or writes beside it ends the process, which names
//! the program at work.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::Once;

const PAGE: usize = 4096;

/// Pages that no access reaches past: one that may not be touched lies on either side.
#[derive(Debug)]
pub struct Guarded {
    start: *mut u8,
    bytes: usize,
}

impl Guarded {
    /// At least so many bytes.
    pub fn new(bytes: usize) -> Guarded {
        let bytes = bytes.next_multiple_of(PAGE);
        // SAFETY: a new mapping at an address of the system's choice touches no memory that is in use.
        let all = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            libc::mmap(null_mut(), bytes + 2 * PAGE, libc::PROT_NONE, flags, -1, 0)
        };
        assert!(all != libc::MAP_FAILED, "the system maps no memory");
        let guarded = Guarded { start: all.cast::<u8>().wrapping_add(PAGE), bytes };
        guarded.protect(libc::PROT_READ | libc::PROT_WRITE);
        guarded
    }

    fn protect(&self, protection: i32) {
        // SAFETY: the pages are this mapping's own; nobody holds a reference to them, as methods that give one borrow.
        let result = unsafe { libc::mprotect(self.start.cast(), self.bytes, protection) };
        assert_eq!(result, 0, "the system protects no memory");
    }

    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the pages are mapped and writable while no code lies in them, and borrowed with `self`.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.bytes) }
    }

    pub fn address(&self) -> usize {
        self.start.expose_provenance()
    }

    /// Calls code, which is copied here before, with a call block.
    ///
    /// # Safety
    /// The code keeps to the calling convention, and may do with `block` what it does.
    pub unsafe fn run(&mut self, code: &[u8], block: &mut [usize]) {
        self.bytes()[..code.len()].copy_from_slice(code);
        self.protect(libc::PROT_READ | libc::PROT_EXEC);
        // SAFETY: the address is that of the code, which may be executed; the rest is the caller's promise.
        unsafe {
            let function: unsafe extern "sysv64" fn(*mut usize) = std::mem::transmute(self.start);
            function(block.as_mut_ptr());
        }
        self.protect(libc::PROT_READ | libc::PROT_WRITE);
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own.
        unsafe { libc::munmap(self.start.wrapping_sub(PAGE).cast(), self.bytes + 2 * PAGE) };
    }
}

thread_local! {
    static AT_WORK: Cell<u64> = const { Cell::new(0) };
}

/// Says which seed's program runs next on this thread, so that its number is known if it ends the process.
pub fn at_work(seed: u64) {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(|| {
        extern "C" fn fault(signal: i32) {
            let mut text = *b"the program of seed                      faulted\n";
            let mut seed = AT_WORK.get();
            for digit in text[20..40].iter_mut().rev() {
                *digit = b'0' + (seed % 10) as u8;
                seed /= 10;
            }
            // SAFETY: both calls are allowed in a signal's handler; the text is live. The instruction is then run
            // again, and ends the process.
            unsafe {
                libc::write(2, text.as_ptr().cast(), text.len());
                libc::signal(signal, libc::SIG_DFL);
            }
        }
        let handler = fault as extern "C" fn(i32);
        for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL] {
            // SAFETY: the handler does what a handler may.
            unsafe { libc::signal(signal, handler as libc::sighandler_t) };
        }
    });
    AT_WORK.set(seed);
}
