"""The other side of ../src/jitted.rs: functions as JAX and PyTorch write them, and the lines of the table.

`p` is a framework: it has `jax` and `jnp`, or `torch`. Where PyTorch has several ways, a function is a dict of them, each
behind a lambda that makes it: the fastest counts. A carried function's first argument is its state, given away, and its
result is a tuple of the next state and others; PyTorch's change their state in place and take no arguments.
"""

M = 1_000_000
LAYERS, TINY = (784, 512, 512, 10), (4, 16, 1)
BATCH, RATE = 128, 0.001


def numbers(*shape, low=-1.0, high=1.0):
    import numpy as np

    return np.asarray(np.random.default_rng(0).uniform(low, high, shape), dtype=np.float32)


def is_jax(p):
    return hasattr(p, "jax")


def selu(p):
    if is_jax(p):
        return lambda x: 1.05 * p.jnp.where(x > 0, x, 1.67 * p.jnp.exp(x) - 1.67)
    t = p.torch
    return {
        "eager": lambda: lambda x: t.ops.aten.elu(x, 1.67, 1.05),
        "compile": lambda: t.compile(lambda x: 1.05 * t.where(x > 0, x, 1.67 * t.exp(x) - 1.67), dynamic=False),
    }


def gelu(p):
    return p.jax.nn.gelu if is_jax(p) else lambda x: p.torch.nn.functional.gelu(x, approximate="tanh")


def chain(p):
    sqrt = p.jnp.sqrt if is_jax(p) else p.torch.sqrt
    return lambda x: ((sqrt(x * x + 1.0) / (x + 4.0) - 0.3) * 3.0).clip(0.0)


def softmax(p):
    return p.jax.nn.softmax if is_jax(p) else lambda x: x.softmax(-1)


def log_softmax(p):
    return p.jax.nn.log_softmax if is_jax(p) else lambda x: x.log_softmax(-1)


def layer_norm(p):
    def jax(x, scale, shift):
        centred = x - x.mean(-1, keepdims=True)
        return centred * p.jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * scale + shift

    return jax if is_jax(p) else lambda x, scale, shift: p.torch.nn.functional.layer_norm(x, (x.shape[-1],), scale, shift)


def layers(p, sizes):
    """Weights and biases, as JAX's pairs or as PyTorch's list."""
    scaled = lambda n, m: numbers(n, m, low=-((6 / n) ** 0.5), high=(6 / n) ** 0.5)
    pairs = [(p.tensor(scaled(n, m)), p.tensor(0.1 * numbers(m))) for n, m in zip(sizes, sizes[1:])]
    return pairs if is_jax(p) else [x for pair in pairs for x in pair]


def network(layers, x, hidden):
    for i, (w, b) in enumerate(layers):
        x = x @ w + b
        x = hidden(x) if i < len(layers) - 1 else x
    return x


def pairs(params):
    return list(zip(params[::2], params[1::2]))


def adam(p, shapes):
    """A maker: a step of Adam's for parameters of these shapes."""

    def jax(state, gradients, rate):
        params, mean, square, steps = state
        mean = [0.9 * m + 0.1 * g for m, g in zip(mean, gradients)]
        square = [0.999 * v + 0.001 * g * g for v, g in zip(square, gradients)]
        steps = steps + 1
        rate, scale = rate / (1 - 0.9**steps), p.jax.lax.rsqrt(1 - 0.999**steps)
        params = [x - rate * m / (p.jnp.sqrt(v) * scale + 1e-8) for x, m, v in zip(params, mean, square)]
        return ((params, mean, square, steps),)

    gradients = [p.tensor(numbers(*shape)) for shape in shapes]
    # Buffers of their own, as they are given away.
    params, mean, square = ([p.tensor(numbers(*shape)) * k for shape in shapes] for k in (1, 0, 0))
    if is_jax(p):
        return jax, ((params, mean, square, p.jnp.float32(0)), gradients, p.jnp.float32(1e-3))

    def optimizer(**options):
        for x, g in zip(params, gradients):
            x.grad = g
        return p.torch.optim.Adam(params, lr=1e-3, **options).step

    def compiled():
        steps, rate = p.torch.zeros(()), p.torch.tensor(1e-3)

        def step():
            steps.add_(1)
            r, scale = rate / (1 - 0.9**steps), (1 - 0.999**steps).rsqrt()
            for x, m, v, g in zip(params, mean, square, gradients):
                m.mul_(0.9).add_(0.1 * g)
                v.mul_(0.999).add_(0.001 * g * g)
                x.sub_(r * m / (v.sqrt() * scale + 1e-8))

        return p.torch.compile(step, dynamic=False)

    ways = {"fused": lambda: optimizer(fused=True), "foreach": lambda: optimizer(foreach=True), "compile": compiled}
    return ways, ()


