//! Programs whose rows come one after another on one thread, as the steps of a loop do.

use super::{inside, words};
use crate::kernel::MAX_ARGS;
use crate::kernel::exec::Kernel;
use smallvec::SmallVec;

/// Where an argument lies: its bytes, in them the first row's first element, and the bytes from row to row.
#[derive(Debug)]
pub enum Place<'a> {
    /// One that is read.
    Read {
        /// Its bytes.
        bytes: &'a [u8],
        /// Where the first row begins.
        first: usize,
        /// From there to the next row, in bytes.
        step: isize,
    },
    /// One that is written, and maybe read before.
    Written {
        /// Its bytes.
        bytes: &'a mut [u8],
        /// Where the first row begins.
        first: usize,
        /// From there to the next row, in bytes.
        step: isize,
    },
}

/// Runs a kernel over rows, at least one, and columns on this thread, in the rows' order; each row sees what those before it wrote.
///
/// Panics where a place has fewer elements than the program reads or writes, or is read and the program writes it.
pub fn in_rows(kernel: &Kernel, [rows, columns]: [usize; 2], places: SmallVec<[Place<'_>; 12]>) {
    let program = kernel.program();
    assert_eq!(program.args().len(), places.len(), "kernel: a program has a place for each argument");
    assert!(rows > 0, "kernel: there is a row");
    let mut block = [0usize; words(MAX_ARGS)];
    (block[0], block[1]) = (rows, columns);
    let count = places.len();
    for (i, (arg, place)) in program.args().iter().zip(places).enumerate() {
        let (start, len, first, step) = match place {
            Place::Read { bytes, first, step } => {
                assert!(
                    !program.writes(i as u8),
                    "kernel: argument {i} is written, and its place is only read"
                );
                (bytes.as_ptr().expose_provenance(), bytes.len(), first, step)
            }
            Place::Written { bytes, first, step } => {
                (bytes.as_mut_ptr().expose_provenance(), bytes.len(), first, step)
            }
        };
        let size = arg.dtype.size();
        let across = if arg.splat { 0 } else { size as isize };
        inside(len, first, &[rows, columns], &[step, across], size);
        block[3 + 2 * i] = start + first;
        block[4 + 2 * i] = step as usize;
    }
    // SAFETY: every place has the elements of all rows and columns, none that is written is anyone else's, and rows may see each
    // other's: the kernel does them in order.
    unsafe { kernel.call(&mut block[..words(count)]) }
}
