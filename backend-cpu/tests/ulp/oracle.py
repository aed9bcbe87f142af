"""Writes f64.oracle.gz beside this file: correctly rounded f64 results of every function, by mpmath.

    python backend-cpu/tests/ulp/oracle.py [functions to print instead of writing the file]

The file holds results only, and of arguments how they are made. Unpacked it is, all numbers little-endian:
    u32 number of functions, then for each:
        u8 length of the name, the name, u8 number of arguments, u32 number of segments,
        for each segment u32 number of points, and for each argument u64 first, u64 last: bits of f64,
then the results of all points: byte 7 (sign and exponent) of all, byte 6 of all, ... byte 0 of all.
Argument `a` of point `i` of function `f` (the points of its segments one behind the other) has the bits
    first + mix(f << 40 | i << 2 | a) % (last - first + 1)
with mix of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
"""
import gzip
import struct
import sys
from pathlib import Path

import mpmath
from mpmath import mp, mpf

mp.prec = 240
POINTS = 20000
MASK = 2**64 - 1
SIGN = 1 << 63
TINY, NORMAL, HUGE = 5e-324, 2.0**-1022, sys.float_info.max


def mix(i):
    z = (i + 1) * 0x9E3779B97F4A7C15 & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def bits(x):
    return struct.unpack("<Q", struct.pack("<d", x))[0]


def value(b):
    return struct.unpack("<d", struct.pack("<Q", b))[0]


def rounded(x):
    """The bits of the f64 nearest to an mpf, halves to even; subnormals and overflow too."""
    if x == 0:
        return 0
    if mpmath.isinf(x):
        return bits(float(x))
    sign, man, exp, width = x._mpf_
    man, exp = int(man), int(exp)
    drop = max(width - 53, -1074 - exp)
    if drop > 0:
        half, rest = 1 << drop - 1, man & (1 << drop) - 1
        man >>= drop
        exp += drop
        man += rest > half or rest == half and man & 1
    return bits(float("inf") if man and man.bit_length() + exp > 1024 else float(man) * 2.0**exp
                if exp > -1022 else man * 2.0**-1000 * 2.0 ** (exp + 1000)) | sign << 63


def span(lo, hi):
    """All floats from lo to hi, of one sign, as bits."""
    lo, hi = bits(lo), bits(hi)
    return min(lo, hi), max(lo, hi)


def near(x, ulps=400):
    """The floats around one."""
    lo, hi = bits(x) - ulps, bits(x) + ulps
    return max(lo, bits(x) & SIGN), min(hi, bits(x) & SIGN | bits(HUGE))


def both(*spans):
    """And with a minus sign."""
    return [s for lo, hi in spans for s in ((lo, hi), (lo | SIGN, hi | SIGN))]


SUBNORMAL, ALL = span(TINY, NORMAL), span(TINY, HUGE)
pi = float(mp.pi)
MULTIPLES = [near(k * pi / 4, 60) for k in (*range(1, 33), 1000, 12345, 10**6, 10**9, 10**14)]
WAVES = both(SUBNORMAL, ALL, ALL, span(0.5, 10), span(0.5, 10), span(1e-9, 1e6), span(1e-9, 1e6), span(2.0**29, 2.0**65),
             (bits(6381956970095103 * 2.0**797),) * 2, *MULTIPLES)


def heavy(spans, cheap):
    """Spans with shares of the points: those in `cheap` have one hundredth of the others'."""
    return [(s, 1) if s in cheap else (s, 100) for s in spans]


def waves():
    return [(s, 3) if s[1] - s[0] < 200 else (s, 100) for s in WAVES]


def plain(spans, *points, count=300):
    """Spans share what the neighbourhoods of single points leave."""
    return [(s, None) for s in spans] + [(near(p), count) for p in points]