def sgd(p):
    """A maker: a step of gradient descent of a classifier."""
    import numpy as np

    x, labels = p.tensor(numbers(BATCH, LAYERS[0], low=0.0)), p.tensor(np.arange(BATCH) % 10)
    if is_jax(p):
        jax = p.jax

        def loss(layers):
            log_p = jax.nn.log_softmax(network(layers, x, jax.nn.relu))
            return -(jax.nn.one_hot(labels, 10) * log_p).sum(-1).mean()

        def step(layers):
            value, gradients = jax.value_and_grad(loss)(layers)
            return jax.tree.map(lambda p, g: p - RATE * g, layers, gradients), value

        return step, (layers(p, LAYERS),)
    F, t = p.torch.nn.functional, p.torch

    def way(wrap):
        params = [x.requires_grad_() for x in layers(p, LAYERS)]
        optimizer = t.optim.SGD(params, lr=RATE, fused=True)
        loss = wrap(lambda params: F.cross_entropy(network(pairs(params), x, t.relu), labels))

        def step():
            with t.enable_grad():
                value = loss(params)
            value.backward()
            optimizer.step()
            optimizer.zero_grad()
            return value

        return step

    return {"eager": lambda: way(lambda f: f), "compile": lambda: way(lambda f: t.compile(f, dynamic=False))}, ()


def tiny(p):
    """A maker: the gradient of a small network's mean square error."""
    x, y = p.tensor(numbers(8, 4)), p.tensor(numbers(8, 1))
    if is_jax(p):
        loss = lambda layers, x, y: ((network(layers, x, p.jnp.tanh) - y) ** 2).mean()
        return p.jax.grad(loss), (layers(p, TINY), x, y)
    t = p.torch
    loss = lambda params, x, y: (network(pairs(params), x, t.tanh) - y).square().mean()

    def eager(params, x, y):
        with t.enable_grad():
            params = [x.detach().requires_grad_() for x in params]
            return t.autograd.grad(loss(params, x, y), params)

    return {"eager": lambda: eager, "compile": lambda: t.compile(t.func.grad(loss), dynamic=False)}, (layers(p, TINY), x, y)


def makers(f, *shapes):
    """The makers of both frameworks: what `f` makes of each, with tensors of these shapes."""
    return [lambda p: (f(p), tuple(p.tensor(numbers(*shape, low=-3.0, high=3.0)) for shape in shapes))] * 2


def optimizers(*shapes):
    return [lambda p: adam(p, shapes)] * 2


def table(case):
    """The lines, in the order of `../src/jitted.rs`."""
    case("jit selu 1e3", *makers(selu, (1000,)), composed=True)
    case("jit selu 1e6", *makers(selu, (M,)), composed=True)
    case("jit selu 1e7", *makers(selu, (10 * M,)), composed=True)
    case("jit gelu 1e3", *makers(gelu, (1000,)), composed=True)
    case("jit gelu 1e6", *makers(gelu, (M,)), composed=True)
    case("jit gelu 1e7", *makers(gelu, (10 * M,)), composed=True)
    case("jit chain of 8 1e3", *makers(chain, (1000,)), composed=True)
    case("jit chain of 8 1e6", *makers(chain, (M,)), composed=True)
    case("jit chain of 8 1e7", *makers(chain, (10 * M,)), composed=True)
    case("jit adam 1e3", *optimizers((1000,)), composed=True, carried=True)
    case("jit adam 1e6", *optimizers((M,)), composed=True, carried=True)
    case("jit adam 1e7", *optimizers((10 * M,)), composed=True, carried=True)
    shapes = [shape for n, m in zip(LAYERS, LAYERS[1:]) for shape in ((n, m), (m,))]
    case("jit adam of an MLP", *optimizers(*shapes), composed=True, carried=True)
    case("jit softmax 4096x1024", *makers(softmax, (4096, 1024)), composed=True)
    case("jit log_softmax 4096x1024", *makers(log_softmax, (4096, 1024)), composed=True)
    case("jit layer norm 4096x1024", *makers(layer_norm, (4096, 1024), (1024,), (1024,)), composed=True)
    case("jit SGD step of an MLP", sgd, sgd, composed=True, carried=True)
    case("jit gradient of a tiny MLP", tiny, tiny, composed=True)
    case("jit x + 1 of 16", *makers(lambda p: lambda x: x + 1.0, (16,)), composed=True)
