"""Answers for convolutions: of integers XLA's; of floats sums in long doubles, tap by tap, which must be what XLA says in
f64 up to its rounding. (XLA has no type of more bits.)"""

from primitives import compiled, is_float, jnp, lax, np


def run(op, x, kernel):
    padding = [(low, high) for low, high, _ in op["padding"]]
    between = [interior + 1 for _, _, interior in op["padding"]]
    return lax.conv_general_dilated(
        x, kernel, op["strides"], padding, lhs_dilation=between, rhs_dilation=op["dilation"],
        feature_group_count=op["feature_groups"], batch_group_count=op["batch_groups"], precision=lax.Precision.HIGHEST)


def empty(op, x, kernel):
    """The shape, where there are no terms or no sums: XLA refuses some of those."""
    groups = op["batch_groups"]
    sizes = []
    for n, k, stride, (low, high, between), apart in zip(
            x.shape[2:], kernel.shape[2:], op["strides"], op["padding"], op["dilation"]):
        padded = n + max(n - 1, 0) * between + low + high
        reach = (k - 1) * apart + 1 if k else 0
        sizes.append((padded - reach) // stride + 1 if padded >= reach else 0)
    return (x.shape[0] // groups, kernel.shape[0], *sizes)


def taps(op, x, kernel):
    """Sums of products in long doubles, tap by tap."""
    wide = np.longdouble
    out = np.zeros(empty(op, x, kernel), wide)
    groups, batches = op["feature_groups"], op["batch_groups"]
    sizes = []
    padded = x.astype(wide)
    for d, (low, high, between) in enumerate(op["padding"]):
        axis, n = d + 2, padded.shape[d + 2]
        shape = list(padded.shape)
        shape[axis] = n + max(n - 1, 0) * between
        spread = np.zeros(shape, wide)
        at = [slice(None)] * spread.ndim
        at[axis] = slice(None, None, between + 1)
        spread[tuple(at)] = padded
        width = [(0, 0)] * spread.ndim
        width[axis] = (max(low, 0), max(high, 0))
        spread = np.pad(spread, width)
        at[axis] = slice(max(-low, 0), spread.shape[axis] - max(-high, 0))
        padded = spread[tuple(at)]
    n, outs, c = out.shape[0], out.shape[1], kernel.shape[1]
    per, per_batch = outs // groups, outs // batches
    if out.size == 0:
        return out
    for tap in np.ndindex(*kernel.shape[2:]):
        at = tuple(slice(q * apart, q * apart + (size - 1) * stride + 1, stride)
                   for q, apart, size, stride in zip(tap, op["dilation"], out.shape[2:], op["strides"]))
        part = padded[(slice(None), slice(None), *at)]
        factors = kernel[(slice(None), slice(None), *tap)].astype(wide)
        for g in range(groups):
            for b in range(batches):
                features = slice(g * c, (g + 1) * c)
                own = slice(g * per, (g + 1) * per) if groups > 1 else slice(b * per_batch, (b + 1) * per_batch)
                out[:, own] += np.einsum("nc...,oc->no...", part[b * n:(b + 1) * n, features], factors[own])
    return out


XLA = compiled(run)


def conv(op, x, kernel):
    if is_float(x.dtype):
        scale = taps(op, np.abs(x.astype(np.longdouble)), np.abs(kernel.astype(np.longdouble)))
        result = taps(op, x, kernel)
        if x.size and kernel.size and result.size and np.isfinite(scale).all():
            # The loops above say what XLA says.
            xla = np.asarray(run(op, jnp.asarray(x.astype(np.float64)), jnp.asarray(kernel.astype(np.float64))))
            assert xla.shape == result.shape
            assert np.all(np.abs(xla - result) <= 1e-13 * (1 + scale)), "XLA differs"
        return result.astype(np.float64).astype(x.dtype), scale.astype(np.float64)
    if x.size == 0 or kernel.size == 0 or 0 in empty(op, x, kernel):
        return np.zeros(empty(op, x, kernel), x.dtype)
    return np.asarray(XLA(op, x, kernel))


ANSWERS = {"Conv": conv}
