//! Calls of one row, or of rows that one thread does: nothing is cut but columns, and nothing counted outside.

use super::{GRAIN, LARGE, words};
use crate::kernel::MAX_ARGS;
use crate::kernel::exec::Kernel;
use crate::kernel::ir::Arg;
use crate::par;

/// Runs a kernel over `n` columns of one row: operands in the order of the program's arguments, the last of which is
/// the output; `None` for one that is in the output already.
///
/// Panics where one has fewer elements than the program reads or writes.
#[inline]
pub fn flat(kernel: &Kernel, n: usize, operands: &[Option<&[u8]>], out: &mut [u8]) {
    let args = kernel.program().args();
    assert_eq!(args.len(), operands.len() + 1, "kernel: a program has an operand for each argument");
    let mut block = [0usize; words(5)];
    assert!(args.len() <= 5, "kernel: a flat launch has up to four operands");
    let end = out.as_mut_ptr();
    (block[0], block[1]) = (1, n);
    let room = |arg: &Arg| arg.dtype.size() * if arg.splat { 1 } else { n };
    for (i, (arg, operand)) in args.iter().zip(operands).enumerate() {
        let (at, len) = operand.map_or((end.cast_const(), out.len()), |x| (x.as_ptr(), x.len()));
        assert!(len >= room(arg), "kernel: {len} bytes are too few for {arg:?} of {n} columns");
        block[3 + 2 * i] = at.expose_provenance();
    }
    let last = &args[args.len() - 1];
    assert!(
        out.len() >= room(last) && !last.splat,
        "kernel: {} bytes are too few for {n} columns",
        out.len()
    );
    block[1 + 2 * args.len()] = end.expose_provenance();
    let nanoseconds = kernel.work(1, n);
    let pieces = par::pieces_of(nanoseconds);
    let streams = n * last.dtype.size() >= LARGE
        && kernel.streamed().eq([args.len() - 1])
        && operands.iter().all(Option::is_some)
        && end.addr().is_multiple_of(last.dtype.size());
    // SAFETY: every operand has the elements of all columns, `out` is exclusive, and one that is not given is
    // `out` itself. Only `out` is streamed, and its address is a multiple of its elements' size.
    let call = |block: &mut [usize]| unsafe {
        match streams {
            false => kernel.call(block),
            true => kernel.call_streaming(block),
        }
    };
    if pieces <= 1 {
        return call(&mut block[..words(args.len())]);
    }
    let width = n.div_ceil(pieces).next_multiple_of(GRAIN);
    par::divided(n.div_ceil(width), &|i| {
        let mut block = block;
        let start = i * width;
        (block[1], block[2]) = (width.min(n - start), start);
        for (i, arg) in args.iter().enumerate() {
            block[3 + 2 * i] += if arg.splat { 0 } else { start * arg.dtype.size() };
        }
        // Pieces are of different columns.
        call(&mut block[..words(args.len())]);
    });
}

/// What a program of one row reads.
#[derive(Clone, Copy, Debug)]
pub enum Side<'a> {
    /// These elements, from the first on.
    Read(&'a [u8]),
    /// What is in that output before it is written.
    Same(usize),
}

/// Runs a kernel over rows and columns on this thread: inputs in the order of the program's arguments, then outputs, for each of
/// which `steps` has the elements from row to row.
///
/// Panics where one has fewer elements than the program reads or writes.
pub fn alone(
    kernel: &Kernel,
    sizes: [usize; 2],
    steps: &[usize],
    inputs: &[Side<'_>],
    outputs: &mut [&mut [u8]],
) {
    match inputs.len() + outputs.len() {
        0..=6 => alone_with::<{ words(6) }>(kernel, sizes, steps, inputs, outputs),
        _ => alone_with::<{ words(MAX_ARGS) }>(kernel, sizes, steps, inputs, outputs),
    }
}

fn alone_with<const WORDS: usize>(
    kernel: &Kernel,
    [rows, n]: [usize; 2],
    steps: &[usize],
    inputs: &[Side<'_>],
    outputs: &mut [&mut [u8]],
) {
    let args = kernel.program().args();
    let all = inputs.len() + outputs.len();
    assert!(args.len() == all && steps.len() == all, "kernel: a program has an operand for each argument");
    if rows == 0 || n == 0 {
        return;
    }
    let mut block = [0usize; WORDS];
    (block[0], block[1]) = (rows, n);
    let room =
        |arg: &Arg, step: usize| arg.dtype.size() * ((rows - 1) * step + if arg.splat { 1 } else { n });
    for (i, (arg, step)) in args.iter().zip(steps).enumerate() {
        block[4 + 2 * i] = step * arg.dtype.size();
    }
    let (of_inputs, of_outputs) = args.split_at(inputs.len());
    for (i, (arg, out)) in of_outputs.iter().zip(outputs.iter_mut()).enumerate() {
        let place = inputs.len() + i;
        assert!(out.len() >= room(arg, steps[place]), "kernel: {} bytes are too few for {arg:?}", out.len());
        block[3 + 2 * place] = out.as_mut_ptr().expose_provenance();
    }
    for (i, (arg, input)) in of_inputs.iter().zip(inputs).enumerate() {
        block[3 + 2 * i] = match input {
            Side::Read(bytes) => {
                let room = room(arg, steps[i]);
                assert!(bytes.len() >= room, "kernel: {} bytes are too few for {arg:?}", bytes.len());
                bytes.as_ptr().expose_provenance()
            }
            Side::Same(j) => {
                let place = inputs.len() + j;
                let same = of_outputs[*j].dtype.size() == arg.dtype.size() && steps[place] == steps[i];
                assert!(
                    same && of_outputs[*j].splat == arg.splat,
                    "kernel: {arg:?} in an output that lies otherwise"
                );
                block[3 + 2 * place]
            }
        };
    }
    // SAFETY: every operand has the elements of all rows and columns; outputs are exclusive, and what is read from one is in
    // the same place.
    unsafe { kernel.call(&mut block[..words(args.len())]) }
}

/// As [`flat`], of so few columns that threads are no question, and with every operand given.
#[inline]
pub fn small(kernel: &Kernel, n: usize, operands: &[&[u8]], out: &mut [u8]) {
    let args = kernel.program().args();
    let mut block = [0usize; words(5)];
    assert!(
        args.len() == operands.len() + 1 && args.len() <= 5,
        "kernel: a program has an operand for each argument"
    );
    (block[0], block[1]) = (1, n);
    for (i, (arg, operand)) in args.iter().zip(operands).enumerate() {
        assert!(operand.len() >= arg.dtype.size() * n, "kernel: too few bytes for {arg:?} of {n} columns");
        block[3 + 2 * i] = operand.as_ptr().expose_provenance();
    }
    let last = args[operands.len()];
    assert!(out.len() >= last.dtype.size() * n, "kernel: too few bytes for {last:?} of {n} columns");
    block[3 + 2 * operands.len()] = out.as_mut_ptr().expose_provenance();
    // SAFETY: every operand has the elements of all columns (or of more than it needs, where it is splat), and `out`
    // is exclusive.
    unsafe { kernel.call(&mut block[..words(args.len())]) }
}
