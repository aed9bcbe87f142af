"""Programs for many devices: jax.shard_map on as many parts of the host, of JAX programs by the name of a sample. They know
nothing of the graphs of the operation; of its attributes only the mesh and the specs. A program gets blocks, and the name and size of
the mesh's last axis."""

from primitives import jax, jnp, lax, np
from jax.sharding import Mesh, PartitionSpec


def affine(mesh, x, w):
    return (jnp.sin(x) * w + w,)


def contract(mesh, x, w):
    return (lax.psum(jnp.einsum("ab,bc->ac", x, w), "i"),)


def loss(mesh, x, w, b):
    y = jnp.tanh(jnp.einsum("ab,bc->ac", x, w) + b)
    return lax.psum(jnp.sum(jnp.square(y)), "i"), y


def mixed(mesh, x, n, p):
    k = lax.axis_index("i") + n
    return jnp.where(p, k.astype(x.dtype) * x, 0).astype(x.dtype), lax.psum(k, "i"), ~p


def scan(mesh, k, x):
    def step(k, x):
        total = jnp.sin(lax.psum(x * k, "i"))
        return x + total, total

    return lax.scan(step, k, x)


def cond(mesh, which, x):
    # Which branch it is, is the same for all.
    return (jnp.where(which <= 0, x * lax.psum(jnp.sin(x), "i"), jnp.cos(x)),)


def call(mesh, x, w):
    return (x * jnp.log(lax.psum(jnp.exp(w * x), "i")),)


def dense(mesh, x, w, b):
    y = jnp.tanh(jnp.einsum("ab,bc->ac", x, w) + b)
    return y, lax.psum(jnp.sum(jnp.square(y)), ("i", "j")), lax.psum(jnp.sum(y, 0), "i")


def crossing(mesh, x):
    along_i = lax.psum(jnp.square(lax.all_gather(x, "j")), "i")
    back = lax.psum_scatter(along_i, "j")
    return x * back, jnp.sin(lax.ppermute(x, "i", [(0, 1)]))


def while_loop(mesh, n, x):
    return (lax.fori_loop(0, n, lambda _, x: x + lax.psum(x, "i") * 0.25, x),)


def until(mesh, x):
    return (lax.while_loop(lambda x: jnp.max(lax.pmax(x, "i")) > 0.5, lambda x: x / 2, x),)


def permuted(mesh, x, way):
    axis, n = mesh
    pairs = {"ring": [(k, (k + 1) % n) for k in range(n)], "none": [], "line": [(k - 1, k) for k in range(1, n)]}[way]
    return lax.ppermute(x, axis, pairs) if pairs else jnp.zeros_like(x)


SPOKEN = {
    "psum": lambda mesh, x: lax.psum(x, mesh[0]),
    # Of bools, which XLA's reductions over devices may not take, as integers.
    "pmax": lambda mesh, x: lax.pmax(x.astype(np.int32), mesh[0]).astype(bool) if x.dtype == bool else lax.pmax(x, mesh[0]),
    "pmin": lambda mesh, x: lax.pmin(x.astype(np.int32), mesh[0]).astype(bool) if x.dtype == bool else lax.pmin(x, mesh[0]),
    "all_gather": lambda mesh, x, axis: lax.all_gather(x, mesh[0], axis=int(axis)),
    "psum_scatter": lambda mesh, x, axis: lax.psum_scatter(x, mesh[0], scatter_dimension=int(axis)),
    "all_to_all": lambda mesh, x, split, concat: lax.all_to_all(x, mesh[0], int(split), int(concat)),
    "ppermute": permuted,
}


def spoken(name, scalar):
    kind = max((k for k in SPOKEN if name == k or name.startswith(k + "_")), key=len)
    arguments = name[len(kind) + 1:].split("_") if name != kind else []

    def run(mesh, x):
        y = SPOKEN[kind](mesh, x.reshape(()) if scalar else x, *arguments)
        return (y.reshape(1) if y.ndim == 0 else y,)

    return run


PROGRAMS = {
    "turned": lambda mesh, x: (x.T,),
    "same": lambda mesh, x, w, z: (x, w),
    "nothing": lambda mesh: (lax.axis_index("i").reshape(1).astype(np.int32),),
    **{f.__name__: f for f in (affine, contract, loss, mixed, scan, cond, call, dense, crossing, until)},
    "while": while_loop,
}


def spec(dimensions):
    return PartitionSpec(*[tuple(names) or None for names in dimensions])


# With types that say what varies and without, one program gives one result.
KNOWN = {}


def pmap(op, *inputs):
    of = (op["sample"].replace(" tracked ", " ").replace(" copies ", " "), *(x.tobytes() for x in inputs))
    if of not in KNOWN:
        KNOWN[of] = answer(op, *inputs)
    return KNOWN[of]


def answer(op, *inputs):
    name = op["sample"].split()[0].split("/")[1]
    if name == "turned" and inputs[0].size == 0:
        # Of arrays without elements jax puts no blocks together.
        return (inputs[0].T,)
    sizes = [size for _, size in op["mesh"]]
    places = int(np.prod(sizes))
    # A block that is one element of a row is a scalar to the collectives' programs.
    scalar = len(inputs) == 1 and inputs[0].shape == (places,)
    program = PROGRAMS.get(name) or spoken(name, scalar)
    mesh = Mesh(np.array(jax.devices("cpu")[:places]).reshape(sizes), [axis for axis, _ in op["mesh"]])
    run = jax.shard_map(
        lambda *x: tuple(program(op["mesh"][-1], *x)),
        mesh=mesh,
        in_specs=tuple(map(spec, op["in"])),
        out_specs=tuple(map(spec, op["out"])),
        check_vma=False,
    )
    return tuple(np.asarray(y) for y in run(*map(jnp.asarray, inputs)))


ANSWERS = {"Pmap": pmap}
