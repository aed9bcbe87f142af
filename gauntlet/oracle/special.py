"""Special functions and their derivatives by mpmath: derivatives by shape parameters are differences of many digits."""

import math
from functools import lru_cache, partial

import mpmath
import numpy as np
import scipy.special
from mpmath import mp, mpf

from primitives import NAMES, array_of, round_mpf


def lower(a, x):
    """P(a, x) by its series, all of whose terms are positive."""
    return mpmath.exp(a * mpmath.log(x) - x - mpmath.loggamma(a + 1)) * mpmath.hyp1f1(1, a + 1, x, maxterms=10**6)


def upper(a, x):
    return 1 - lower(a, x)


def beta(a, b, x):
    power = mpmath.exp(a * mpmath.log(x) + b * mpmath.log(1 - x) + mpmath.loggamma(a + b) - mpmath.loggamma(a) - mpmath.loggamma(b))
    return power / a * mpmath.hyp2f1(a + b, 1, a + 1, x, maxterms=10**6)


def gamma_density(a, x):
    return mpmath.exp((a - 1) * mpmath.log(x) - x - mpmath.loggamma(a))


def beta_density(a, b, x):
    return mpmath.exp((a - 1) * mpmath.log(x) + (b - 1) * mpmath.log(1 - x)
                      + mpmath.loggamma(a + b) - mpmath.loggamma(a) - mpmath.loggamma(b))


# The function, its derivative by the last operand, and scipy's, for what lies at and beyond the ends.
FUNCTIONS = {
    "igamma": (lower, gamma_density, scipy.special.gammainc),
    "igammac": (upper, lambda a, x: -gamma_density(a, x), scipy.special.gammaincc),
    "betainc": (beta, beta_density, scipy.special.betainc),
}


def derivative(f, orders, at):
    """Central differences with many digits."""
    with mp.workdps(140):
        at = [mpf(v) for v in at]
        if not any(orders):
            return f(*at)
        return mpmath.diff(f, tuple(at), tuple(orders), h=mpf(10) ** -16) if len(at) > 1 else mpmath.diff(f, at[0], orders[0])


@lru_cache(maxsize=None)
def value(function, orders, at, name):
    if function == "digamma":
        x, = at
        if not math.isfinite(x) or (x <= 0 and x == int(x)):
            # At infinity the logarithm; poles have no sign.
            return x if x == math.inf else math.nan
        with mp.workdps(60):
            return round_mpf(mpmath.psi(orders[0], mpf(x)), name)
    f, density, other = FUNCTIONS[function]
    inside = all(map(math.isfinite, at)) and all(v > 0 for v in at) and (function != "betainc" or at[-1] < 1)
    if not inside:
        return float(other(*at))
    orders = orders[:len(at)]
    if orders[-1] > 0:
        orders = (*orders[:-1], orders[-1] - 1)
        f = density
    return round_mpf(mpf(derivative(f, orders, at)), name)


def special(op, *xs):
    name = NAMES[xs[0].dtype]
    columns = [x.astype(np.float64).reshape(-1).tolist() for x in xs]
    orders = tuple(op["orders"])
    return array_of([value(op["name"], orders, at, name) for at in zip(*columns)], xs[0].shape, name)


ANSWERS = {"Special": special}
