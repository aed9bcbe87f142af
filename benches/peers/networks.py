"""Networks, and what is asked of them: gradients, steps of training, predictions, attention; each as JAX and PyTorch write it.

A step of training is carried: in JAX, a function whose first argument is the state, given away, and whose result is a tuple of
the next state and others. In PyTorch, a way makes a pair: a step without arguments, which changes its parameters in place; and
what makes of a step's result the numbers that are compared.
"""

import numpy as np

from shared import is_jax, numbers, root, spread

LAYERS, TINY = (784, 512, 512, 10), (4, 16, 1)
BATCH, RATE = 128, 0.001
EXAMPLES, CHUNK = 32, 8


def layers(p, sizes):
    """Weights and biases, as JAX's pairs or as PyTorch's list."""
    pairs = [(spread(p, root(6, n), n, m), spread(p, 0.1, m)) for n, m in zip(sizes, sizes[1:])]
    return pairs if is_jax(p) else [x for pair in pairs for x in pair]


def pairs(params):
    return list(zip(params[::2], params[1::2]))


def network(layers, x, hidden):
    for i, (w, b) in enumerate(layers):
        x = x @ w + b
        x = hidden(x) if i < len(layers) - 1 else x
    return x


def batch(p, n):
    """Examples of the classifier, and their labels."""
    return p.tensor(numbers(n, LAYERS[0], low=0.0)), p.tensor(np.arange(n) % 10)


def jax_cross_entropy(jax, logits, labels):
    return -(jax.nn.one_hot(labels, 10) * jax.nn.log_softmax(logits)).sum(-1).mean()


def descent(p, params, loss, args):
    """What a maker gives: a step of gradient descent, of the loss of parameters and arguments."""
    if is_jax(p):

        def step(params, *args):
            value, gradients = p.jax.value_and_grad(loss)(params, *args)
            return p.jax.tree.map(lambda p, g: p - RATE * g, params, gradients), value

        return step, (params, *args)

    def way(loss):
        own = [x.clone().requires_grad_() for x in params]
        optimizer = p.torch.optim.SGD(own, lr=RATE, fused=True)

        def step():
            with p.torch.enable_grad():
                value = loss(own, *args)
            value.backward()
            optimizer.step()
            optimizer.zero_grad()
            return value

        return step, lambda value: [*own, value]

    return {"eager": lambda: way(loss), "compile": lambda: way(p.torch.compile(loss, dynamic=False))}, ()


def sgd(p):
    """A maker: a step of gradient descent of a classifier."""
    if is_jax(p):
        loss = lambda layers, x, labels: jax_cross_entropy(p.jax, network(layers, x, p.jax.nn.relu), labels)
    else:
        t = p.torch
        loss = lambda params, x, labels: t.nn.functional.cross_entropy(network(pairs(params), x, t.relu), labels)
    return descent(p, layers(p, LAYERS), loss, batch(p, BATCH))


def two_devices(p):
    """JAX's mesh of two CPU devices, and what places an array on them along an axis."""
    mesh = p.jax.make_mesh((2,), ("data",))
    along = p.jax.sharding.NamedSharding(mesh, p.jax.sharding.PartitionSpec("data"))
    return mesh, lambda x: p.jax.device_put(x, along)


def sgd_on_devices(p):
    """JAX's maker: the step of `sgd`, each of two devices with half of the examples."""
    jax, spec = p.jax, p.jax.sharding.PartitionSpec
    mesh, place = two_devices(p)
    loss = lambda layers, x, labels: jax_cross_entropy(jax, network(layers, x, jax.nn.relu), labels)

    def step(layers, x, labels):
        # Gradients of what all devices have are sums over them.
        value, gradients = jax.value_and_grad(loss)(layers, x, labels)
        return jax.tree.map(lambda p, g: p - RATE / 2 * g, layers, gradients), jax.lax.pmean(value, "data")

    step = jax.shard_map(step, mesh=mesh, in_specs=(spec(), spec("data"), spec("data")), out_specs=spec())
    state = jax.device_put(layers(p, LAYERS), jax.sharding.NamedSharding(mesh, spec()))
    return step, (state, *map(place, batch(p, BATCH)))


def normal_on_devices(p):
    """JAX's maker: a million normal numbers on each of two devices."""
    jax, spec = p.jax, p.jax.sharding.PartitionSpec
    mesh, place = two_devices(p)
    draw = lambda key: jax.random.normal(key[0], (1, 1_000_000))
    draw = jax.shard_map(draw, mesh=mesh, in_specs=spec("data"), out_specs=spec("data"))
    return draw, (place(jax.random.split(jax.random.key(0), 2)),)


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


def per_example(chunk=None):
    """A maker: the gradients of a network's cross-entropy for each example of a batch; so many examples at a time."""

    def make(p):
        args = (layers(p, LAYERS), *batch(p, EXAMPLES))
        if is_jax(p):
            jax = p.jax
            loss = lambda layers, x, label: jax_cross_entropy(jax, network(layers, x, jax.nn.relu), label)

            def in_chunks(layers, x, labels):
                return jax.lax.map(lambda one: jax.grad(loss)(layers, *one), (x, labels), batch_size=chunk)

            return in_chunks if chunk else jax.vmap(jax.grad(loss), in_axes=(None, 0, 0)), args
        t, func = p.torch, p.torch.func
        loss = lambda params, x, label: t.nn.functional.cross_entropy(network(pairs(params), x, t.relu), label)
        return func.vmap(func.grad(loss), in_dims=(None, 0, 0), chunk_size=chunk), args

    return make


