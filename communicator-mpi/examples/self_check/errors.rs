//! Errors that say what they are of.

use crate::expect;
use plywood_communicator_mpi::{Error, Group};
use std::sync::Arc;

pub fn check(all: &Arc<Group>) -> Result<(), Error> {
    let (rank, size) = (all.rank(), all.size());
    if size == 1 {
        return Ok(());
    }
    if rank == 1 {
        let alone = all.sub(&[0], 20);
        let refused = matches!(&alone, Err(Error::NotAMember { rank: 1, members, .. }) if *members == [0]);
        expect(refused, || format!("a group of others: {alone:?}"));
    }
    if rank > 1 {
        return all.barrier();
    }
    // The first sends more than the second takes; then less.
    for (tag, sent) in [(21, 8), (22, 2)] {
        let pair = all.sub(&[0, 1], tag)?;
        for started in [false, true] {
            if started && pair.rank() == 0 {
                continue;
            }
            let (to, from) = ((rank == 0).then_some(1), (rank == 1).then_some(0));
            let (data, mut out) = (vec![1; if rank == 0 { sent } else { 4 }], vec![0; 4]);
            let result = match started {
                false => pair.permute(to, from, &data, &mut out),
                true => pair.start_permute(to, from, data, out).wait().map(|_| ()),
            };
            if rank == 0 {
                expect(result == Ok(()), || format!("sending: {result:?}"));
                continue;
            }
            // The second time it is that the group is broken, without a call.
            match &result {
                Err(Error::Length { from: 0, came: 2, expected: 4, .. }) if sent == 2 => {}
                Err(Error::Call { call: "MPI_Sendrecv", group, text, .. }) if sent == 8 => {
                    expect(group.contains("[0, 1]") && text.to_lowercase().contains("truncate"), || {
                        format!("{result:?}")
                    });
                }
                other => expect(false, || format!("{sent} bytes for 4: {other:?}")),
            }
        }
    }
    all.barrier()
}
