"""Running reductions: fractions and mpmath for floats, exact and rounded once; numpy for integers and extremes."""

import math
from fractions import Fraction

from primitives import NAMES, array_of, is_float, mpmath, np, round_mpf, round_rational


def sums(row, name):
    total, exact = 0.0, Fraction(0)
    for x in row:
        total += x
        if math.isfinite(exact if isinstance(exact, float) else 0.0) and math.isfinite(x):
            exact += Fraction(x)
            yield round_rational(exact, name) if exact else (total if total == 0 else 0.0)
        else:
            # From an infinity on: nothing finite changes it.
            exact = exact + x if isinstance(exact, float) else x
            yield exact


def products(row, name):
    exact = Fraction(1)
    for x in row:
        if isinstance(exact, float) or not math.isfinite(x) or x == 0:
            exact = float(np.float64(exact if isinstance(exact, float) else math.copysign(1.0, exact)) * x)
            yield exact
        else:
            exact *= Fraction(x)
            yield round_rational(exact, name)


def logs(row, name):
    total, high = mpmath.mpf(0), -math.inf
    for x in row:
        high = high if high != high else x if x != x else max(high, x)
        if high != high or math.isinf(high):
            yield float("nan") if high != high else high
            continue
        if not math.isinf(x):
            total += mpmath.exp(mpmath.mpf(x))
        y = mpmath.log(total)
        yield round_mpf(y, name) if y else 0.0


KINDS = {"cumsum": sums, "cumprod": products, "cumlogsumexp": logs}
UFUNCS = {"cumsum": np.add, "cumprod": np.multiply, "cummax": np.maximum, "cummin": np.minimum}


def cumulative(op, x):
    kind, axis = op["name"], op["axis"]
    turned = (lambda a: np.flip(a, axis)) if op["reverse"] else (lambda a: a)
    float_kind = is_float(x.dtype)
    if x.size == 0:
        return (x, x.astype(np.float64)) if float_kind and kind == "cumsum" else x
    if not float_kind or kind in ("cummax", "cummin"):
        wide = x.astype(np.float64) if float_kind else x
        return turned(UFUNCS[kind].accumulate(turned(wide), axis=axis, dtype=wide.dtype)).astype(x.dtype)
    name = NAMES[x.dtype]
    lanes = np.moveaxis(turned(x.astype(np.float64)), axis, -1)
    # As many bits as a sum of numbers of every size needs.
    mpmath.mp.prec = 200 if kind == "cumlogsumexp" and np.abs(np.where(np.isfinite(lanes), lanes, 0)).max(initial=0) < 1e4 else 400
    rows = [list(KINDS[kind](row, name)) for row in lanes.reshape(-1, lanes.shape[-1]).tolist()]
    result = turned(np.moveaxis(array_of(rows, lanes.shape, name), -1, axis))
    if kind != "cumsum":
        return result
    with np.errstate(all="ignore"):
        scale = turned(np.cumsum(np.abs(turned(x.astype(np.float64))), axis=axis))
    return result, scale


ANSWERS = {"Cumulative": cumulative}