def predictions(n):
    """A maker: what the classifier makes of a batch, as a function of one example, mapped. (PyTorch's layers take a batch as it is:
    that is faster.)"""

    def make(p):
        args = layers(p, LAYERS), batch(p, n)[0]
        if is_jax(p):
            return p.jax.vmap(lambda layers, x: network(layers, x, p.jax.nn.relu), in_axes=(None, 0)), args

        def forward(params, x):
            for i, (w, b) in enumerate(pairs(params)):
                x = p.torch.addmm(b, x if i == 0 else p.torch.relu(x), w)
            return x

        return forward, args

    return make


def attention(*shape, backward=False):
    """A maker: softmax(q k^T / sqrt(d)) v of each head, and the gradients with respect to all three."""

    def make(p):
        bounds = (-1.0, 1.0), (-1.0, 0.5), (0.0, 1.0), (-0.5, 0.5)
        args = tuple(p.tensor(numbers(*shape, low=low, high=high)) for low, high in bounds)
        args, scale = args if backward else args[:3], shape[-1] ** -0.5
        softmax = p.jax.nn.softmax if is_jax(p) else lambda x: x.softmax(-1)

        def forward(q, k, v):
            return softmax(q @ k.swapaxes(-1, -2) * scale) @ v

        if is_jax(p):

            def both(q, k, v, ct):
                y, back = p.jax.vjp(forward, q, k, v)
                return y, *back(ct)

            return both if backward else forward, args

        def gradients(f):
            def both(q, k, v, ct):
                with p.torch.enable_grad():
                    inputs = [x.detach().requires_grad_() for x in (q, k, v)]
                    y = f(*inputs)
                    return y.detach(), *p.torch.autograd.grad(y, inputs, ct)

            return both

        wrap = gradients if backward else lambda f: f
        return {
            "eager": lambda: wrap(forward),
            "compile": lambda: wrap(p.torch.compile(forward, dynamic=False)),
            "sdpa": lambda: wrap(p.torch.nn.functional.scaled_dot_product_attention),
        }, args

    return make


def cnn(p):
    """A maker: a step of gradient descent of a classifier with two convolutions."""
    shapes = [(root(6, 9), 16, 1, 3, 3), (0.1, 16), (root(6, 144), 32, 16, 3, 3), (0.1, 32), (root(6, 1568), 1568, 10), (0.1, 10)]
    params = [spread(p, *shape) for shape in shapes]
    x, labels = p.tensor(numbers(64, 1, 28, 28, low=0.0)), p.tensor(np.arange(64) % 10)
    if is_jax(p):
        lax = p.jax.lax

        def block(x, k, b):
            x = p.jax.nn.relu(lax.conv_general_dilated(x, k, (1, 1), "SAME") + b[:, None, None])
            return lax.reduce_window(x, -p.jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

        cross_entropy = lambda logits, labels: jax_cross_entropy(p.jax, logits, labels)
    else:
        F = p.torch.nn.functional
        block = lambda x, k, b: F.max_pool2d(F.conv2d(x, k, b, padding=1).relu(), 2)
        cross_entropy = F.cross_entropy

    def loss(params, x, labels):
        k1, b1, k2, b2, w, b = params
        x = block(block(x, k1, b1), k2, b2)
        return cross_entropy(x.reshape(x.shape[0], -1) @ w + b, labels)

    return descent(p, params, loss, (x, labels))


def gpt(p):
    """A maker: a step of gradient descent of a block of a transformer: causal attention of 4 heads, and two layers."""
    width, heads = 256, 4
    scale, shift = p.tensor(numbers(width, low=0.5, high=1.5)), spread(p, 0.1, width)
    narrow, wide = root(3, width), root(3, 4 * width)
    weights = [spread(p, narrow, width, 3 * width), spread(p, narrow, width, width)]
    layers = [spread(p, narrow, width, 4 * width), spread(p, 0.1, 4 * width), spread(p, wide, 4 * width, width), spread(p, 0.1, width)]
    params = [scale, shift, *weights, scale, shift, *layers]
    if is_jax(p):
        params = [x.copy() for x in params]  # Buffers of their own, as they are given away.
        jnp, gelu = p.jnp, p.jax.nn.gelu

        def norm(x, scale, shift):
            centred = x - x.mean(-1, keepdims=True)
            return centred * p.jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * scale + shift

        def attend(q, k, v):
            past = jnp.tril(jnp.ones((q.shape[-2], k.shape[-2]), bool))
            scores = q @ k.swapaxes(-1, -2) * q.shape[-1] ** -0.5
            return p.jax.nn.softmax(jnp.where(past, scores, -jnp.inf)) @ v
    else:
        F = p.torch.nn.functional
        gelu = lambda x: F.gelu(x, approximate="tanh")
        norm = lambda x, scale, shift: F.layer_norm(x, (width,), scale, shift)
        attend = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)

    def loss(params, x, target):
        s1, t1, wqkv, wo, s2, t2, w1, b1, w2, b2 = params
        qkv = norm(x, s1, t1) @ wqkv
        thirds = (qkv[..., i * width : (i + 1) * width] for i in range(3))
        q, k, v = (y.reshape(*y.shape[:2], heads, -1).swapaxes(1, 2) for y in thirds)
        h = x + attend(q, k, v).swapaxes(1, 2).reshape(x.shape) @ wo
        y = h + gelu(norm(h, s2, t2) @ w1 + b1) @ w2 + b2
        return ((y - target) ** 2).mean()

    return descent(p, params, loss, (p.tensor(numbers(4, 128, width)), spread(p, 0.5, 4, 128, width)))
