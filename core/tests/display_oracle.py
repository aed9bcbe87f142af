"""Writes display_oracle.txt beside this file: arrays, and how NumPy prints them.

A case is a line `dtype shape elements`, the text NumPy prints with each line after a bar, and an empty line. Elements
are the bits of each in hexadecimal (`bits*n`: n times), or `0..last` for the integers as numbers of the dtype.

    python core/tests/display_oracle.py
"""
from itertools import groupby
from pathlib import Path

import numpy as np

NAMES = {"float64": "f64", "float32": "f32", "float16": "f16", "bool": "bool"}
NAMES |= {f"{s}int{b}": f"{s or 'i'}{b}" for s in ("", "u") for b in (8, 16, 32, 64)}
FLOATS = (np.float64, np.float32, np.float16)
INTS = [np.dtype(f"{s}int{b}").type for s in ("", "u") for b in (8, 16, 32, 64)]
inf, nan = np.inf, np.nan
cases = []


def case(values, dtype, shape=None):
    with np.errstate(all="ignore"):
        a = np.asarray(values).astype(dtype)
    a = a if shape is None else a.reshape(shape)
    flat = a.ravel()
    if flat.size > 1 and np.array_equal(flat, np.arange(flat.size).astype(dtype)):
        elements = f"0..{flat.size - 1}"
    else:
        runs = [(x, len(list(run))) for x, run in groupby(flat.view(f"u{a.itemsize}"))]
        elements = " ".join(f"{x:x}" + (f"*{n}" if n > 1 else "") for x, n in runs)
    head = f"{NAMES[a.dtype.name]} [{', '.join(map(str, a.shape))}] {elements}".rstrip()
    cases.append("\n".join([head, *("|" + line for line in str(a).split("\n"))]) + "\n")


rng = np.random.default_rng(0)
normal = rng.normal(size=64)
for dtype in FLOATS:
    # Scalars: all digits, other limits of scientific notation.
    for x in (0.1, 1, -2.5, 0.0, -0.0, 1 / 3, nan, inf, -inf, 1e-4, 9.9e-5, 1.1e-4, 999.5, 1000, 99999, 123456.7,
              999999, 1e6, 16777216, 1e8, 1.5e15, 1e16, -1.25e30, 6e-8, 5e-324, 1e100, np.pi, 65504):
        case(x, dtype)
    # Vectors: digits, alignment, special values.
    for xs in ([1, 2, 3], [0.1, 0.25, -3], [0.0, -0.0], [-0.0], [1 / 3, 2 / 3], [nan], [inf], [-inf], [nan, -inf],
               [1, nan], [1.5, inf, -inf, nan], [-1, nan, 100.25], [1e-9, nan, -inf], [0], [0, nan], [-1e-9, 0, -0.0],
               [100, 0.5, -0.125], [9.99999999, 1], [0.9999999999, 1], [0.00012345678901, 0.1], [np.pi, np.e],
               [0.123456789123, 12.5], [1.23456789012345e-7], [2.5e-5, 1], [1e-4, 1e-4], [1e-4, 0.01], [9.99e-5, 0.01],
               [1, 1000], [1, 1001], [0.5, 501], [999, 998], [1000, 999], [99999, 12345], [1e6, 1e5], [999999, 1e5],
               [1e8, 1e8], [99999999, 1e8 - 2], [123456789, 1e8], [1e-5], [5e-324, 1], [1e-300, 1e300], [1e100, -1e-100],
               [6e-8, 0.001], [6.1e-5, 65504], [1e-45, 3e38], [16777216, 16777217], [2048, 2047], [0.1, 0.2, 0.3],
               [0.015625, 1e-3], [0.1 + 0.2, 0.3], [0.000000005, 4], [1.000000005, 2], [1.000000015, 2], [2 ** -13, 0.1],
               [2 ** -14, 2 ** -15, 2 ** -24], [1097389.25, -784285.125], [1186162.5],
               [0.5, 0.25, 0.125, 0.0625, 0.03125], []):
        case(xs, dtype)
    # Ranks, wrapping, summaries.
    case(normal[:6], dtype, (2, 3))
    case(normal[:24], dtype, (2, 3, 4))
    case(normal[:16], dtype, (2, 2, 2, 2))
    case(normal[:4], dtype, (4, 1))
    case(normal[:40], dtype)
    case(normal[:60], dtype, (3, 20))
    case(normal[:50], dtype, (1, 1, 2, 25))
    case(np.round(normal, 1), dtype)
    case(np.where(np.arange(30) % 3, 1, 0.25), dtype)
    case(normal[:30] * 1e-6, dtype, (2, 15))
    case(np.arange(1000), dtype)
    case(np.arange(1001), dtype)
    case(np.arange(2000), dtype, (2, 1000))
    case(np.arange(1001) / 8, dtype)
    case(np.zeros(1001), dtype)
    case(np.r_[np.ones(500), 1e30, np.ones(520)], dtype)
    case(np.arange(1024), dtype, (32, 32))
    case(np.arange(1100), dtype, (11, 10, 10))
    case(np.arange(1120), dtype, (4, 7, 5, 8))
    case(np.arange(1008), dtype, (6, 168))
    for shape in ((0,), (2, 0), (0, 3), (1, 0, 2)):
        case([], dtype, shape)
for dtype in INTS:
    info = np.iinfo(dtype)
    for x in (0, 7, info.max, info.min):
        case(dtype(x), dtype)
    case([1, 2, 3], dtype)
    case(np.array([info.min, info.max, 0], dtype), dtype)
    case(np.array([info.max - 1, 5], dtype), dtype)
    case(np.arange(40), dtype, (4, 10))
    case(np.arange(100), dtype)
    case(np.array([info.min, info.max] * 12, dtype), dtype, (2, 3, 4))
    case(np.arange(1200) % 100, dtype, (3, 400))
    case(np.arange(1001) % 101, dtype)
    case([], dtype)
    case([], dtype, (2, 0))
case([-1, 10, -100], np.int32)
case([-1, 1], np.int8)
case(np.arange(2000), np.int64)
case(np.arange(1001), np.int32, (7, 11, 13))
case(np.arange(1000), np.uint16, (10, 10, 10))
case(np.arange(2310), np.int16, (2, 3, 5, 7, 11))
for xs in (True, False, [True, False], [True], [False], [True, True], []):
    case(xs, bool)
case([True, False] * 3, bool, (3, 2))
case([True, False] * 20, bool)
case([True, False, False] * 400, bool, (2, 600))
case([], bool, (2, 0))

path = Path(__file__).with_suffix(".txt")
path.write_text("\n".join(cases))
print(len(cases), "cases made with NumPy", np.__version__)
