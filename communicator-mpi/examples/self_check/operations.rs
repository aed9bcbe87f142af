//! Every operation against what it should give.

use crate::expect;
use crate::values::{Kind, close, operand, reduced, same};
use plywood_communicator_mpi::{Error, Group, Reduction};
use plywood_core::DType;
use std::ops::Range;
use std::sync::Arc;

/// All operations on `n` elements, for each member where there are blocks, in both forms.
pub fn check(group: &Arc<Group>, dtype: DType, n: usize) -> Result<(), Error> {
    for kind in [Kind::Small, Kind::Any] {
        // Also as many equal blocks as there are members.
        let whole = n.next_multiple_of(group.size());
        let operands: Vec<Vec<u8>> = (0..group.size()).map(|r| operand(kind, dtype, r, 0, whole)).collect();
        for how in Reduction::ALL.into_iter().filter(|how| how.takes(dtype)) {
            reductions(group, how, dtype, (kind, &operands), n)?;
        }
    }
    moves(group, dtype, n)
}

fn reductions(
    group: &Arc<Group>,
    how: Reduction,
    dtype: DType,
    (kind, operands): (Kind, &[Vec<u8>]),
    n: usize,
) -> Result<(), Error> {
    let (rank, size) = (group.rank(), group.size());
    let expected = reduced(how, dtype, operands);
    // The elements of all at some places are what they should be.
    let fits = |got: &[u8], places: Range<usize>| match (how, kind) {
        (Reduction::Sum, Kind::Any) => {
            let operands: Vec<&[u8]> = operands.iter().map(|o| &o[places.clone()]).collect();
            close(dtype, got, &expected[places], &operands)
        }
        _ => same(dtype, got, &expected[places]),
    };
    let told = |call: &str| format!("{call}, {} of {n} {dtype} on {group}, rank {rank}", how.name());

    let bytes = n * dtype.size();
    let mut data = operands[rank][..bytes].to_vec();
    let started = group.start_all_reduce(how, dtype, data.clone()).wait()?;
    group.all_reduce(how, dtype, &mut data)?;
    expect(fits(&data, 0..bytes), || told("all_reduce"));
    expect(started == data || fits(&started, 0..bytes), || told("started all_reduce"));

    let bytes = operands[rank].len() / size;
    let places = rank * bytes..(rank + 1) * bytes;
    let mut got = vec![9; bytes];
    group.reduce_scatter(how, dtype, &operands[rank], &mut got)?;
    let (_, started) =
        group.start_reduce_scatter(how, dtype, operands[rank].clone(), vec![9; bytes]).wait()?;
    expect(fits(&got, places.clone()), || told("reduce_scatter"));
    expect(started == got || fits(&started, places), || told("started reduce_scatter"));
    Ok(())
}

fn moves(group: &Arc<Group>, dtype: DType, n: usize) -> Result<(), Error> {
    let (rank, size) = (group.rank(), group.size());
    let told = |call: &str| format!("{call} of {n} {dtype} on {group}, rank {rank}");
    let bytes = n * dtype.size();
    let operands: Vec<Vec<u8>> = (0..size).map(|r| operand(Kind::Any, dtype, r, 0, n)).collect();
    let mine = &operands[rank];

    let mut all = vec![9; bytes * size];
    group.all_gather(mine, &mut all)?;
    let (_, started) = group.start_all_gather(mine.clone(), vec![9; bytes * size]).wait()?;
    expect(all == operands.concat(), || told("all_gather"));
    expect(started == all, || told("started all_gather"));

    // From each its k-th block for member k.
    let block = |from: usize, to: usize| operand(Kind::Any, dtype, from, to * n, n);
    let data: Vec<u8> = (0..size).flat_map(|to| block(rank, to)).collect();
    let expected: Vec<u8> = (0..size).flat_map(|from| block(from, rank)).collect();
    let mut got = vec![9; data.len()];
    group.all_to_all(&data, &mut got)?;
    expect(got == expected, || told("all_to_all"));
    let (_, started) = group.start_all_to_all(data, got).wait()?;
    expect(started == expected, || told("started all_to_all"));

    // To the next one; then only the first to the last.
    let (next, before) = ((rank + 1) % size, (rank + size - 1) % size);
    let (first, last) = (rank == 0, rank == size - 1);
    let pairs = [(Some(next), Some(before)), (first.then_some(size - 1), last.then_some(0)), (None, None)];
    for (to, from) in pairs {
        let expected = from.map_or_else(|| vec![0; bytes], |from| operands[from].clone());
        let mut got = vec![9; bytes];
        group.permute(to, from, mine, &mut got)?;
        expect(got == expected, || told("permute"));
        let (_, started) = group.start_permute(to, from, mine.clone(), vec![9; bytes]).wait()?;
        expect(started == expected, || told("started permute"));
    }

    for root in [0, size - 1] {
        let mut got = if rank == root { mine.clone() } else { vec![9; bytes] };
        group.broadcast(root, &mut got)?;
        expect(got == operands[root], || told("broadcast"));
        let data = if rank == root { mine.clone() } else { vec![9; bytes] };
        let started = group.start_broadcast(root, data).wait()?;
        expect(started == operands[root], || told("started broadcast"));
    }
    group.barrier()?;
    group.start_barrier().wait()
}