LOG_MAX, LOG_MIN, LOG_TINY = 709.782712893384, -708.3964185322641, -745.1332191019412
FUNCTIONS = {
    "exp": (mp.exp, plain([*both(SUBNORMAL), *both(span(1e-17, 1e-3)), *both(span(1e-3, 100)), span(100, 709.9),
                           span(-100, -708), span(-708, -746)], LOG_MAX, LOG_MIN, LOG_TINY, 1.0, -1.0)),
    "exp2": (lambda x: mpf(2) ** x, plain([*both(SUBNORMAL), *both(span(1e-17, 1e-3)), *both(span(1e-3, 100)), span(100, 1024.5),
                           span(-100, -1022), span(-1022, -1076)], 1024.0, -1022.0, -1074.0, -1075.0, 0.5, -0.5)),
    "expm1": (mp.expm1, plain([*both(SUBNORMAL), *both(span(NORMAL, 1e-9)), *both(span(1e-9, 1.0)), *both(span(1e-3, 1.0)),
                               *both(span(1.0, 50.0)), span(50.0, 709.9)], LOG_MAX, 0.34657, -0.34657, -37.4)),
    "log": (mp.log, plain([SUBNORMAL, ALL, ALL, span(0.5, 2.0), span(0.9, 1.1), span(1e-3, 1e3)], 1.0, NORMAL, 2**0.5, 0.5**0.5, HUGE)),
    "log2": (lambda x: mp.log(x, 2), plain([SUBNORMAL, ALL, ALL, span(0.5, 2.0), span(0.9, 1.1), span(1e-3, 1e3)],
                                           1.0, NORMAL, 2**0.5, 0.5**0.5, 2.0, 4.0, HUGE)),
    "log1p": (mp.log1p, plain([*both(SUBNORMAL), *both(span(NORMAL, 1e-9)), *both(span(1e-9, 0.999)), span(-0.9, -1 + 2.0**-53),
                               span(1.0, 1e6), span(1.0, HUGE)], -1 + 2.0**-43, 1.0, 0.4142135, -0.2928932, HUGE)),
    "tanh": (mp.tanh, plain(both(SUBNORMAL, span(NORMAL, 1e-9), span(1e-9, 1e-2), span(1e-2, 1.0), span(0.1, 22.0)), 19.06, 0.6, -0.6)),
    "logistic": (lambda x: 1 / (1 + mp.exp(-x)), plain([*both(SUBNORMAL), *both(span(1e-17, 1e-2)), *both(span(1e-2, 40.0)),
                 *both(span(0.1, 5.0)), span(-40.0, -708.0), span(-708.0, -746.0)], LOG_MIN, LOG_TINY, -36.7, 36.7)),
    "sinh": (mp.sinh, plain(both(SUBNORMAL, span(NORMAL, 1e-9), span(1e-9, 1.0), span(0.1, 3.0), span(1.0, 710.5)), 710.4758600739439, 1.0)),
    "cosh": (mp.cosh, plain(both(SUBNORMAL, span(NORMAL, 1e-9), span(1e-9, 1.0), span(0.1, 3.0), span(1.0, 710.5)), 710.4758600739439, 1.0)),
    "asinh": (mp.asinh, plain(both(SUBNORMAL, span(NORMAL, 1e-9), span(1e-9, 1.0), span(0.1, 3.0), span(1.0, 1e10), span(1.0, HUGE)), HUGE, 1.0)),
    "acosh": (mp.acosh, plain([span(1.0, 1.0 + 1e-9), span(1.0, 1.001), span(1.0, 1.5), span(1.1, 10.0), span(2.0, 1e10), span(2.0, HUGE)], 1.0 + 2.0**-43, HUGE)),
    "atanh": (mp.atanh, plain(both(SUBNORMAL, span(NORMAL, 1e-9), span(1e-9, 0.5), span(0.1, 0.9), span(0.5, 1 - 2.0**-53)), 1 - 2.0**-43, -1 + 2.0**-43)),
    "erf": (mp.erf, plain(both(SUBNORMAL, span(NORMAL, 1e-9), span(1e-9, 0.1), span(0.1, 1.5), span(0.5, 3.0), span(1.0, 6.5)), 1.0, 0.84375, 5.92, -1.0)),
    "erf_inv": (mp.erfinv, plain(both(SUBNORMAL, span(NORMAL, 1e-9), span(1e-9, 0.1), span(0.1, 0.9), span(0.5, 0.999),
                                      span(0.99, 1 - 2.0**-53), span(1 - 1e-10, 1 - 2.0**-53)), 1 - 2.0**-43, 0.95, -0.95)),
    "sin": (mp.sin, waves()),
    "cos": (mp.cos, waves()),
    "tan": (mp.tan, waves()),
    "rsqrt": (lambda x: 1 / mp.sqrt(x), plain([SUBNORMAL, ALL, span(0.1, 10.0), span(1.0, 4.0)], 1.0, 2.0, 4.0, NORMAL, HUGE)),
    "cbrt": (lambda x: mp.cbrt(abs(x)) * mp.sign(x), plain(both(SUBNORMAL, ALL, span(0.1, 10.0), span(1.0, 8.0)), 1.0, 8.0, -8.0, NORMAL, HUGE)),
    "asin": (mp.asin, plain(both(SUBNORMAL, span(NORMAL, 1e-9), span(1e-9, 0.5), span(0.1, 0.9), span(0.5, 1 - 2.0**-53)), 1 - 2.0**-43, 0.5, -0.5, 0.75**0.5)),
    "acos": (mp.acos, plain(both(SUBNORMAL, span(NORMAL, 1e-9), span(1e-9, 0.5), span(0.1, 0.9), span(0.5, 1 - 2.0**-53)), 1 - 2.0**-43, 0.5, -0.5, 0.75**0.5)),
    "atan": (mp.atan, plain(both(SUBNORMAL, span(NORMAL, 1e-9), span(1e-9, 0.5), span(0.1, 3.0), span(0.5, 100.0), ALL), 1.0, 2**0.5 - 1, 2**0.5 + 1, 1e16, HUGE)),
}
def lgamma(x):
    """Of negative numbers |y| + 4, as table.rs has it."""
    y = mp.loggamma(x).real
    return abs(y) + 4 if x < 0 else y


