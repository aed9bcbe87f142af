"""Fits the polynomials of erfc, lgamma and the Bessel functions and prints them as Rust.

    python fit_special.py > ../src/math/special_tables.rs

Each makes the sum of the squared relative errors at Chebyshev's points least, which is near the best polynomial; then its
coefficients are rounded from the lowest order, the rest being fitted anew (narrow after each, wide after the first few).
Needs mpmath and numpy.
"""
import sys

import mpmath as mp
from fit import horner, narrow, print_rust, wide

mp.mp.dps = 90
EPS = mp.mpf(10) ** -30


def from_quotient(k):
    """x of q = (x - k) / (x + k)."""
    return lambda q: k * (1 + q) / (1 - q)


def erfcx_times_x(k):
    x = from_quotient(k)
    return lambda q: mp.erfc(x(q)) * mp.exp(x(q) ** 2) * x(q)


def quotient(k, x):
    return (mp.mpf(x) - k) / (mp.mpf(x) + k)


def lgamma_ratio(base):
    """log Γ(base + t) / t."""
    return lambda t: mp.loggamma(base + t).real / t


def stirling(square):
    """a times what Stirling's formula lacks, by 1/a²."""
    a = 1 / mp.sqrt(max(square, EPS))
    return a * (mp.loggamma(a) - (a - mp.mpf(1) / 2) * mp.log(a) + a - mp.log(2 * mp.pi) / 2)


def sin_pi(square):
    r = mp.sqrt(max(square, EPS))
    return mp.sin(mp.pi * r) / r


def bessel_near(order):
    def f(square):
        x = mp.sqrt(max(square, EPS))
        return mp.besseli(order, x) / x**order
    return f


def bessel_far(order):
    def f(u):
        z = (u + 1) / 16
        if z < EPS:
            return 1 / mp.sqrt(2 * mp.pi)
        return mp.besseli(order, 1 / z) * mp.exp(-1 / z) / mp.sqrt(z)
    return f


def least_squares(xs, ys, ws, degree):
    rows = mp.matrix([[w * x**k for k in range(degree + 1)] for x, w in zip(xs, ws)])
    right = mp.matrix([w * y for y, w in zip(ys, ws)])
    return list(mp.lu_solve(rows.T * rows, rows.T * right))


def fit(f, a, b, degree, lane):
    """Coefficients from the lowest order, and the largest relative error at points between, in units of 2^-24 (2^-53)."""
    def at(n):
        return [(a + b) / 2 - (b - a) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    xs = at((5 * (degree + 1) + 2) // 2 * 2)
    ys = [f(x) for x in xs]
    ws = [1 / y for y in ys]
    to_lane, c = narrow if lane == 32 else wide, []
    while len(c) <= degree:
        k = len(c)
        rest = [(y - horner(c, x)) / x**k for x, y in zip(xs, ys)] if k else ys
        best = least_squares(xs, rest, [w * x**k for x, w in zip(xs, ws)], degree - k)
        c += [to_lane(v) for v in (best[:1] if lane == 32 or k < 4 else best)]
    worst = max(abs(horner(c, x) / f(x) - 1) for x in at(302))
    return c, float(worst * 2 ** (24 if lane == 32 else 53))


ERFC = [(erfcx_times_x(k), quotient(k, lo), quotient(k, hi), degree) for k, lo, hi, degree in ((2, 0.7499, 10.3, 9), (3, 0.7499, 27.5, 24))]
HALF, QUARTER = mp.mpf("0.500001"), mp.mpf(1) / 4
FITS = {
    "ERFCX": ("x e^(x^2) erfc x by (x - 2) / (x + 2), in 64 bits (x - 3) / (x + 3), x from 3/4 on", *ERFC),
    "LGAMMA_ONE": ("log Γ(1 + t) / t by t - 1/4, |t| <= 1/2", *((lambda u: lgamma_ratio(1)(u + QUARTER), -HALF - QUARTER, HALF - QUARTER, n) for n in (13, 28))),
    "LGAMMA_TWO": ("log Γ(2 + t) / t for |t| <= 1/2", (lgamma_ratio(2), -HALF, HALF, 8), (lgamma_ratio(2), -HALF, HALF, 17)),
    "STIRLING": ("a (log Γ(a) - (a - 1/2) log a + a - log(2 π) / 2) by 1/a^2, a from 8 on", (stirling, 0, mp.mpf(1) / 63, 2), (stirling, 0, mp.mpf(1) / 63, 6)),
    "SIN_PI": ("sin(π r) / r by r^2, |r| <= 1/2", (sin_pi, 0, HALF**2, 5), (sin_pi, 0, HALF**2, 9)),
    "I0_NEAR": ("I0(x) by x^2, x up to 8", (bessel_near(0), 0, 64.01, 11), (bessel_near(0), 0, 64.01, 19)),
    "I1_NEAR": ("I1(x) / x by x^2, x up to 8", (bessel_near(1), 0, 64.01, 11), (bessel_near(1), 0, 64.01, 19)),
    "I0_FAR": ("√x e^-x I0(x) by 16 / x - 1, x from 8 on", (bessel_far(0), -1, 1.001, 6), (bessel_far(0), -1, 1.001, 24)),
    "I1_FAR": ("√x e^-x I1(x) by 16 / x - 1, x from 8 on", (bessel_far(1), -1, 1.001, 6), (bessel_far(1), -1, 1.001, 24)),
}


def main(names):
    print("//! Polynomials of erfc, lgamma and the Bessel functions. Made by `tools/fit_special.py`: change them there.")
    print("#![allow(clippy::approx_constant, clippy::excessive_precision)]\n")
    for name, (what, *lanes) in FITS.items():
        if names and name not in names:
            continue
        for lane, (f, a, b, degree) in zip((32, 64), lanes):
            c, error = fit(f, mp.mpf(a), mp.mpf(b), degree, lane)
            print(name, lane, degree, f"{error:.3g}", file=sys.stderr, flush=True)
            print_rust(f"{name}_{lane}", what, lane, c, error)


if __name__ == "__main__":
    main(sys.argv[1:])
