//! Element types and operators: MPI's own where they mean what Plywood means, ours elsewhere.
//!
//! MPI's `MPI_SUM` serves floats and integers of 32 and 64 bits; libraries and networks have the fastest code for it. The others
//! are user-defined operators over [`crate::reduction`]: MPI has no f16 and bf16; `MPI_MAX` and `MPI_MIN` lose NaN; and Open MPI
//! 4.1 adds integers of 8 and 16 bits with saturation, and compares unsigned ones wrongly on some processors.

use crate::reduction::{Reduction, combine};
use mpi::ffi;
use plywood_core::DType;
use std::ffi::{c_int, c_void};

/// The operators, made once when MPI starts.
#[derive(Debug)]
pub(crate) struct Operators {
    /// By [`place`]. Sums of bools stay null, and are not asked for.
    own: Vec<ffi::MPI_Op>,
}

// SAFETY: a handle is a number or an address that MPI alone follows; MPI's functions may be called with it from every thread
// that may call MPI.
unsafe impl Send for Operators {}
// SAFETY: as above; nothing here changes after it was made.
unsafe impl Sync for Operators {}

impl Operators {
    /// Makes them; MPI has started.
    pub(super) fn new() -> Result<Operators, c_int> {
        let mut own = Vec::new();
        for function in FUNCTIONS {
            // SAFETY: MPI has started. The function has the type that MPI calls, and lives as long as the process.
            own.push(unsafe {
                let mut op = std::mem::MaybeUninit::<ffi::MPI_Op>::uninit();
                let code = ffi::MPI_Op_create(Some(function), 1, op.as_mut_ptr());
                if code != ffi::MPI_SUCCESS as c_int {
                    return Err(code);
                }
                op.assume_init()
            });
        }
        Ok(Operators { own })
    }

    /// MPI's type of the elements, and the operator over it.
    pub(super) fn of(&self, how: Reduction, dtype: DType) -> (ffi::MPI_Datatype, ffi::MPI_Op) {
        assert!(how.takes(dtype), "{}: does not take {dtype}", how.name());
        // SAFETY: reads constants of the library, which are set before any of its functions is called.
        let (ty, sum) = unsafe { (element(dtype), ffi::RSMPI_SUM) };
        let own = self.own[place(how, dtype)];
        match how {
            Reduction::Sum | Reduction::SumInOrder if has_own_sum(dtype) => (ty, own),
            Reduction::Sum | Reduction::SumInOrder => (ty, sum),
            Reduction::Max | Reduction::Min => (ty, own),
        }
    }
}

/// Whether MPI's sum is not ours.
fn has_own_sum(dtype: DType) -> bool {
    match dtype {
        DType::F64 | DType::F32 | DType::I64 | DType::I32 | DType::U64 | DType::U32 => false,
        DType::F16 | DType::BF16 | DType::I16 | DType::I8 | DType::U16 | DType::U8 | DType::Bool => true,
    }
}

/// MPI's type with as many bytes; of 16-bit floats, words.
///
/// # Safety
/// Reads constants of the library, as for every caller of MPI.
unsafe fn element(dtype: DType) -> ffi::MPI_Datatype {
    // SAFETY: reads constants.
    unsafe {
        match dtype {
            DType::F64 => ffi::RSMPI_DOUBLE,
            DType::F32 => ffi::RSMPI_FLOAT,
            DType::F16 | DType::BF16 | DType::U16 => ffi::RSMPI_UINT16_T,
            DType::I64 => ffi::RSMPI_INT64_T,
            DType::I32 => ffi::RSMPI_INT32_T,
            DType::I16 => ffi::RSMPI_INT16_T,
            DType::I8 => ffi::RSMPI_INT8_T,
            DType::U64 => ffi::RSMPI_UINT64_T,
            DType::U32 => ffi::RSMPI_UINT32_T,
            DType::U8 | DType::Bool => ffi::RSMPI_UINT8_T,
        }
    }
}

const KINDS: usize = DType::ALL.len();

/// The place of an operator's function among the [`FUNCTIONS`].
fn place(how: Reduction, dtype: DType) -> usize {
    let how = match how {
        Reduction::Sum | Reduction::SumInOrder => 0,
        Reduction::Max => 1,
        Reduction::Min => 2,
    };
    how * KINDS + dtype as usize
}

type Function = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int, *mut ffi::MPI_Datatype);

macro_rules! functions { ($($place:literal)*) => { [$(operator::<$place> as Function),*] } }
/// By [`place`].
const FUNCTIONS: [Function; 3 * KINDS] = functions!(
    0 1 2 3 4 5 6 7 8 9 10 11 12
    13 14 15 16 17 18 19 20 21 22 23 24 25
    26 27 28 29 30 31 32 33 34 35 36 37 38
);

/// What MPI calls: combines `len` elements of `from` into those of `into`.
///
/// # Safety
/// Both hold `len` elements of the type at the operator's place and do not overlap, as MPI promises.
unsafe extern "C" fn operator<const PLACE: usize>(
    from: *mut c_void,
    into: *mut c_void,
    len: *mut c_int,
    _: *mut ffi::MPI_Datatype,
) {
    let how = [Reduction::Sum, Reduction::Max, Reduction::Min][PLACE / KINDS];
    let dtype = DType::ALL[PLACE % KINDS];
    // SAFETY: MPI gives the number of elements.
    let bytes = usize::try_from(unsafe { *len }).unwrap_or(0) * dtype.size();
    if bytes == 0 {
        return;
    }
    // SAFETY: both vectors hold as many elements; bytes have no alignment; the vectors are distinct.
    let (into, from) = unsafe {
        (
            std::slice::from_raw_parts_mut(into.cast::<u8>(), bytes),
            std::slice::from_raw_parts(from.cast(), bytes),
        )
    };
    combine(how, dtype, into, from);
}
