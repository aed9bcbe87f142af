//! In which order a product of several tensors is contracted: the cheapest pairwise order, by the number of
//! multiplications. All orders are looked at for up to eight operands; beyond, the cheapest pair is taken again and
//! again.

use std::collections::BTreeSet;

/// A set of labels, by their numbers.
pub(super) type Labels = BTreeSet<usize>;

/// Operands up to which all orders are looked at.
const EXHAUSTIVE: usize = 8;

/// Pairs to be contracted, one after another: two places in the list of operands, from which both are taken, the result
/// being appended. `sizes` by label; `output` are the labels that stay.
pub(super) fn order(operands: &[Labels], output: &Labels, sizes: &[usize]) -> Vec<(usize, usize)> {
    match operands.len() {
        0 | 1 => vec![],
        2 => vec![(0, 1)],
        n if n <= EXHAUSTIVE => exhaustive(operands, output, sizes),
        _ => greedy(operands, output, sizes),
    }
}

fn cost(a: &Labels, b: &Labels, sizes: &[usize]) -> f64 {
    a.union(b).map(|&l| sizes[l] as f64).product()
}

/// The best order of every subset of operands, from the small to the large.
fn exhaustive(operands: &[Labels], output: &Labels, sizes: &[usize]) -> Vec<(usize, usize)> {
    let n = operands.len();
    let all = (1usize << n) - 1;
    let union = |set: usize| -> Labels {
        (0..n).filter(|i| set >> i & 1 == 1).flat_map(|i| operands[i].iter().copied()).collect()
    };
    // Labels of a subset's product: those that somebody outside, or the output, has.
    let labels: Vec<Labels> = (0..=all)
        .map(|set| {
            let outside = union(all & !set);
            union(set).into_iter().filter(|l| output.contains(l) || outside.contains(l)).collect()
        })
        .collect();
    let mut best: Vec<(f64, usize)> = vec![(f64::INFINITY, 0); all + 1];
    for set in 1..=all {
        if set.is_power_of_two() {
            best[set] = (0.0, 0);
            continue;
        }
        // Each division once: the part that holds the lowest operand.
        let lowest = set & set.wrapping_neg();
        let mut part = (set - 1) & set;
        while part > 0 {
            if part & lowest != 0 {
                let rest = set & !part;
                let of = |set: usize| match set.is_power_of_two() {
                    true => &operands[set.trailing_zeros() as usize],
                    false => &labels[set],
                };
                let total = best[part].0 + best[rest].0 + cost(of(part), of(rest), sizes);
                if total < best[set].0 {
                    best[set] = (total, part);
                }
            }
            part = (part - 1) & set;
        }
    }
    // Subsets that stand in the list, as contractions take and append them.
    let mut list: Vec<usize> = (0..n).map(|i| 1 << i).collect();
    let mut pairs = Vec::new();
    contract(all, &best, &mut list, &mut pairs);
    pairs
}

fn contract(set: usize, best: &[(f64, usize)], list: &mut Vec<usize>, pairs: &mut Vec<(usize, usize)>) {
    if set.is_power_of_two() {
        return;
    }
    let part = best[set].1;
    contract(part, best, list, pairs);
    contract(set & !part, best, list, pairs);
    let at = |s: usize| list.iter().position(|&x| x == s).expect("contracted, or an operand");
    let (i, j) = (at(part), at(set & !part));
    pairs.push((i, j));
    list.remove(i.max(j));
    list.remove(i.min(j));
    list.push(set);
}

fn greedy(operands: &[Labels], output: &Labels, sizes: &[usize]) -> Vec<(usize, usize)> {
    let mut list: Vec<Labels> = operands.to_vec();
    let mut pairs = Vec::new();
    while list.len() > 1 {
        let all = (0..list.len()).flat_map(|i| (i + 1..list.len()).map(move |j| (i, j)));
        let (i, j) = all
            .min_by(|&(a, b), &(c, d)| {
                cost(&list[a], &list[b], sizes).total_cmp(&cost(&list[c], &list[d], sizes))
            })
            .expect("there are two");
        let (y, x) = (list.remove(j), list.remove(i));
        let outside: Labels = list.iter().flatten().copied().collect();
        list.push(x.union(&y).copied().filter(|l| output.contains(l) || outside.contains(l)).collect());
        pairs.push((i, j));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(operands: &[Labels], output: &Labels, sizes: &[usize], pairs: &[(usize, usize)]) -> f64 {
        let mut list = operands.to_vec();
        let mut sum = 0.0;
        for &(i, j) in pairs {
            sum += cost(&list[i], &list[j], sizes);
            let (y, x) = (list.remove(i.max(j)), list.remove(i.min(j)));
            let outside: Labels = list.iter().flatten().copied().collect();
            list.push(x.union(&y).copied().filter(|l| output.contains(l) || outside.contains(l)).collect());
        }
        assert_eq!(list.len(), 1);
        sum
    }

    fn labels(text: &str) -> Labels {
        text.bytes().map(|b| (b - b'a') as usize).collect()
    }

    #[test]
    fn chains_of_matrices_take_the_cheapest_order() {
        // 10x1000, 1000x10, 10x1000, 1000x10: inner products first.
        let sizes = [10, 1000, 10, 1000, 10];
        let operands = ["ab", "bc", "cd", "de"].map(labels);
        let pairs = order(&operands, &labels("ae"), &sizes);
        assert_eq!(total(&operands, &labels("ae"), &sizes, &pairs), 2.0 * 100_000.0 + 1000.0);
        // From the right where that is cheap: matrices before a vector.
        let sizes = [100, 100, 100, 100];
        let operands = ["ab", "bc", "cd", "d"].map(labels);
        let pairs = order(&operands, &labels("a"), &sizes);
        assert_eq!(total(&operands, &labels("a"), &sizes, &pairs), 3.0 * 10_000.0);
    }

    #[test]
    fn many_operands_are_ordered_too() {
        let operands: Vec<Labels> = (0..20).map(|i| Labels::from([i, i + 1])).collect();
        let sizes = vec![4; 21];
        let output = Labels::from([0, 20]);
        let pairs = order(&operands, &output, &sizes);
        assert_eq!(total(&operands, &output, &sizes, &pairs), 19.0 * 64.0);
    }
}
