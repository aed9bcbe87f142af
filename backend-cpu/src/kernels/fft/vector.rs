//! Transforms of vectors: each lane of a vector has a transform of its own, and all take the same steps. Complex vectors
//! are pairs of a vector of real parts and one of imaginary parts.
//!
//! What is here is compiled for several instruction sets, so all of it is inlined into where the set is known, and
//! closures that are handed in must be, too.

use bytemuck::Pod;
use gemm_common::pulp::{Arch, Simd, WithSimd};
use rustfft::FftNum;
use std::f64::consts::FRAC_1_SQRT_2;
use std::marker::PhantomData;

/// Numbers that vectors have.
pub(super) trait Lanes: FftNum + Pod {
    fn of(x: f64) -> Self;
    /// A vector.
    type V<S: Simd>: Pod;
    fn splat<S: Simd>(s: S, x: Self) -> Self::V<S>;
    fn plus<S: Simd>(s: S, a: Self::V<S>, b: Self::V<S>) -> Self::V<S>;
    fn minus<S: Simd>(s: S, a: Self::V<S>, b: Self::V<S>) -> Self::V<S>;
    fn times<S: Simd>(s: S, a: Self::V<S>, b: Self::V<S>) -> Self::V<S>;
    /// c + ab
    fn more<S: Simd>(s: S, a: Self::V<S>, b: Self::V<S>, c: Self::V<S>) -> Self::V<S>;
    /// c - ab
    fn less<S: Simd>(s: S, a: Self::V<S>, b: Self::V<S>, c: Self::V<S>) -> Self::V<S>;
}

macro_rules! lanes { ($($T:ident $V:ident $splat:ident $add:ident $sub:ident $mul:ident $more:ident $less:ident;)*) => { $(
    impl Lanes for $T {
        #[inline(always)]
        fn of(x: f64) -> $T { x as $T }
        type V<S: Simd> = S::$V;
        #[inline(always)]
        fn splat<S: Simd>(s: S, x: $T) -> S::$V { s.$splat(x) }
        #[inline(always)]
        fn plus<S: Simd>(s: S, a: S::$V, b: S::$V) -> S::$V { s.$add(a, b) }
        #[inline(always)]
        fn minus<S: Simd>(s: S, a: S::$V, b: S::$V) -> S::$V { s.$sub(a, b) }
        #[inline(always)]
        fn times<S: Simd>(s: S, a: S::$V, b: S::$V) -> S::$V { s.$mul(a, b) }
        #[inline(always)]
        fn more<S: Simd>(s: S, a: S::$V, b: S::$V, c: S::$V) -> S::$V { s.$more(a, b, c) }
        #[inline(always)]
        fn less<S: Simd>(s: S, a: S::$V, b: S::$V, c: S::$V) -> S::$V { s.$less(a, b, c) }
    }
)* } }
lanes! {
    f32 f32s splat_f32s add_f32s sub_f32s mul_f32s mul_add_e_f32s negate_mul_add_e_f32s;
    f64 f64s splat_f64s add_f64s sub_f64s mul_f64s mul_add_e_f64s negate_mul_add_e_f64s;
}

/// How many numbers the processor's vectors have.
pub(super) fn lanes<T: Lanes>() -> usize {
    struct Ask<T>(PhantomData<T>);
    impl<T: Lanes> WithSimd for Ask<T> {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            Math::<S, T>::LANES
        }
    }
    Arch::new().dispatch(Ask::<T>(PhantomData))
}

/// A complex vector.
pub(super) type C<S, T> = [<T as Lanes>::V<S>; 2];

/// Arithmetic of complex vectors.
#[derive(Clone, Copy)]
pub(super) struct Math<S, T>(S, PhantomData<T>);

impl<S: Simd, T: Lanes> Math<S, T> {
    /// Elements of a vector.
    pub const LANES: usize = size_of::<T::V<S>>() / size_of::<T>();
    /// Whether that is enough for what is here; sets with fewer need no code.
    pub const WIDE: bool = Self::LANES >= 4;

