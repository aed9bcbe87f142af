//! Size classes: how many bytes a block has that serves a request.
//!
//! Up to 512 bytes there is a class for every cache line more, above there are eight an octave: a block is less than
//! an eighth larger than what it serves (and at least one line), so requests of slightly different sizes share
//! blocks. Powers of two are classes themselves.

/// What blocks are aligned to: a cache line.
pub(crate) const LINE: usize = 64;

/// How many classes there are: the last is the largest that an address space can hold.
pub(super) const CLASSES: usize = 440;

/// The least class whose blocks hold so many bytes.
#[inline]
pub(super) fn of(bytes: usize) -> usize {
    let last = bytes.div_ceil(LINE).max(1) - 1;
    if last < 8 {
        return last;
    }
    let shift = last.ilog2() as usize - 3;
    8 * shift + (last >> shift)
}

/// How many bytes the blocks of a class hold.
#[inline]
pub(super) fn capacity(class: usize) -> usize {
    if class < 8 {
        return (class + 1) * LINE;
    }
    let shift = class / 8 - 1;
    ((class % 8 + 9) << shift).checked_mul(LINE).expect("a tensor fits the address space")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_holds_what_it_serves_and_less_than_an_eighth_more() {
        let around = |n: usize| [n - 1, n, n + 1, n + n / 3];
        for bytes in (6..45).flat_map(|k| around(1 << k)) {
            let class = of(bytes);
            let held = capacity(class);
            assert!(held >= bytes && held < bytes + (bytes / 8).max(LINE), "{bytes}: {held}");
            assert!(class == 0 || capacity(class - 1) < bytes, "{bytes}: the class below holds it too");
            assert_eq!(of(held), class, "{bytes}");
        }
        for k in 6..45 {
            assert_eq!(capacity(of(1 << k)), 1 << k);
        }
        assert_eq!((of(0), of(1)), (0, 0));
        assert!(of(isize::MAX as usize) < CLASSES);
    }
}
