//! How a job ends when one of its processes ends otherwise than it should: the script looks at the codes and the time.

use plywood_communicator_mpi::{Error, Group, end_job_on_panic};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::{fs, process, thread};

/// One process panics, in a thread nobody waits for, while the others wait for it.
pub fn panic(all: &Arc<Group>, rank: usize) -> Result<(), Error> {
    end_job_on_panic();
    all.barrier()?;
    if all.rank() == rank {
        thread::spawn(|| panic!("as it should"));
        loop {
            thread::park();
        }
    }
    all.barrier()
}

/// One process returns from `main` with a code, while the others wait for it.
pub fn exit(all: &Arc<Group>, rank: usize, code: u8) -> Result<ExitCode, Error> {
    all.barrier()?;
    if all.rank() == rank {
        return Ok(ExitCode::from(code));
    }
    all.barrier()?;
    Ok(ExitCode::SUCCESS)
}

/// All tell their process, and work until one is killed.
pub fn hold(all: &Arc<Group>, folder: &Path) -> Result<(), Error> {
    let file = folder.join(format!("rank{}", all.rank()));
    fs::write(file, process::id().to_string()).expect("a file of the process");
    loop {
        all.barrier()?;
    }
}