    #[inline(always)]
    pub fn new(s: S) -> Self {
        Math(s, PhantomData)
    }

    /// The instruction set.
    #[inline(always)]
    pub fn set(self) -> S {
        self.0
    }

    #[inline(always)]
    pub fn splat(self, x: T) -> T::V<S> {
        T::splat(self.0, x)
    }

    /// The vector at the head of a slice.
    #[inline(always)]
    pub fn read(self, from: &[T]) -> T::V<S> {
        bytemuck::pod_read_unaligned(bytemuck::cast_slice(&from[..Self::LANES]))
    }

    #[inline(always)]
    pub fn write(self, to: &mut [T], x: T::V<S>) {
        to[..Self::LANES].copy_from_slice(bytemuck::cast_slice(&[x]));
    }

    #[inline(always)]
    pub fn add(self, a: C<S, T>, b: C<S, T>) -> C<S, T> {
        [T::plus(self.0, a[0], b[0]), T::plus(self.0, a[1], b[1])]
    }

    #[inline(always)]
    pub fn sub(self, a: C<S, T>, b: C<S, T>) -> C<S, T> {
        [T::minus(self.0, a[0], b[0]), T::minus(self.0, a[1], b[1])]
    }

    /// Each part times its own factor.
    #[inline(always)]
    pub fn parts(self, a: C<S, T>, x: C<S, T>) -> C<S, T> {
        [T::times(self.0, a[0], x[0]), T::times(self.0, a[1], x[1])]
    }

    #[inline(always)]
    pub fn scale(self, a: C<S, T>, x: T::V<S>) -> C<S, T> {
        self.parts(a, [x, x])
    }

    /// a + b* and a - b*
    #[inline(always)]
    pub fn mirrored(self, a: C<S, T>, b: C<S, T>) -> [C<S, T>; 2] {
        let s = self.0;
        let sum = [T::plus(s, a[0], b[0]), T::minus(s, a[1], b[1])];
        [sum, [T::minus(s, a[0], b[0]), T::plus(s, a[1], b[1])]]
    }

    #[inline(always)]
    pub fn mul(self, [re, im]: C<S, T>, w: C<S, T>) -> C<S, T> {
        let s = self.0;
        [T::less(s, im, w[1], T::times(s, re, w[0])), T::more(s, im, w[0], T::times(s, re, w[1]))]
    }

    /// Times a number.
    #[inline(always)]
    pub fn turn(self, a: C<S, T>, [re, im]: [T; 2]) -> C<S, T> {
        self.mul(a, [self.splat(re), self.splat(im)])
    }

    /// a + cb and a - cb
    #[inline(always)]
    fn both(self, a: C<S, T>, b: C<S, T>, c: T::V<S>) -> [C<S, T>; 2] {
        let s = self.0;
        let more = [T::more(s, b[0], c, a[0]), T::more(s, b[1], c, a[1])];
        [more, [T::less(s, b[0], c, a[0]), T::less(s, b[1], c, a[1])]]
    }

    /// a - ib and a + ib
    #[inline(always)]
    pub fn aside(self, a: C<S, T>, b: C<S, T>) -> [C<S, T>; 2] {
        let s = self.0;
        let right = [T::plus(s, a[0], b[1]), T::minus(s, a[1], b[0])];
        [right, [T::minus(s, a[0], b[1]), T::plus(s, a[1], b[0])]]
    }

    #[inline(always)]
    fn four(self, x: [C<S, T>; 4]) -> [C<S, T>; 4] {
        let (a, b) = (self.add(x[0], x[2]), self.sub(x[0], x[2]));
        let (c, d) = (self.add(x[1], x[3]), self.sub(x[1], x[3]));
        let [right, left] = self.aside(b, d);
        [self.add(a, c), right, self.sub(a, c), left]
    }