/// Operands at addresses that do not fit their type, on one member only.
pub fn odd_addresses(group: &Arc<Group>) -> Result<(), Error> {
    let (rank, size, n) = (group.rank(), group.size(), 5000);
    for how in Reduction::ALL {
        for dtype in [DType::F64, DType::F32, DType::BF16, DType::I64] {
            let operands: Vec<Vec<u8>> =
                (0..size).map(|r| operand(Kind::Small, dtype, r, 0, n * size)).collect();
            let expected = reduced(how, dtype, &operands);
            let odd = (rank == size - 1) as usize;
            let mut room = vec![0; operands[rank].len() + 1];
            room[odd..][..operands[rank].len()].copy_from_slice(&operands[rank]);
            let data = &mut room[odd..][..operands[rank].len()];
            group.all_reduce(how, dtype, data)?;
            let told = |call: &str| format!("{call}, {} of {dtype} at an odd address", how.name());
            expect(data == expected, || told("all_reduce"));
            data.copy_from_slice(&operands[rank]);
            let bytes = n * dtype.size();
            let mut got = vec![0; bytes + 1];
            let mine = &mut got[odd..odd + bytes];
            group.reduce_scatter(how, dtype, data, mine)?;
            expect(mine == &expected[rank * bytes..][..bytes], || told("reduce_scatter"));
        }
    }
    Ok(())
}

/// Whether all members have the same bits, of random numbers in sizes for which MPI has other algorithms.
pub fn identical(group: &Arc<Group>) -> Result<(), Error> {
    let (rank, size) = (group.rank(), group.size());
    for dtype in [DType::F64, DType::F32, DType::F16, DType::BF16] {
        for n in [1, 3, 100, 1000, 10_000, 100_000, 700_001] {
            // No NaN: what it holds besides is free in sums.
            let mut operand = operand(Kind::Any, dtype, rank, 0, n);
            for element in operand.chunks_exact_mut(dtype.size()) {
                element[dtype.size() - 1] &= 0xbf;
            }
            for how in [Reduction::Sum, Reduction::SumInOrder] {
                let mut data = operand.clone();
                group.all_reduce(how, dtype, &mut data)?;
                let mut all = vec![0; data.len() * size];
                group.all_gather(&data, &mut all)?;
                let same = all.chunks_exact(data.len()).all(|other| other == data);
                expect(same, || format!("{} of {n} {dtype}: the same bits on all", how.name()));
                let mut again = operand.clone();
                group.all_reduce(how, dtype, &mut again)?;
                expect(again == data, || format!("{} of {n} {dtype}: the same bits again", how.name()));
            }
        }
    }
    Ok(())
}

/// More elements than MPI counts: 2 GiB and some bytes from each member.
pub fn large(group: &Arc<Group>) -> Result<(), Error> {
    let (rank, size, n) = (group.rank(), group.size(), i32::MAX as usize + 1000);
    let mut data: Vec<u8> = (0..n).map(|i| ((i % 251) + rank) as u8).collect();
    let expected = |i: usize| (0..size).fold(0u8, |sum, r| sum.wrapping_add(((i % 251) + r) as u8));
    group.all_reduce(Reduction::Sum, DType::U8, &mut data)?;
    expect((0..n).all(|i| data[i] == expected(i)), || "a large all_reduce".to_string());
    if rank != 0 {
        data.fill(0);
    }
    group.broadcast(0, &mut data)?;
    expect((0..n).all(|i| data[i] == expected(i)), || "a large broadcast".to_string());
    data.iter_mut().enumerate().for_each(|(i, x)| *x = ((i % 251) + rank) as u8);
    let mut got = vec![0; n];
    let (next, before) = ((rank + 1) % size, (rank + size - 1) % size);
    group.permute(Some(next), Some(before), &data, &mut got)?;
    expect((0..n).all(|i| got[i] == ((i % 251) + before) as u8), || "a large permute".to_string());
    drop(got);
    data.truncate(n / 2);
    let mut all = vec![0; data.len() * size];
    group.all_gather(&data, &mut all)?;
    let right = (0..all.len()).all(|i| all[i] == ((i % (n / 2)) % 251 + i / (n / 2)) as u8);
    expect(right, || "a large all_gather".to_string());
    Ok(())
}
