//! Memory for machine code, shared by all threads.
//!
//! The same pages are mapped twice: one view is written, the other executed. No page is ever writable and executable
//! through one mapping, and placing a kernel takes no system call, only a copy. Where the system refuses this (other
//! systems than Linux on x86-64, hardened containers), [`Arena::unavailable`] says why and callers use what needs no
//! machine code.
//!
//! What always holds: code stays where it was placed, unchanged, as long as the process lives; nothing is ever freed.
//! So a [`Code`] is always good to call. (Kernels are kept in caches that do not forget either; a program has few.)

#![allow(unsafe_code)]

use std::fmt;

/// Kernels start at multiples of so many bytes.
pub const ALIGN: usize = 64;

/// Why machine code cannot be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Code is made for Linux on x86-64 only.
    Platform,
    /// The system refused a call, with this error number.
    Refused {
        /// The call.
        call: &'static str,
        /// `errno`.
        errno: i32,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Platform => f.write_str("machine code is emitted for Linux on x86-64 only"),
            Reason::Refused { call, errno } => {
                write!(f, "the system refuses {call}: {}", std::io::Error::from_raw_os_error(*errno))
            }
        }
    }
}

/// The process's one arena.
#[derive(Debug)]
pub struct Arena;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub use linux::Code;

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub use elsewhere::Code;

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod elsewhere {
    use super::{Arena, Reason};

    /// Machine code; there is none on this system.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Code {}

    impl Arena {
        /// Why code cannot be placed and called.
        pub fn unavailable() -> Option<Reason> {
            Some(Reason::Platform)
        }

        /// Says why not.
        pub fn place(_: &[u8]) -> Result<Code, Reason> {
            Err(Reason::Platform)
        }
    }

    impl Code {
        /// Cannot be reached.
        ///
        /// # Safety
        /// There is no code.
        pub unsafe fn call(&self, _: *mut usize) {
            match *self {}
        }
    }
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod linux {
    use super::{ALIGN, Arena, Reason};
    use std::ptr::{NonNull, null_mut};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Mutex, Once, OnceLock};

    /// Bytes that are mapped at a time; more where one kernel needs them.
    const CHUNK: usize = 1 << 20;

    /// How often this process descends by `fork` from one that had an arena.
    static GENERATION: AtomicU32 = AtomicU32::new(0);

    static STATE: Mutex<State> = Mutex::new(State { chunk: None, used: 0 });

    struct State {
        /// Where code is placed now; earlier ones are full, and stay mapped.
        chunk: Option<Chunk>,
        used: usize,
    }

    /// Pages, mapped twice.
    struct Chunk {
        write: NonNull<u8>,
        execute: NonNull<u8>,
        bytes: usize,
        generation: u32,
    }

    // SAFETY: the mappings are never unmapped, and are written only under the lock around the chunk.
    unsafe impl Send for Chunk {}

    /// Machine code that was placed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Code {
        entry: NonNull<u8>,
    }

    // SAFETY: code is never changed or freed once it is placed, so any thread may use its address.
    unsafe impl Send for Code {}
    // SAFETY: as above.
    unsafe impl Sync for Code {}

    impl Code {
        /// Calls the code as `extern "sysv64" fn(block)`.
        ///
        /// # Safety
        /// The code is a function of this signature that keeps to the calling convention, and everything it does with
        /// `block` is allowed.
        #[inline(always)]
        pub unsafe fn call(&self, block: *mut usize) {
            // SAFETY: the address is that of code which stays there; the rest is the caller's promise.
            let function: unsafe extern "sysv64" fn(*mut usize) =
                unsafe { std::mem::transmute(self.entry.as_ptr()) };
            // SAFETY: the caller's promise.
            unsafe { function(block) }
        }

        /// Where the code starts, for callers with another signature.
        #[inline(always)]
        pub fn entry(&self) -> NonNull<u8> {
            self.entry
        }
    }

    impl Arena {
        /// Why code cannot be placed and called; `None` where it can. Found out once.
        pub fn unavailable() -> Option<Reason> {
            static FOUND: OnceLock<Option<Reason>> = OnceLock::new();
            *FOUND.get_or_init(|| Arena::place(&[0xc3]).err())
        }

        /// Places code, at a multiple of [`ALIGN`] bytes, for ever. (What the bytes do is the business of who calls them:
        /// placing is safe, calling is not.)
        pub fn place(code: &[u8]) -> Result<Code, Reason> {
            let bytes = code.len().next_multiple_of(ALIGN);
            let mut state = STATE.lock().unwrap_or_else(|e| e.into_inner());
            let generation = GENERATION.load(Ordering::Relaxed);
            let fits = matches!(&state.chunk, Some(chunk)
                if chunk.generation == generation && chunk.bytes - state.used >= bytes);
            if !fits {
                let chunk = Chunk::new(bytes.next_multiple_of(CHUNK), generation)?;
                *state = State { chunk: Some(chunk), used: 0 };
            }
            let chunk = state.chunk.as_ref().expect("there is one with room");
            // SAFETY: `used + bytes` is at most the chunk's size, so both addresses are in its mappings. The bytes
            // behind `used` were given to nobody yet, are ours under the lock, and do not overlap `code`.
            let entry = unsafe {
                std::ptr::copy_nonoverlapping(
                    code.as_ptr(),
                    chunk.write.as_ptr().add(state.used),
                    code.len(),
                );
                chunk.execute.add(state.used)
            };
            state.used += bytes;
            Ok(Code { entry })
        }
    }

    impl Chunk {
        fn new(bytes: usize, generation: u32) -> Result<Chunk, Reason> {
            static FORKS: Once = Once::new();
            FORKS.call_once(|| {
                // A child of `fork` shares the pages with its parent: it must not write where the parent goes on.
                extern "C" fn child() {
                    GENERATION.fetch_add(1, Ordering::Relaxed);
                }
                // SAFETY: the handler only changes an atomic.
                unsafe { libc::pthread_atfork(None, None, Some(child)) };
            });
            let file = memory_file()?;
            // SAFETY: the descriptor is open; the call has no other precondition.
            let sized = unsafe { libc::ftruncate(file.0, bytes as libc::off_t) };
            if sized != 0 {
                return Err(refused("ftruncate"));
            }
            let write = map(&file, bytes, libc::PROT_READ | libc::PROT_WRITE, "a writable mapping")?;
            match map(&file, bytes, libc::PROT_READ | libc::PROT_EXEC, "an executable mapping") {
                Ok(execute) => Ok(Chunk { write, execute, bytes, generation }),
                Err(reason) => {
                    // SAFETY: the mapping was just made, with this size, and nobody else has its address.
                    unsafe { libc::munmap(write.as_ptr().cast(), bytes) };
                    Err(reason)
                }
            }
        }
    }

    /// A descriptor that is closed in the end; mappings outlive it.
    struct File(libc::c_int);

    impl Drop for File {
        fn drop(&mut self) {
            // SAFETY: the descriptor is ours and open.
            unsafe { libc::close(self.0) };
        }
    }

    fn refused(call: &'static str) -> Reason {
        Reason::Refused { call, errno: std::io::Error::last_os_error().raw_os_error().unwrap_or(0) }
    }

    fn memory_file() -> Result<File, Reason> {
        /// Says that the file's pages may be executed; since Linux 6.3, before which it is an invalid flag.
        const EXEC: libc::c_uint = 0x10;
        for flags in [libc::MFD_CLOEXEC | EXEC, libc::MFD_CLOEXEC] {
            // SAFETY: the name is a string that ends with 0.
            let file = unsafe { libc::memfd_create(c"plywood-code".as_ptr(), flags) };
            if file >= 0 {
                return Ok(File(file));
            }
        }
        Err(refused("memfd_create"))
    }

    fn map(file: &File, bytes: usize, protection: i32, what: &'static str) -> Result<NonNull<u8>, Reason> {
        // SAFETY: a new mapping at an address of the system's choice touches no memory that is in use.
        let at = unsafe { libc::mmap(null_mut(), bytes, protection, libc::MAP_SHARED, file.0, 0) };
        if at == libc::MAP_FAILED {
            return Err(refused(what));
        }
        Ok(NonNull::new(at.cast()).expect("the system maps nothing at 0"))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// Code that adds `n` to the first word of the block.
        fn adder(n: i32) -> Vec<u8> {
            let mut code = vec![0x48, 0x81, 0x07]; // add qword [rdi], imm32
            code.extend_from_slice(&n.to_le_bytes());
            code.push(0xc3);
            code
        }

        fn call(code: Code) -> usize {
            let mut block = [0usize; 4];
            // SAFETY: the code is an `adder`, which changes one word.
            unsafe { code.call(block.as_mut_ptr()) };
            block[0]
        }

        #[test]
        fn placed_code_runs_on_every_thread_and_stays() {
            assert_eq!(Arena::unavailable(), None, "tests of code need a system that executes it");
            let placed: Vec<(usize, Code)> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8)
                    .map(|t| {
                        scope.spawn(move || {
                            // Some too large for what is left of a chunk, or for any.
                            let sizes = [8, 64, 100_000, 700_000, 2_500_000];
                            (0..40)
                                .map(|i| {
                                    let mut code = adder(t * 100 + i);
                                    code.resize(
                                        sizes[i as usize % 5] / if i > 10 { 50 } else { 1 } + 8,
                                        0xcc,
                                    );
                                    ((t * 100 + i) as usize, Arena::place(&code).unwrap())
                                })
                                .collect::<Vec<_>>()
                        })
                    })
                    .collect();
                threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(placed.len(), 320);
            for &(n, code) in &placed {
                assert_eq!(code.entry().addr().get() % ALIGN, 0);
                assert_eq!(call(code), n);
            }
        }

        #[test]
        fn no_mapping_is_writable_and_executable() {
            Arena::place(&adder(1)).unwrap();
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            let ours: Vec<&str> = maps.lines().filter(|line| line.contains("plywood-code")).collect();
            let rights = |line: &str| line.split(' ').nth(1).unwrap()[..3].to_string();
            assert!(ours.iter().any(|line| rights(line) == "rw-"), "{ours:?}");
            assert!(ours.iter().any(|line| rights(line) == "r-x"), "{ours:?}");
            assert!(ours.iter().all(|line| ["rw-", "r-x"].contains(&&*rights(line))), "{ours:?}");
        }

        #[test]
        fn a_forked_child_writes_elsewhere() {
            let before = Arena::place(&adder(5)).unwrap();
            // SAFETY: the child only places and calls code, and leaves without running anything of the parent's. (The
            // lock it takes could be held by another thread at this moment, so it tries, and does without.)
            let child = unsafe { libc::fork() };
            if child == 0 {
                let free = STATE.try_lock().is_ok();
                let good = !free || {
                    let after: Vec<Code> =
                        (0..100).map(|n| Arena::place(&adder(1000 + n)).unwrap()).collect();
                    call(before) == 5 && call(after[99]) == 1099
                };
                // SAFETY: ends the child.
                unsafe { libc::_exit(if good { 0 } else { 1 }) };
            }
            let after: Vec<Code> = (0..100).map(|n| Arena::place(&adder(2000 + n)).unwrap()).collect();
            let mut status = 0;
            // SAFETY: waits for the child that was just made.
            unsafe { libc::waitpid(child, &mut status, 0) };
            assert_eq!(status, 0, "the child found its code");
            for (n, &code) in after.iter().enumerate() {
                assert_eq!(call(code), 2000 + n);
            }
        }

        /// `cargo test --release -p plywood-backend-cpu placing -- --ignored --nocapture`.
        #[test]
        #[ignore = "a measurement"]
        fn placing() {
            let code = [0xc3; 1024];
            Arena::place(&code).unwrap();
            let least = (0..50)
                .map(|_| {
                    let start = std::time::Instant::now();
                    (0..100).for_each(|_| assert!(Arena::place(&code).is_ok()));
                    start.elapsed().as_nanos() / 100
                })
                .min();
            println!("placing a kernel of 1 kB: {} ns", least.unwrap());
        }
    }
}