    #[inline(always)]
    fn eight(self, x: [C<S, T>; 8]) -> [C<S, T>; 8] {
        let e = self.four([x[0], x[2], x[4], x[6]]);
        let o = self.four([x[1], x[3], x[5], x[7]]);
        let (s, h) = (self.0, self.splat(T::of(FRAC_1_SQRT_2)));
        // Times 1 - i and -1 - i.
        let first = [T::plus(s, o[1][0], o[1][1]), T::minus(s, o[1][1], o[1][0])];
        let third = [T::minus(s, o[3][1], o[3][0]), T::plus(s, o[3][0], o[3][1])];
        let (zero, two) = ([self.add(e[0], o[0]), self.sub(e[0], o[0])], self.aside(e[2], o[2]));
        let one = self.both(e[1], first, h);
        // Both parts of the third are negative: of the imaginary one it is the sum that is.
        let three = [
            [T::more(s, third[0], h, e[3][0]), T::less(s, third[1], h, e[3][1])],
            [T::less(s, third[0], h, e[3][0]), T::more(s, third[1], h, e[3][1])],
        ];
        [zero[0], one[0], two[0], three[0], zero[1], one[1], two[1], three[1]]
    }

    /// The transform of 1, 2, 4 or 8 vectors.
    #[inline(always)]
    fn few<const R: usize>(self, mut x: [C<S, T>; R]) -> [C<S, T>; R] {
        match R {
            2 => (x[0], x[1]) = (self.add(x[0], x[1]), self.sub(x[0], x[1])),
            4 => [x[0], x[1], x[2], x[3]] = self.four([x[0], x[1], x[2], x[3]]),
            8 => {
                let y = [x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]];
                [x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]] = self.eight(y);
            }
            _ => {}
        }
        x
    }

    /// The transform of AB vectors in two steps. `roots[p A + k]` is e^(-2πi pk / AB).
    #[inline(always)]
    fn two_steps<const A: usize, const B: usize>(
        self,
        roots: &[[T; 2]],
        between: &mut [C<S, T>],
        load: impl Fn(usize) -> C<S, T>,
        mut store: impl FnMut(usize, C<S, T>),
    ) {
        let zero = [self.splat(T::zero()); 2];
        let (roots, between) = (&roots[..A * B], &mut between[..A * B]);
        for p in 0..B {
            let mut x = [zero; A];
            for (k, x) in x.iter_mut().enumerate() {
                *x = load(p + B * k);
            }
            x = self.few(x);
            if p > 0 {
                for k in 1..A {
                    x[k] = self.turn(x[k], roots[A * p + k]);
                }
            }
            between[A * p..A * p + A].copy_from_slice(&x);
        }
        for t in 0..A {
            let mut x = [zero; B];
            for (k, x) in x.iter_mut().enumerate() {
                *x = between[t + A * k];
            }
            x = self.few(x);
            for (k, x) in x.iter().enumerate() {
                store(t + A * k, *x);
            }
        }
    }

    /// The transform of as many vectors as there are roots; that number is one of [`SMALL`].
    #[inline(always)]
    pub fn small(
        self,
        roots: &[[T; 2]],
        between: &mut [C<S, T>],
        load: impl Fn(usize) -> C<S, T>,
        store: impl FnMut(usize, C<S, T>),
    ) {
        match roots.len() {
            4 => self.two_steps::<4, 1>(roots, between, load, store),
            8 => self.two_steps::<8, 1>(roots, between, load, store),
            16 => self.two_steps::<4, 4>(roots, between, load, store),
            32 => self.two_steps::<8, 4>(roots, between, load, store),
            _ => self.two_steps::<8, 8>(roots, between, load, store),
        }
    }
}

/// Sizes of small transforms.
pub(super) const SMALL: [usize; 5] = [4, 8, 16, 32, 64];

/// The first step of a small transform.
pub(super) fn first_step(n: usize) -> usize {
    if n == 4 || n == 16 { 4 } else { 8 }
}
