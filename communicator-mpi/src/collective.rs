//! What members do together, made of calls that MPI does well: operands in pieces, sums in the order of ranks.
//!
//! What always holds: every member makes the same calls in the same order, whatever lies in its memory; so lengths, the size of the
//! group and its [`Tuning`], which all members share, decide, and nothing else does. Nothing is called for no bytes, and nothing for
//! a group of one.

use crate::Error;
use crate::ffi::{Combining, Comm, Operators, is_aligned};
use crate::patience::Patience;
use crate::reduction::{Reduction, fold};
use plywood_core::DType;

/// Into which pieces operands are cut: the same on every member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Bytes that are combined in one call. MPI takes as many again for itself, and what stays in a cache is combined several
    /// times faster.
    pub piece: usize,
    /// At least so many of them for each member, so that what is sent at once does not shrink as members are added.
    pub each: usize,
    /// Bytes, of all members together, that move in one call; MPI counts in 32 bits, with a sign.
    pub moved: usize,
    /// Whether MPI combines in place, where its library is known to.
    pub in_place: bool,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning { piece: 512 << 10, each: 128 << 10, moved: 1 << 30, in_place: true }
    }
}

/// Sums in order of so many bytes, all members' together, take one round: all get everything.
const ONE_ROUND: usize = 64 << 10;
/// The most memory that is kept between calls.
const KEPT: usize = 32 << 20;

/// What a call works with: its group's communicator, and memory.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) comm: &'a Comm,
    pub(crate) operators: &'a Operators,
    pub(crate) tuning: Tuning,
    pub(crate) scratch: &'a mut Scratch,
}

/// Memory of a group, at addresses that fit every element.
#[derive(Debug, Default)]
pub(crate) struct Scratch([Vec<u64>; 2]);

impl Scratch {
    fn two(&mut self, a: usize, b: usize) -> [&mut [u8]; 2] {
        let [first, second] = &mut self.0;
        [(first, a), (second, b)].map(|(words, bytes)| {
            if words.len() < bytes.div_ceil(8) {
                words.resize(bytes.div_ceil(8), 0);
            }
            &mut bytemuck::cast_slice_mut(words)[..bytes]
        })
    }

    /// After a call: what is large is given back.
    pub(crate) fn trim(&mut self) {
        for words in &mut self.0 {
            if 8 * words.len() > KEPT {
                *words = Vec::new();
            }
        }
    }
}

impl Context<'_> {
    /// Bytes of a piece that is combined: whole elements of any type, and as many blocks.
    fn piece(&self) -> usize {
        let least = 8 * self.comm.size;
        let piece = self.tuning.piece.max(self.tuning.each * self.comm.size);
        piece.clamp(least, 1 << 30) / least * least
    }
}

pub(crate) fn all_reduce(
    cx: &mut Context,
    how: Reduction,
    dtype: DType,
    data: &mut [u8],
) -> Result<(), Error> {
    if cx.comm.size == 1 || data.is_empty() {
        return Ok(());
    }
    if how == Reduction::SumInOrder {
        return sum_in_order(cx, dtype, data);
    }
    let (in_place, fits) = (cx.tuning.in_place && Comm::is_in_place(), is_aligned(dtype, data));
    let combining = Combining { operators: cx.operators, how, dtype };
    for data in data.chunks_mut(cx.piece()) {
        let n = data.len();
        if in_place && fits {
            cx.comm.all_reduce_in_place(combining, data)?;
            continue;
        }
        let [from, into] = cx.scratch.two(n, if in_place || fits { 0 } else { n });
        from.copy_from_slice(data);
        if in_place {
            cx.comm.all_reduce_in_place(combining, from)?;
            data.copy_from_slice(from);
        } else if fits {
            cx.comm.all_reduce(combining, from, data)?;
        } else {
            cx.comm.all_reduce(combining, from, into)?;
            data.copy_from_slice(into);
        }
    }
    Ok(())
}

/// Each member gets its part of all operands, adds them in the order of ranks, and gives all others the sum.
fn sum_in_order(cx: &mut Context, dtype: DType, data: &mut [u8]) -> Result<(), Error> {
    let n = cx.comm.size;
    if data.len() * n <= ONE_ROUND {
        let [all, _] = cx.scratch.two(data.len() * n, 0);
        cx.comm.all_gather(data, all)?;
        fold(Reduction::SumInOrder, dtype, all, data);
        return Ok(());
    }
    for data in data.chunks_mut(cx.piece()) {
        let block = (data.len() / dtype.size()).div_ceil(n) * dtype.size();
        let [mine, theirs] = cx.scratch.two(n * block, n * block);
        mine[..data.len()].copy_from_slice(data);
        mine[data.len()..].fill(0);
        cx.comm.all_to_all(mine, theirs)?;
        fold(Reduction::SumInOrder, dtype, theirs, &mut mine[..block]);
        cx.comm.all_gather(&mine[..block], theirs)?;
        data.copy_from_slice(&theirs[..data.len()]);
    }
    Ok(())
}

