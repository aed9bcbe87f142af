//! Windows that need no sorting: consecutive ones, of which each part lies behind the one before in the operand.

use super::Writer;
use crate::kernels::gather::OUTSIDE;
use crate::par;
use bytemuck::Pod;
use std::ops::Range;
use std::sync::Mutex;

/// Consecutive windows, and the elements of the operand that none but they lie in.
pub(super) struct Part {
    pub(super) numbers: Range<usize>,
    pub(super) elements: Range<usize>,
}

/// Windows that are looked at together for where to cut.
const LOOK: usize = 1024;

/// Windows in parts, each behind the one before in the operand: there are such where places nearly ascend, as those of pooling's
/// winners do. None where there is no place to cut.
pub(super) fn apart(places: &[isize], parts: usize, [row, n]: [usize; 2]) -> Option<Vec<Part>> {
    let reach = |some: &[isize]| {
        let inside = some.iter().map(|&p| if p == OUTSIDE { (isize::MAX, isize::MIN) } else { (p, p) });
        inside.fold((isize::MAX, isize::MIN), |(low, high), (p, q)| (low.min(p), high.max(q)))
    };
    let blocks: Vec<&[isize]> = places.chunks(LOOK).collect();
    let reaches = par::map(blocks.len(), 0.5 * LOOK as f64, |i| reach(blocks[i]));
    let mut behind = vec![isize::MAX; blocks.len() + 1];
    (0..blocks.len()).rev().for_each(|i| behind[i] = behind[i + 1].min(reaches[i].0));
    let mut before = vec![isize::MIN; blocks.len() + 1];
    (0..blocks.len()).for_each(|i| before[i + 1] = before[i].max(reaches[i].1));
    // Within a block, where all before lie in rows before those of all behind: the number of the window, and its row's start.
    let cut = |k: usize| {
        let block = blocks[k];
        let mut lows = vec![behind[k + 1]; block.len() + 1];
        for (i, &p) in block.iter().enumerate().rev() {
            lows[i] = if p == OUTSIDE { lows[i + 1] } else { lows[i + 1].min(p) };
        }
        let mut high = before[k];
        block.iter().zip(lows).enumerate().find_map(|(i, (&p, low))| {
            let start = low - low % row as isize;
            let fits = high < start && high != isize::MIN && low != isize::MAX;
            high = high.max(p);
            fits.then_some((k * LOOK + i, start as usize))
        })
    };
    let mut cuts = vec![(0, 0)];
    for part in 1..parts {
        let k = part * blocks.len() / parts;
        let found = (k..blocks.len().min(k + 4)).find_map(cut);
        cuts.extend(found.filter(|found| found.0 > cuts[cuts.len() - 1].0));
    }
    cuts.push((places.len(), n));
    let part = |w: &[(usize, usize)]| Part { numbers: w[0].0..w[1].0, elements: w[0].1..w[1].1 };
    (cuts.len() > 2).then(|| cuts.windows(2).map(part).collect())
}

/// Writes the windows of each part, which lie in its elements.
pub(super) fn in_parts<T: Pod + Send + Sync>(
    mut out: &mut [T],
    parts: &[Part],
    places: &[isize],
    writer: &Writer<'_, T>,
) {
    let mut slices: Vec<Mutex<&mut [T]>> = Vec::new();
    for part in parts {
        let (own, rest) = out.split_at_mut(part.elements.len());
        slices.push(Mutex::new(own));
        out = rest;
    }
    par::each(parts.len(), f64::INFINITY, |i| {
        let Part { numbers, elements } = &parts[i];
        let inside = numbers.clone().filter(|&n| places[n] != OUTSIDE);
        let windows = inside.map(|n| (places[n] - elements.start as isize, n));
        writer.write(&mut slices[i].lock().unwrap_or_else(|e| e.into_inner()), 0, windows);
    });
}
