"""Fits the polynomials of the kernel language's functions and prints them as Rust.

    python fit.py > ../src/math/coefficients.rs

Each polynomial P makes the largest |weight * (P - function)| on its interval least: Remez's exchange on a fixed grid,
in arithmetic of 60 digits (see Muller, Elementary Functions, chapter 3). Then its coefficients are rounded to the
lane's type from the lowest order, the rest being fitted anew after each (narrow) or after the first few (wide). The
error that is printed is that of the rounded polynomial, relative to the function's result, in units of 2^-24 (2^-53).
Needs mpmath and numpy.
"""
import sys

import mpmath as mp
import numpy as np

mp.mp.dps = 60
LN2 = mp.log(2)
HALF_LN2 = LN2 / 2 * mp.mpf("1.0001")  # the reduction rounds, so it may overshoot a little
ROOT = (mp.sqrt(mp.mpf(1) / 2) - 1, mp.sqrt(2) - 1)  # m - 1 for m in [sqrt 1/2, sqrt 2)


def grid(a, b, n):
    return [(a + b) / 2 + (b - a) / 2 * mp.cos(mp.pi * (n - 1 - i) / (n - 1)) + mp.mpf(10) ** -25 for i in range(n)]


def horner(c, x):
    p = mp.mpf(0)
    for k in reversed(c):
        p = p * x + k
    return p


def remez(xs, ys, ws, degree):
    """The polynomial of a degree that is best at the points xs, for values ys and weights ws."""
    n, m = len(xs), degree + 2
    at = [round((1 - np.cos(np.pi * i / (m - 1))) / 2 * (n - 1)) for i in range(m)]
    at = sorted(set(at))
    while len(at) < m:
        at = sorted(set(at) | {next(i for i in range(n) if i not in at)})
    at = [i if ws[i] > mp.mpf(10) ** -15 else i + 1 for i in at]
    for _ in range(25):
        rows = [[xs[i] ** k for k in range(degree + 1)] + [(-1) ** j / ws[i]] for j, i in enumerate(at)]
        solved = mp.lu_solve(mp.matrix(rows), mp.matrix([ys[i] for i in at]))
        c, level = list(solved[: degree + 1]), abs(solved[degree + 1])
        error = [w * (horner(c, x) - y) for x, y, w in zip(xs, ys, ws)]
        runs = []  # the place of the largest error of each run of one sign
        for i, e in enumerate(error):
            if runs and (error[runs[-1]] > 0) == (e > 0):
                if abs(e) > abs(error[runs[-1]]):
                    runs[-1] = i
            else:
                runs.append(i)
        while len(runs) > m:
            if len(runs) == m + 1:
                runs.pop(0 if abs(error[runs[0]]) < abs(error[runs[-1]]) else -1)
            else:
                k = min(range(len(runs) - 1), key=lambda k: max(abs(error[runs[k]]), abs(error[runs[k + 1]])))
                del runs[k : k + 2]
        if len(runs) < m or max(map(abs, error)) < level * mp.mpf("1.001"):
            break
        at = runs
    return c


def narrow(c):
    return mp.mpf(float(np.float32(float(c))))


def wide(c):
    return mp.mpf(float(c))


def fit(f, weight, a, b, degree, lane, fixed=()):
    """Coefficients from the lowest order; the first ones may be given."""
    xs = grid(mp.mpf(a), mp.mpf(b), 301 if lane == 32 else 401)
    ys, ws = [f(x) for x in xs], [abs(weight(x)) for x in xs]
    to_lane = narrow if lane == 32 else wide
    c = list(map(mp.mpf, fixed))
    while len(c) <= degree:
        k = len(c)
        rest = [(y - horner(c, x)) / x**k for x, y in zip(xs, ys)] if k else ys
        best = remez(xs, rest, [w * abs(x) ** k for x, w in zip(xs, ws)], degree - k)
        c += [to_lane(v) for v in (best[:1] if lane == 32 or k < 4 else best)]
    worst = max(w * abs(horner(c, x) - y) for x, y, w in zip(xs, ys, ws))
    return c, float(worst * 2 ** (24 if lane == 32 else 53))


def literal(c, lane):
    return repr(float(c)) if lane == 64 else str(np.float32(float(c))) if "." in str(np.float32(float(c))) or "e" in str(np.float32(float(c))) else str(float(c))


def print_rust(name, what, lane, c, error):
    print(f"/// {what}; off by {error:.2g} * 2^-{24 if lane == 32 else 53}.")
    print(f"pub(super) const {name}: [f64; {len(c)}] = [")
    line = "   "
    for v in c:
        item = f" {literal(v, lane)},"
        if len(line) + len(item) > 108:
            print(line)
            line = "   "
        line += item
    print(line + "\n];\n")