pub(crate) fn reduce_scatter(
    cx: &mut Context,
    how: Reduction,
    dtype: DType,
    data: &[u8],
    mine: &mut [u8],
) -> Result<(), Error> {
    let (n, whole) = (cx.comm.size, mine.len());
    if n == 1 || whole == 0 {
        mine.copy_from_slice(data);
        return Ok(());
    }
    let (piece, combining) = (cx.piece() / n, Combining { operators: cx.operators, how, dtype });
    for (i, mine) in mine.chunks_mut(piece).enumerate() {
        let (len, in_order) = (mine.len(), how == Reduction::SumInOrder);
        // What lies as MPI takes it is left where it is.
        let from_data = len == whole && is_aligned(dtype, data);
        let into_mine = !in_order && is_aligned(dtype, mine);
        let [packed, other] =
            cx.scratch.two(if from_data { 0 } else { n * len }, if into_mine { 0 } else { n * len });
        let from = match from_data {
            true => data,
            false => {
                pack(data, whole, i * piece, packed, len);
                packed
            }
        };
        if in_order {
            cx.comm.all_to_all(from, other)?;
            fold(how, dtype, other, mine);
        } else if into_mine {
            cx.comm.reduce_scatter(combining, from, mine)?;
        } else {
            cx.comm.reduce_scatter(combining, from, &mut other[..len])?;
            mine.copy_from_slice(&other[..len]);
        }
    }
    Ok(())
}

pub(crate) fn all_gather(cx: &mut Context, mine: &[u8], all: &mut [u8]) -> Result<(), Error> {
    let (n, whole) = (cx.comm.size, mine.len());
    if n == 1 || whole == 0 {
        all.copy_from_slice(mine);
        return Ok(());
    }
    if all.len() <= cx.tuning.moved {
        return cx.comm.all_gather(mine, all);
    }
    let piece = cx.piece() / n;
    for (i, mine) in mine.chunks(piece).enumerate() {
        let [packed, _] = cx.scratch.two(n * mine.len(), 0);
        cx.comm.all_gather(mine, packed)?;
        unpack(packed, mine.len(), all, whole, i * piece);
    }
    Ok(())
}

pub(crate) fn all_to_all(cx: &mut Context, data: &[u8], out: &mut [u8]) -> Result<(), Error> {
    let n = cx.comm.size;
    let whole = data.len() / n;
    if n == 1 || whole == 0 {
        out.copy_from_slice(data);
        return Ok(());
    }
    if data.len() <= cx.tuning.moved {
        return cx.comm.all_to_all(data, out);
    }
    let piece = cx.piece() / n;
    for at in (0..whole).step_by(piece) {
        let len = piece.min(whole - at);
        let [packed, got] = cx.scratch.two(n * len, n * len);
        pack(data, whole, at, packed, len);
        cx.comm.all_to_all(packed, got)?;
        unpack(got, len, out, whole, at);
    }
    Ok(())
}

pub(crate) fn broadcast(cx: &mut Context, root: usize, data: &mut [u8]) -> Result<(), Error> {
    if cx.comm.size == 1 {
        return Ok(());
    }
    data.chunks_mut(cx.tuning.moved).try_for_each(|data| cx.comm.broadcast(root, data))
}

pub(crate) fn permute(
    cx: &mut Context,
    to: Option<usize>,
    from: Option<usize>,
    data: &[u8],
    out: &mut [u8],
    mut patience: Option<Patience>,
) -> Result<(), Error> {
    if from.is_none() {
        out.fill(0);
    }
    // Each side by its own length: both are the same on members that mean the same.
    let (mut sent, mut got) = (data.chunks(cx.tuning.moved), out.chunks_mut(cx.tuning.moved));
    loop {
        let (data, to) = sent.next().map_or((&[][..], None), |data| (data, to));
        let (out, from) = got.next().map_or((&mut [][..], None), |out| (out, from));
        if to.is_none() && from.is_none() {
            return Ok(());
        }
        cx.comm.exchange((to, data), (from, out), patience.as_mut())?;
    }
}

/// The part of `len` bytes at `at` of each block of `whole`, one behind another.
fn pack(blocks: &[u8], whole: usize, at: usize, packed: &mut [u8], len: usize) {
    for (block, part) in blocks.chunks_exact(whole).zip(packed.chunks_exact_mut(len)) {
        part.copy_from_slice(&block[at..at + len]);
    }
}

/// The inverse of [`pack`].
fn unpack(packed: &[u8], len: usize, blocks: &mut [u8], whole: usize, at: usize) {
    for (block, part) in blocks.chunks_exact_mut(whole).zip(packed.chunks_exact(len)) {
        block[at..at + len].copy_from_slice(part);
    }
}

/// What a caller promises of lengths and ranks: mistakes in the program, which panic at its line.
pub(crate) mod check {
    use crate::reduction::Reduction;
    use plywood_core::DType;

    #[track_caller]
    pub(crate) fn elements(how: Reduction, dtype: DType, len: usize) {
        assert!(how.takes(dtype), "{}: does not take {dtype}", how.name());
        assert!(
            len.is_multiple_of(dtype.size()),
            "{}: {len} bytes are no whole number of {dtype}",
            how.name()
        );
    }

    #[track_caller]
    pub(crate) fn blocks(name: &str, members: usize, all: usize, one: usize) {
        let fits = Some(all) == members.checked_mul(one);
        assert!(fits, "{name}: {all} bytes are not {members} blocks of {one}, one for each member");
    }

    #[track_caller]
    pub(crate) fn exchanged(members: usize, data: usize, out: usize) {
        let fits = data == out && data.is_multiple_of(members);
        assert!(
            fits,
            "all_to_all: {data} and {out} bytes are not one block of a length for each of {members} members"
        );
    }

    #[track_caller]
    pub(crate) fn ranks<const N: usize>(members: usize, ranks: [Option<usize>; N]) {
        for rank in ranks.into_iter().flatten() {
            assert!(rank < members, "rank {rank} of a group of {members}");
        }
    }

    #[track_caller]
    pub(crate) fn members(size: usize, members: &[usize]) {
        for (i, &member) in members.iter().enumerate() {
            let fits = member < size && !members[..i].contains(&member);
            assert!(fits, "members {members:?} of a group of {size}: each in range, and named once");
        }
    }
}
