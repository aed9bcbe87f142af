"""Factorisations, by NumPy and SciPy in f64: f32 is rounded at the end. LAPACK leaves signs open; here the diagonal of R is
not negative, and what has no result is NaN, for each matrix of a batch. A matrix that is not finite has no result."""

from primitives import np, scipy
import scipy.linalg


def each(f, kinds, *xs):
    """f of the matrices of a batch; `kinds` are shapes and dtypes of its results."""
    batch = xs[0].shape[:-2]
    outs = [np.zeros(batch + shape, dtype) for shape, dtype in kinds]
    for i in np.ndindex(*batch):
        for out, y in zip(outs, f(*(x[i].astype(np.float64) for x in xs))):
            out[i] = y
    return tuple(outs) if len(outs) > 1 else outs[0]


def cholesky(a):
    lower = np.tril(a)
    whole = lower + np.tril(a, -1).T
    try:
        if not np.isfinite(whole).all():
            raise np.linalg.LinAlgError
        return (np.linalg.cholesky(whole),)
    except np.linalg.LinAlgError:
        return (np.tril(np.full_like(a, np.nan)),)


def lu(a):
    m, n = a.shape
    k = min(m, n)
    if not np.isfinite(a).all() or k == 0:
        return np.full_like(a, np.nan), np.arange(k), np.arange(m)
    factors, pivots = scipy.linalg.lu_factor(a)
    permutation = np.arange(m)
    for i, p in enumerate(pivots):
        permutation[[i, p]] = permutation[[p, i]]
    return factors, pivots, permutation


def qr(a, full):
    m, n = a.shape
    k = m if full else min(m, n)
    if not np.isfinite(a).all():
        return np.full((m, k), np.nan), np.full((k, n), np.nan)
    q, r = np.linalg.qr(a, mode="complete" if full else "reduced")
    # LAPACK's Q of no columns is the identity; the columns behind R's rows have signs of their own.
    signs = np.ones(k)
    diagonal = np.diag(r)
    signs[: len(diagonal)] = np.where(diagonal < 0, -1, 1)
    return q * signs, r * signs[:, None]


def linalg(op, a, b=None):
    name = op["name"]
    m, n = a.shape[-2:]
    t = a.dtype
    if name == "cholesky":
        return each(lambda a: cholesky(a), [((n, n), t)], a)
    if name == "triangular_solve":
        if n == 0 or b.shape[-1] == 0:
            return np.zeros(b.shape, t)
        solve = lambda a, b: (scipy.linalg.solve_triangular(
            a, b, trans=int(op["transpose"]), lower=op["lower"], unit_diagonal=op["unit_diagonal"]),)
        return each(solve, [(b.shape[-2:], t)], a, b)
    if name == "solve":
        return each(lambda a, b: (np.linalg.solve(a.T if op["transpose"] else a, b),), [(b.shape[-2:], t)], a, b)
    if name == "det":
        return each(lambda a: (np.linalg.det(a) if np.isfinite(a).all() else np.nan,), [((), t)], a)
    if name == "lu":
        return each(lu, [((m, n), t), ((min(m, n),), np.int32), ((m,), np.int32)], a)
    if name == "qr":
        k = m if op["full"] else min(m, n)
        return each(lambda a: qr(a, op["full"]), [((m, k), t), ((k, n), t)], a)
    raise NotImplementedError(name)


ANSWERS = {"Linalg": linalg}