def bessel(order):
    def f(x):
        if abs(x) < 1e9:
            return mp.besseli(order, x, maxterms=10**6) * mp.exp(-abs(x))
        # Hankel's expansion: three terms are exact to 2^-80 and more.
        m, z = 4 * order * order, 8 * abs(x)
        series = 1 - (m - 1) / z + (m - 1) * (m - 9) / (2 * z**2) - (m - 1) * (m - 9) * (m - 25) / (6 * z**3)
        return series / mp.sqrt(2 * mp.pi * abs(x)) * (mp.sign(x) if order else 1)
    return f


BESSEL = plain(both(SUBNORMAL, span(NORMAL, 1e-3), span(1e-3, 8.0), span(1.0, 8.0), span(8.0, 30.0), span(30.0, 1e4), span(1e9, HUGE)), 8.0, -8.0)
FUNCTIONS |= {
    "erfc": (mp.erfc, plain([*both(span(1e-20, 0.5)), *both(span(0.1, 1.0)), span(0.5, 6.0), span(0.5, 27.4), span(20.0, 26.6),
                             span(26.5, 27.3), span(-1.0, -6.5)], 0.5, -0.5, 26.54, 3.0)),
    "lgamma": (lgamma, plain([SUBNORMAL, span(NORMAL, 1e-3), span(1e-3, 0.5), span(0.5, 1.5), span(1.5, 2.5), span(2.5, 9.0), span(8.0, 100.0),
                              span(100.0, HUGE), span(-1e-300, -1e-3), span(-1e-3, -0.5), span(-0.5, -4.0), span(-4.0, -170.0)],
                             1.0, 2.0, 0.5, 1.5, 2.5, 8.0, -0.5, 2.5e305)),
    "bessel_i0e": (bessel(0), BESSEL),
    "bessel_i1e": (bessel(1), BESSEL),
}
ALL2 = both(ALL)
FUNCTIONS2 = {
    # Pairs over everything, of like size, near the axes and diagonals.
    "atan2": (mp.atan2, [((y, x), 100) for y in both(span(1e-3, 1e3)) for x in both(span(1e-3, 1e3))]
              + [((y, x), 60) for y in both(span(0.9, 1.1)) for x in both(span(0.9, 1.1))]
              + [((y, x), 60) for y in ALL2 for x in ALL2] + [((y, x), 20) for y in both(SUBNORMAL) for x in both(SUBNORMAL)]
              + [((y, x), 10) for y in both(SUBNORMAL) for x in both(span(0.1, 10.0))]),
    # Bases and exponents whose powers are of all sizes: small bases to large powers, bases near 1, whole exponents.
    "pow": (mp.power, [((span(1e-3, 1e3), y), 100) for y in both(span(1e-3, 100.0))]
            + [((span(0.9, 1.1), y), 100) for y in both(span(1.0, 7000.0))]
            + [((span(1 - 2.0**-20, 1 + 2.0**-20), y), 60) for y in both(span(1e3, 7e8))]
            + [((ALL, y), 60) for y in both(span(1e-5, 1.0))] + [((SUBNORMAL, y), 20) for y in both(span(0.01, 1.05))]
            + [((span(1.0, 1e4), y), 40) for y in both(span(10.0, 77.0))]
            + [((a, (bits(y), bits(y))), 4) for a in (span(0.1, 10.0), (bits(-10.0) - 2**56, bits(-10.0)))
               for y in (1.0, 2.0, 3.0, -1.0, -2.0, 4.0, -7.0, 31.0, 64.0, 301.0)]),
}


