#[test]
fn dev() {
    let Ok(text) = std::fs::read_to_string("/tmp/special_ref.txt") else { return };
    let mut worst: std::collections::BTreeMap<String, (f64, String)> = Default::default();
    for line in text.lines() {
        let w: Vec<&str> = line.split_whitespace().collect();
        let n = |i: usize| w[i].parse::<f64>().unwrap();
        let o = |i: usize| w[i].parse::<u8>().unwrap();
        use plywood_core::op::{Special, SpecialFunction::*};
        let (f, count) = match w[0] { "digamma" => (Digamma, 1), "igamma" => (Igamma, 2), "igammac" => (Igammac, 2), _ => (Betainc, 3) };
        let s = Special { function: f, orders: [o(1), o(2), o(3)] };
        let mut x = [0.0; 3];
        for i in 0..count { x[i] = n(4 + i); }
        let want = n(4 + count);
        let got = super::function(s).0(x);
        let err = if got == want || (got.is_nan() && want.is_nan()) { 0.0 } else { (got - want).abs() / want.abs().max(1e-290) / f64::EPSILON };
        let err = if err.is_nan() { f64::INFINITY } else { err };
        let e = worst.entry(format!("{} {:?} {}", w[0], s.orders, w.get(5 + count).unwrap_or(&""))).or_insert((-1.0, String::new()));
        if err > e.0 { *e = (err, format!("{x:?} got {got:e} want {want:e}")); }
    }
    for (k, (e, t)) in worst { println!("{k}: {e:.1} eps {t}"); }
}
