"""Writes src/math/tables.rs: the polynomials of erf, erf_inv, trigonometry and roots, and bits of 1 / (2 pi).

    python kernel/tools/fit_erf_trig.py

The fits are minimax ones, by the exchange of Remez on a grid. Coefficients stand from the lowest order; each is
rounded to the format in turn, and those behind it are fitted again.
"""
from pathlib import Path

import mpmath
import numpy as np
from mpmath import mp, mpf

mp.prec = 160


def grid(a, b, n):
    """Points of an interval, denser at its ends."""
    return [(a + b) / 2 - (b - a) / 2 * mp.cos(mp.pi * i / (n - 1)) for i in range(n)]


def remez(points, values, weights, powers):
    """The coefficients c with the least max |weight (value - sum c_k point^power_k)| over the points; that maximum."""
    n, points_n = len(powers) + 1, len(points)
    chosen = [round((1 - np.cos(np.pi * i / (n - 1))) / 2 * (points_n - 1)) for i in range(n)]
    for _ in range(30):
        a = mp.matrix(n, n)
        y = mp.matrix(n, 1)
        for row, i in enumerate(chosen):
            for k, power in enumerate(powers):
                a[row, k] = points[i] ** power
            a[row, n - 1] = (-1) ** row / weights[i]
            y[row] = values[i]
        solution = mp.lu_solve(a, y)
        c, level = list(solution)[:-1], abs(solution[n - 1])
        errors = []
        for p, v, w in zip(points, values, weights):
            s = mpf(0)
            for k in range(len(powers) - 1, -1, -1):
                s = s * p + c[k] if powers[k] - powers[0] == k else s + c[k] * p ** powers[k]
            errors.append(w * (v - s * (p ** powers[0])))
        # The largest error of each run of one sign, and of these the n in a row that hold the largest.
        runs = []
        for i, e in enumerate(errors):
            if runs and (errors[runs[-1]] > 0) == (e > 0):
                if abs(e) > abs(errors[runs[-1]]):
                    runs[-1] = i
            else:
                runs.append(i)
        while len(runs) > n:
            runs.pop(0 if abs(errors[runs[0]]) < abs(errors[runs[-1]]) else -1)
        worst = max(abs(e) for e in errors)
        if len(runs) < n or worst <= level * mpf("1.0005"):
            break
        chosen = runs
    return c, worst


def nearest(x, bits):
    """Rounded to a significand of so many bits."""
    if x == 0:
        return x
    shift = bits - (int(mp.floor(mp.log(abs(x), 2))) + 1)
    return mp.nint(mp.ldexp(x, shift)) * mpf(2) ** -shift


def fit(name, f, weight, a, b, degree, bits, shift=0):
    """Writes the polynomial in x - shift that is nearest to f(x) from a to b."""
    xs = grid(mpf(a), mpf(b), 24 * (degree + 2))
    values, weights = [f(x) for x in xs], [mpf(weight(x)) for x in xs]
    points = [x - shift for x in xs]
    _, best = remez(points, values, weights, list(range(degree + 1)))
    left, rounded = list(values), []
    for k in range(degree + 1):
        # Around 0 as an inner point lower orders cannot be made good by higher ones.
        again = k == 0 or (bits == 24 or k < 3) and points[0] * points[-1] >= 0
        c = remez(points, left, weights, list(range(k, degree + 1)))[0] if again else c[1:]
        rounded.append(nearest(c[0], bits))
        left = [v - rounded[-1] * p**k for v, p in zip(left, points)]
    worst = max(abs(e * w) for e, w in zip(left, weights))
    show = [str(np.float32(float(c))) if bits == 24 else repr(float(c)) for c in rounded]
    power = mpmath.nstr(mp.log(worst, 2), 4)
    out.append(f"/// Error {mpmath.nstr(best, 3)}, with rounded coefficients {mpmath.nstr(worst, 3)} = 2^{power}.")
    table(f"{name}_{32 if bits == 24 else 64}", "f64", show)
    print(name, bits, degree, mpmath.nstr(best, 3), mpmath.nstr(worst, 3), flush=True)


def table(name, ty, numbers):
    """A constant of numbers, four in a line."""
    out.append(f"pub(super) const {name}: [{ty}; {len(numbers)}] = [")
    out.extend("    " + " ".join(n + "," for n in numbers[i:i + 4]) for i in range(0, len(numbers), 4))
    out.append("];")


EPS = mpf(2) ** -60


def odd(f):
    """(f(x) / x - 1) / x^2 as a function of t = x^2, and the weight that makes its error f's relative one."""
    def value(t):
        t = max(t, EPS)
        x = mp.sqrt(t)
        return (f(x) / x - 1) / t

    def weight(t):
        t = max(t, EPS)
        x = mp.sqrt(t)
        return t * x / f(x)

    return value, weight