def print_real(name, what, x):
    for lane, to_lane in ((32, narrow), (64, wide)):
        hi = to_lane(x)
        print(f"/// {what} as two floats of {lane} bits.")
        print(f"pub(super) const {name}_{lane}: Real = Real {{ hi: {literal(hi, lane)}, lo: {literal(to_lane(x - hi), lane)} }};\n")


# Functions of the polynomials. Series where the closed form cancels are avoided by the many digits.
def exp_ratio(r):  # (e^r - 1) / r
    return mp.expm1(r) / r


def expm1_tail(r):  # (e^r - 1 - r) / r^2
    return (mp.expm1(r) - r) / r**2


def exp2_ratio(r):  # (2^r - 1) / r
    return mp.expm1(r * LN2) / r


def log_tail(f):  # (log(1 + f) - f) / f^2
    return (mp.log1p(f) - f) / f**2


def log2_ratio(f):
    return mp.log1p(f) / f / LN2


def cosh_tail(t):  # (cosh r - 1) / r^2, t = r^2
    return (mp.cosh(mp.sqrt(t)) - 1) / t


def sinh_tail(t):  # (sinh r - r) / r^3
    r = mp.sqrt(t)
    return (mp.sinh(r) - r) / r**3


C0, C1 = 2 / LN2, 2 / LN2 / 3
LARGEST_S = ROOT[1] / (2 + ROOT[1])


def log2_tail(q):
    s = mp.sqrt(q)
    return (2 * mp.atanh(s) / s / LN2 - C0 - C1 * q) / q**2


# name: (what, function, weight that makes the error relative to the result, interval, degrees, fixed coefficients)
FITS = {
    "EXP": ("(e^r - 1) / r for |r| <= ln2 / 2", exp_ratio, lambda r: r * mp.exp(-r), (-HALF_LN2, HALF_LN2), (5, 10), (1,)),
    "EXPM1": ("(e^r - 1 - r) / r^2 for |r| <= ln2 / 2", expm1_tail, lambda r: r**2 / mp.expm1(r), (-HALF_LN2, HALF_LN2), (4, 9), ()),
    "EXP2": ("(2^r - 1) / r for |r| <= 1/2", exp2_ratio, lambda r: r * 2**-r, (-0.5, 0.5), (5, 10), ()),
    "LOG": ("(log(1 + f) - f) / f^2 for 1 + f from sqrt 1/2 to sqrt 2", log_tail, lambda f: f**2 / mp.log1p(f), ROOT, (8, 19), ()),
    "LOG2": ("log2(1 + f) / f for 1 + f from sqrt 1/2 to sqrt 2", log2_ratio, lambda f: 1 / log2_ratio(f), ROOT, (9, 20), ()),
    "COSH": ("(cosh r - 1) / r^2 by r^2, |r| <= ln2 / 2", cosh_tail, lambda t: t / mp.cosh(mp.sqrt(t)), (0, HALF_LN2**2), (2, 4), ()),
    "SINH": ("(sinh r - r) / r^3 by r^2, |r| <= ln2 / 2", sinh_tail, lambda t: t * mp.sqrt(t) / mp.sinh(mp.sqrt(t)), (0, HALF_LN2**2), (1, 4), ()),
    "RECIPROCAL": ("1 / (2 + f) for 1 + f from sqrt 1/2 to sqrt 2", lambda f: 1 / (2 + f), lambda f: 2 + f, ROOT, (2, 2), ()),
    "LOG2_TAIL": ("(log2((1 + s) / (1 - s)) / s - c0 - c1 q) / q^2 by q = s^2", log2_tail, lambda q: q**2 / C0, (0, LARGEST_S**2), (2, 6), ()),
}
REALS = {"LN_2": ("ln 2", LN2), "LOG2_C0": ("2 log2 e", C0), "LOG2_C1": ("2/3 log2 e", C1)}


def main(names):
    print("//! Coefficients of polynomials, from the lowest order. Made by `tools/fit.py`: change them there.")
    print("#![allow(clippy::approx_constant, clippy::excessive_precision)]\n")
    print("use super::parts::Real;\n")
    for name, (what, x) in REALS.items():
        if not names or name in names:
            print_real(name, what, x)
    for name, (what, f, weight, (a, b), degrees, fixed) in FITS.items():
        if not names or name in names:
            for lane, degree in zip((32, 64), degrees):
                print_rust(f"{name}_{lane}", what, lane, *fit(f, weight, a, b, degree, lane, fixed))


if __name__ == "__main__":
    main(sys.argv[1:])
