//! Elements as bytes and back, without a copy: what a started call owns.

use plywood_core::half::{bf16, f16};
use plywood_core::{Array, DType, Shape};

macro_rules! buffer { ($($D:ident $T:ty),*) => {
    /// Elements of one dtype; a bool is a byte of 0 or 1.
    #[derive(Clone, Debug)]
    pub(crate) enum Buffer { $($D(Vec<$T>),)* Bool(Vec<u8>) }

    impl Buffer {
        pub fn new(array: Array) -> Buffer {
            match array.dtype() {
                $(DType::$D => Buffer::$D(array.into_vec().expect("its own dtype")),)*
                DType::Bool => {
                    let all: Vec<bool> = array.into_vec().expect("its own dtype");
                    Buffer::Bool(all.into_iter().map(u8::from).collect())
                }
            }
        }

        pub fn zeros(dtype: DType, elements: usize) -> Buffer {
            match dtype {
                $(DType::$D => Buffer::$D(vec![<$T>::default(); elements]),)*
                DType::Bool => Buffer::Bool(vec![0; elements]),
            }
        }

        pub fn elements(&self) -> usize {
            match self { $(Buffer::$D(x) => x.len(),)* Buffer::Bool(x) => x.len() }
        }

        pub fn bytes(&self) -> &[u8] {
            match self { $(Buffer::$D(x) => bytemuck::cast_slice(x),)* Buffer::Bool(x) => x }
        }

        /// Other elements of the same dtype behind these.
        pub fn append(&mut self, other: Buffer) {
            match (self, other) {
                $((Buffer::$D(x), Buffer::$D(y)) => x.extend(y),)*
                (Buffer::Bool(x), Buffer::Bool(y)) => x.extend(y),
                (x, y) => unreachable!("{x:?} and {y:?} are of two dtypes"),
            }
        }

        /// Some of the elements.
        pub fn part(&self, from: usize, elements: usize) -> Buffer {
            match self {
                $(Buffer::$D(x) => Buffer::$D(x[from..from + elements].to_vec()),)*
                Buffer::Bool(x) => Buffer::Bool(x[from..from + elements].to_vec()),
            }
        }

        pub fn array(self, shape: Shape) -> Array {
            match self {
                $(Buffer::$D(x) => Array::new(x, shape),)*
                Buffer::Bool(x) => Array::new(x.into_iter().map(|b| b != 0).collect(), shape),
            }
        }
    }

    impl AsMut<[u8]> for Buffer {
        fn as_mut(&mut self) -> &mut [u8] {
            match self { $(Buffer::$D(x) => bytemuck::cast_slice_mut(x),)* Buffer::Bool(x) => x }
        }
    }
} }
buffer!(F64 f64, F32 f32, F16 f16, BF16 bf16, I64 i64, I32 i32, I16 i16, I8 i8, U64 u64, U32 u32, U16 u16, U8 u8);

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}