def power(exponent):
    """((1 - e)^exponent - 1) / e, and the weight of its relative error."""
    def value(e):
        e = e if abs(e) > EPS else EPS
        return ((1 - e) ** exponent - 1) / e

    return value, lambda e: max(abs(e), EPS) * (1 - e) ** -exponent


def erf_small(t):
    x = mp.sqrt(max(t, EPS))
    return mp.erf(x) / x


def erf_big(a):
    return mp.log(mp.erfc(a), 2)


def erf_big_weight(a):
    return mp.erfc(a) * mp.log(2) / mp.erf(a)


def inverse(w):
    """erf_inv(x) / x by w = -log(1 - x^2)."""
    if w < EPS:
        return mp.sqrt(mp.pi) / 2
    rest = mp.exp(-w)
    one_less = rest / (1 + mp.sqrt(1 - rest))  # 1 - x
    x = 1 - one_less
    y = mp.erfinv(x) if w < 60 else None
    return y / x


def run(name, make, *cases):
    f, weight = make
    for bits, a, b, degree, *rest in cases:
        fit(name, f, weight, a, b, degree, bits, *rest)


def words(name, bits, digits, count):
    """2^(1 - digits) / (2 pi) behind the binary point, as words."""
    mp.prec = bits * count + 64
    whole = int(mp.floor(mp.ldexp(1 / (2 * mp.pi), 1 - digits + bits * count)))
    out.append(f"/// 2^{1 - digits} / (2 pi) behind the binary point, in words of {bits} bits.")
    table(name, "u64", [f"0x{whole >> bits * (count - 1 - i) & (1 << bits) - 1:0{bits // 4}x}" for i in range(count)])
    mp.prec = 160


def real(name, x):
    """A number as two floats of each format."""
    for width, bits in ((32, 24), (64, 53)):
        hi = nearest(x, bits)
        show = [str(np.float32(float(c))) if bits == 24 else repr(float(c)) for c in (hi, nearest(x - hi, bits))]
        out.append(f"pub(super) const {name}_{width}: Real = Real {{ hi: {show[0]}, lo: {show[1]} }};")


out = [
    "//! Polynomials and constants of erf, erf_inv, trigonometry and roots; `tools/fit_erf_trig.py` writes this file.",
    "#![allow(clippy::approx_constant, clippy::excessive_precision)]",
    "",
    "use super::parts::Real;",
    "",
]
real("TAU", 2 * mp.pi)
real("HALF_PI", mp.pi / 2)
quarter, half = mp.pi / 4 * mpf("1.0001"), mp.pi / 2 * mpf("1.0001")
run("SIN", odd(mp.sin), (24, 0, half**2, 3), (53, 0, half**2, 8))
run("TAN", odd(mp.tan), (24, 0, quarter**2, 6), (53, 0, quarter**2, 13))
run("ATAN", odd(mp.atan), (24, 0, 1, 7), (53, 0, 1, 19))
run("ASIN", odd(mp.asin), (24, 0, 0.25, 4), (53, 0, 0.25, 11))
run("ERF_SMALL", (lambda t: erf_small(t) - 1, lambda t: 1 / erf_small(t)), (24, 0, 1, 6), (53, 0, 1, 11))
run("ERF_BIG", (erf_big, erf_big_weight), (24, 1, 4, 6), (53, 1, 6, 18, 3))
run("EXP2", (lambda f: mpf(2) ** f, lambda f: mpf(2) ** -f), (24, -0.5001, 0.5001, 5), (53, -0.5001, 0.5001, 10))
run("RSQRT", power(mpf(-1) / 2), (24, -0.0685, 0.0685, 4), (53, -0.0685, 0.0685, 4))
run("CBRT", power(mpf(-1) / 3), (24, -0.103, 0.103, 2), (53, -0.103, 0.103, 5))
run("ERF_INV_CENTRAL", (lambda w: inverse(w) - 1, lambda w: 1 / inverse(w)), (24, 0, 5.001, 9, 2.5), (53, 0, 6.251, 22, 3.125))
tail = (lambda s: inverse(s * s), lambda s: 1 / inverse(s * s))
run("ERF_INV_TAIL", tail, (24, mp.sqrt(mpf("4.999")), 4.01, 9, 3))
run("ERF_INV_MIDDLE", tail, (53, mp.sqrt(mpf("6.249")), 4.001, 18, 3.25))
run("ERF_INV_FAR", tail, (53, 3.999, 6.01, 16, 5))
words("TURNS_32", 32, 24, 7)
words("TURNS_64", 64, 53, 19)
path = Path(__file__).parent.parent / "src/math/tables.rs"
path.write_text("\n".join(out) + "\n")
