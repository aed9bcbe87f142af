"""Answers for sliding windows: sums, largest and smallest elements of integers are XLA's. For floats, of which XLA takes
subnormal ones for zero, and for places, which XLA does not give, numpy reduces the elements of each window; where XLA can
tell, it must say the same."""

from primitives import compiled, is_float, lax, np


def run(op, x):
    name = op["name"]
    window = (op["sizes"], op["strides"], [(low, high) for low, high, _ in op["padding"]],
              [between + 1 for _, _, between in op["padding"]], op["dilation"])
    if name == "reduce_window_sum":
        return lax.reduce_window(x, x.dtype.type(0), lax.add, *window)
    least, most = (-np.inf, np.inf) if is_float(x.dtype) else (np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)
    if name == "reduce_window_max":
        return lax.reduce_window(x, x.dtype.type(least), lax.max, *window)
    return lax.reduce_window(x, x.dtype.type(most), lax.min, *window)


XLA = compiled(run)


def windows(op, shape):
    """For each window the numbers of its elements, -1 outside: `[places.., elements]`."""
    numbers = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    for axis, (low, high, between) in enumerate(op["padding"]):
        n = numbers.shape[axis]
        spread = list(numbers.shape)
        spread[axis] = n + max(n - 1, 0) * between
        all = np.full(spread, -1)
        at = [slice(None)] * len(spread)
        at[axis] = slice(None, None, between + 1)
        all[tuple(at)] = numbers
        width = [(0, 0)] * len(spread)
        width[axis] = (max(low, 0), max(high, 0))
        all = np.pad(all, width, constant_values=-1)
        at[axis] = slice(max(-low, 0), all.shape[axis] - max(-high, 0))
        numbers = all[tuple(at)]
    grids = []
    for n, size, stride, apart in zip(numbers.shape, op["sizes"], op["strides"], op["dilation"]):
        reach = (size - 1) * apart + 1
        places = max((n - reach) // stride + 1, 0) if n >= reach else 0
        grids.append(np.arange(places)[:, None] * stride + np.arange(size)[None, :] * apart)
    rank = len(shape)
    index = []
    for d, grid in enumerate(grids):
        form = [1] * (2 * rank)
        form[d], form[rank + d] = grid.shape
        index.append(grid.reshape(form))
    out = numbers[tuple(index)] if rank else numbers.reshape(())
    places = [g.shape[0] for g in grids]
    return np.asarray(out).reshape(*places, -1) if np.prod(places, dtype=int) else np.zeros((*places, 1), int)


def window(op, x):
    name = op["name"]
    numbers = windows(op, x.shape)
    inside = numbers >= 0
    if name in ("argmax_window", "argmin_window"):
        least = name == "argmin_window"
        wide = x.astype(np.float64) if is_float(x.dtype) else x
        if is_float(x.dtype):
            worst = np.inf if least else -np.inf
        else:
            info = np.iinfo(x.dtype)
            worst = info.max if least else info.min
        seen = np.where(inside, wide.ravel()[numbers] if x.size else worst, worst).astype(wide.dtype)
        best = (np.argmin if least else np.argmax)(seen, axis=-1)[..., None]
        # What is outside ties with the worst number, and loses.
        first = np.argmax(inside, axis=-1)[..., None]
        best = np.where(np.take_along_axis(inside, best, -1), best, first)
        return np.take_along_axis(numbers, best, -1)[..., 0].astype(np.int32)
    if not is_float(x.dtype):
        return np.asarray(XLA(op, x))
    if name == "reduce_window_sum":
        seen = np.where(inside, x.astype(np.longdouble).ravel()[numbers] if x.size else 0, 0)
        result, scale = seen.sum(-1), np.abs(seen).sum(-1)
        xla = np.asarray(XLA(op, x.astype(np.float64)))
        assert xla.shape == result.shape and np.all(np.abs(xla - result) <= 1e-13 * (1 + scale)), "XLA differs"
        return result.astype(np.float64).astype(x.dtype), scale.astype(np.float64)
    largest = name == "reduce_window_max"
    none = -np.inf if largest else np.inf
    seen = np.where(inside, x.astype(np.float64).ravel()[numbers] if x.size else none, none)
    result = (np.maximum if largest else np.minimum).reduce(seen, axis=-1)
    xla = np.asarray(XLA(op, x.astype(np.float64)))
    tiny = np.abs(result) < 1e-300
    assert xla.shape == result.shape and np.array_equal(xla[~tiny], result[~tiny], equal_nan=True), "XLA differs"
    return result.astype(x.dtype)


ANSWERS = {"Window": window}
