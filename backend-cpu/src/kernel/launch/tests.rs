//! When large outputs are stored past the caches, and that they are right then.

use super::*;
use crate::kernel::target::Target;
use crate::kernel::{Builder, Program, Width};
use plywood_core::DType;

fn add_one() -> Program {
    let b = Builder::new(Width::W32);
    let x = b.input(DType::F32);
    b.output(DType::F32, x + 1.0);
    b.finish()
}

/// Elements from an address with this remainder by 64 bytes on.
struct Floats {
    room: Vec<f32>,
    start: usize,
}

impl Floats {
    fn new(n: usize, remainder: usize) -> Floats {
        let room: Vec<f32> = (0..n + 32).map(|i| (i % 1000) as f32).collect();
        let start = (0..16).find(|i| room[*i..].as_ptr().addr() % 64 == remainder).expect("one of 16");
        Floats { room, start }
    }

    fn bytes(&mut self) -> &mut [u8] {
        bytemuck::cast_slice_mut(&mut self.room[self.start..])
    }
}

/// Rows, columns, columns from row to row, remainder of the output's address, in place; whether it is streamed.
const NESTS: [(usize, usize, usize, usize, bool, bool); 9] = [
    (1, 5_000_000, 5_000_000, 0, false, true),
    (1, 5_000_000, 5_000_000, 20, false, true),
    (1, 5_000_000, 5_000_000, 0, true, false),
    (1, 1_000_000, 1_000_000, 0, false, false),
    (2000, 2441, 2441, 0, false, true),
    (2000, 2441, 2450, 44, false, true),
    (2000, 2441, 2441, 0, true, false),
    (20_000, 250, 250, 0, false, false),
    (5, 1_000_000, 0, 0, false, false),
];

#[test]
fn large_outputs_are_stored_past_the_caches() {
    for &target in Target::available() {
        for (rows, cols, step, remainder, in_place, want) in NESTS {
            let kernel = Kernel::new(&add_one(), target);
            let n = rows.max(1) * cols.max(step);
            let (mut x, mut y) = (Floats::new(n, 0), Floats::new(n, remainder));
            let before = if in_place { y.room.clone() } else { x.room.clone() };
            let from = if in_place { y.start } else { x.start };
            let (sizes, strides) = ([rows, cols], [4 * step as isize, 4]);
            let out = Operand::write(y.bytes(), 0, &sizes, &strides, 4);
            let source = match in_place {
                true => out.alias(),
                false => Operand::read(x.bytes(), 0, &sizes, &strides, 4),
            };
            launch(&kernel, &sizes, &[source, out], 0, if step == 0 { rows } else { 1 });
            let right =
                |r: usize, c: usize| y.room[y.start + r * step + c] == before[from + r * step + c] + 1.0;
            let case = (target, rows, cols, step, remainder, in_place);
            assert!((0..rows).all(|r| (0..cols).all(|c| right(r, c))), "{case:?}");
            assert_eq!(kernel.has_streamed(), want && target != Target::Portable, "{case:?}");
        }
    }
}

#[test]
fn large_flat_outputs_are_stored_past_the_caches() {
    for &target in Target::available() {
        let nests = NESTS.into_iter().filter(|nest| nest.0 == 1);
        for (_, n, _, remainder, in_place, want) in nests {
            let kernel = Kernel::new(&add_one(), target);
            let (mut x, mut y) = (Floats::new(n, 0), Floats::new(n, remainder));
            let before = if in_place { y.room.clone() } else { x.room.clone() };
            let from = if in_place { y.start } else { x.start };
            let source = (!in_place).then(|| &*x.bytes());
            flat(&kernel, n, &[source], y.bytes());
            let case = (target, n, remainder, in_place);
            assert!((0..n).all(|i| y.room[y.start + i] == before[from + i] + 1.0), "{case:?}");
            assert_eq!(kernel.has_streamed(), want && target != Target::Portable, "{case:?}");
        }
    }
}

/// Where the rows of all operands begin, in order.
fn rows(sizes: &[usize], operands: &[Operand<'_>]) -> Vec<SmallVec<[isize; 6]>> {
    let outer = &sizes[..sizes.len() - 1];
    (0..outer.iter().product()).map(|row| offsets(outer, operands, row)).collect()
}

#[test]
fn merged_dimensions_are_few_and_reach_the_same_rows() {
    let bytes = vec![0u8; 1 << 12];
    // Sizes, the strides of two operands, and the sizes that are left.
    let cases: [(&[usize], [&[isize]; 2], &[usize]); 7] = [
        (&[5, 1, 7], [&[28, 28, 4], &[4, 4, 0]], &[5, 7]),
        (&[3, 4, 7], [&[112, 28, 4], &[16, 4, 0]], &[12, 7]),
        (&[3, 4, 7], [&[112, 28, 4], &[0, 4, 0]], &[3, 4, 7]),
        (&[2, 3, 4, 7], [&[336, 112, 28, 4], &[0, 16, 4, 0]], &[2, 12, 7]),
        (&[2, 3, 1, 7], [&[84, 28, 0, 4], &[12, 4, 4, 0]], &[6, 7]),
        (&[1, 1, 7], [&[0, 0, 4], &[0, 0, 0]], &[7]),
        (&[2, 3, 4, 1], [&[48, 16, 4, 4], &[0, 0, 0, 0]], &[24, 1]),
    ];
    for (sizes, strides, want) in cases {
        let operands = strides.map(|s| Operand::read(&bytes, 0, sizes, s, 4));
        let (few, of) = merged(sizes, &operands);
        assert_eq!(&few[..], want, "{sizes:?} {strides:?}");
        assert_eq!(rows(sizes, &operands), rows(&few, &of), "{sizes:?} {strides:?}");
        assert!(of.iter().zip(strides).all(|(o, s)| o.strides.last() == s.last()));
    }
}