def share(segments):
    """Numbers of points for segments: given ones first, the others share the rest; 1000 and more in all are weights."""
    if any(n is None for _, n in segments):
        left, free = POINTS - sum(n or 0 for _, n in segments), sum(n is None for _, n in segments)
        counts = [left // free if n is None else n for _, n in segments]
    else:
        weight = sum(n for _, n in segments)
        counts = [max(1, POINTS * n // weight) for _, n in segments]
    counts[0] += POINTS - sum(counts)
    return counts


def main(only):
    table = {name: (f, [((s,), n) for s, n in segments]) for name, (f, segments) in FUNCTIONS.items()} | FUNCTIONS2
    head, results = [struct.pack("<I", len(table))], []
    for number, (name, (f, segments)) in enumerate(table.items()):
        counts = share(segments)
        arity = len(segments[0][0])
        head.append(struct.pack("<B", len(name)) + name.encode() + struct.pack("<BI", arity, len(segments)))
        point = 0
        for (spans, _), count in zip(segments, counts):
            head.append(struct.pack("<I", count) + b"".join(struct.pack("<QQ", *s) for s in spans))
            for _ in range(count if not only or name in only else 0):
                xs = [lo + mix(number << 40 | point << 2 | a) % (hi - lo + 1) for a, (lo, hi) in enumerate(spans)]
                y = rounded(f(*(mpf(value(x)) for x in xs)))
                if only:
                    print(name, *(repr(value(x)) for x in xs), repr(value(y)))
                results.append(y)
                point += 1
        print(name, point, file=sys.stderr, flush=True)
    planes = [bytes(y >> 8 * k & 255 for y in results) for k in reversed(range(8))]
    if not only:
        path = Path(__file__).with_name("f64.oracle.gz")
        path.write_bytes(gzip.compress(b"".join(head + planes), 9, mtime=0))
        print(path.stat().st_size, "bytes", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
