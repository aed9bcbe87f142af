//! Whether two sides have computed the same numbers.

use plywood_benches::peers::Check;
use plywood_benches::peers::protocol::Numbers;

/// What is different, where it is more than the check allows; else nothing.
pub fn difference(check: Check, ours: &Numbers, theirs: &Numbers) -> Option<String> {
    if ours.count != theirs.count {
        return Some(format!("{} numbers, ours are {}", theirs.count, ours.count));
    }
    let scale = ours.size.max(f64::MIN_POSITIVE);
    let off = |what: &str, ours: f64, theirs: f64, tolerance: f64| {
        // A NaN is never near.
        let near = (ours - theirs).abs() <= tolerance * scale;
        (!near).then(|| format!("{what}: {theirs:.6e}, ours {ours:.6e}"))
    };
    match check {
        Check::Statistics(tolerance) => off("mean", ours.mean, theirs.mean, 3.0 * tolerance)
            .or_else(|| off("mean size", ours.size, theirs.size, tolerance)),
        Check::Ties => {
            let same = ours.shown.iter().zip(&theirs.shown).filter(|(a, b)| a == b).count();
            let most = 4 * same >= 3 * ours.shown.len();
            let few = || format!("{same} of the {} places shown are ours", ours.shown.len());
            off("mean", ours.mean, theirs.mean, 1e-6).or_else(|| (!most).then(few))
        }
        Check::Near(tolerance) | Check::Sizes(tolerance) => {
            let sizes = matches!(check, Check::Sizes(_));
            let of = |x: f64| if sizes { x.abs() } else { x };
            let shown = ours.shown.iter().zip(&theirs.shown).enumerate();
            // Single numbers may be larger than the mean.
            let largest = ours.shown.iter().fold(scale, |a, x| a.max(x.abs())) / scale;
            shown
                .filter_map(|(i, (&a, &b))| {
                    off(&format!("number {i} shown"), of(a), of(b), tolerance * largest)
                })
                .next()
                .or_else(|| off("mean size", ours.size, theirs.size, tolerance))
                .or_else(|| if sizes { None } else { off("mean", ours.mean, theirs.mean, tolerance) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_the_same() {
        let a = Numbers::of(&[1.0, -2.0, 3.0]);
        let near = Numbers::of(&[1.0, -2.000001, 3.0]);
        let far = Numbers::of(&[1.0, -2.1, 3.0]);
        let signs = Numbers::of(&[-1.0, 2.0, -3.0]);
        let nan = Numbers::of(&[f64::NAN, -2.0, 3.0]);
        assert_eq!(difference(Check::Near(1e-4), &a, &near), None);
        assert!(difference(Check::Near(1e-4), &a, &far).is_some());
        assert!(difference(Check::Near(1e-4), &a, &signs).is_some());
        assert_eq!(difference(Check::Sizes(1e-4), &a, &signs), None);
        assert!(
            difference(Check::Near(1e-4), &a, &nan).is_some()
                && difference(Check::Sizes(1e-4), &a, &nan).is_some()
        );
        assert!(difference(Check::Near(1e-4), &a, &Numbers::of(&[1.0])).is_some());
        assert_eq!(difference(Check::Statistics(0.1), &a, &near), None);
    }

    #[test]
    fn equal_elements_may_come_in_any_order() {
        let a = Numbers::of(&[3.0, 0.0, 1.0, 2.0, 5.0, 4.0, 7.0, 6.0]);
        let tied = Numbers::of(&[3.0, 0.0, 2.0, 1.0, 5.0, 4.0, 7.0, 6.0]);
        let other = Numbers::of(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        assert_eq!(difference(Check::Ties, &a, &tied), None);
        assert!(difference(Check::Ties, &a, &other).is_some());
    }
}
