//! Where kernels are found again: by a program's digest, and eager operations by a key that is made without building
//! a program.
//!
//! Kernels live as long as the process: their code is never moved nor freed, so that finding one is a look into a
//! table, and calling one needs no count.

use super::exec::Kernel;
use super::ir::{Digest, Program};
use super::target::Target;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{OnceLock, RwLock};

/// A digest is a hash already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&b| self.0 = self.0.rotate_left(8) ^ b as u64);
    }
    fn write_u128(&mut self, x: u128) {
        self.0 = x as u64;
    }
}

type Table = HashMap<Digest, &'static Kernel, BuildHasherDefault<Identity>>;

static KERNELS: RwLock<Option<Table>> = RwLock::new(None);

/// The program's kernel for the [current target](Target::current), made at the first call.
pub fn compile(program: &Program) -> &'static Kernel {
    find(program.digest()).unwrap_or_else(|| make(program))
}

/// The kernel of a program that was compiled before.
pub fn find(digest: Digest) -> Option<&'static Kernel> {
    KERNELS.read().unwrap_or_else(|e| e.into_inner()).as_ref()?.get(&digest).copied()
}

#[cold]
fn make(program: &Program) -> &'static Kernel {
    let kernel = Kernel::new(program, Target::current());
    let mut table = KERNELS.write().unwrap_or_else(|e| e.into_inner());
    let table = table.get_or_insert_with(Table::default);
    table.entry(program.digest()).or_insert_with(|| Box::leak(Box::new(kernel)))
}

/// How many kernels there are.
pub fn compiled() -> usize {
    KERNELS.read().unwrap_or_else(|e| e.into_inner()).as_ref().map_or(0, HashMap::len)
}

/// What an eager operation's kernel is found by: never 0, and the same only for the same program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key(pub u64);

const SLOTS: usize = 1 << 13;
static EAGER: [OnceLock<(Key, &'static Kernel)>; SLOTS] = [const { OnceLock::new() }; SLOTS];

/// The kernel of an eager operation; `program` is asked for once.
#[inline]
pub fn eager(key: Key, program: impl Fn() -> Program) -> &'static Kernel {
    let mut slot = (key.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOTS.trailing_zeros())) as usize;
    for _ in 0..16 {
        let (found, kernel) = EAGER[slot].get_or_init(|| (key, compile(&program())));
        if *found == key {
            return kernel;
        }
        slot = (slot + 1) % SLOTS;
    }
    // The neighbourhood is full, which takes thousands of kernels: the long way.
    compile(&program())
}
