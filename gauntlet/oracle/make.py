#!/usr/bin/env python3
"""Writes expected/*.jsonl.gz: what every sample of the gauntlet's table must give, by software that nobody here wrote.

    python gauntlet/oracle/make.py            # only what is missing; keys that the table no longer has are dropped
    python gauntlet/oracle/make.py sort conv  # only these kinds of operation, by the names of their files
    python gauntlet/oracle/make.py --fresh    # everything anew (of the kinds named)
    python gauntlet/oracle/make.py --redo cast/   # samples whose names begin so, and what is missing
    python gauntlet/oracle/make.py --compare  # everything, and where XLA differs from what is written

It needs jax, numpy, ml_dtypes, mpmath and scipy. The table comes from `cargo run -p plywood-gauntlet --bin export`.

A family's answers stand in a file of its name beside this one, older ones in primitives.py: a table `ANSWERS` from the kind of
operation to a function of its attributes and inputs. For samples of class "sum" it gives the result and the sum of the
terms' magnitudes.

Who answers:
  jax.lax, jax.random   data movement, gather, scatter, integers, bits, random numbers, reduce_precision: to the bit.
  numpy                 float arithmetic that IEEE 754 rounds correctly, comparisons, extremes, sorts of floats. XLA on
                        CPUs treats subnormals as zero, there and in comparisons; these must not.
  mpmath                transcendental functions, powers and products: exact, then rounded once to the dtype. XLA's own
                        are off by some units in the last place, and flush subnormals.
  jax.vmap              collectives: its axis has a name.
  jax.shard_map         programs on many devices, by name (pmap.py), on as many parts of the host.
  jax programs by name  control flow and functions as operations (control.py).
  fractions, longdouble sums and contractions of floats, with the sum of the terms' magnitudes, which tolerances need.

Where the documented semantics (core/src/op) differ from XLA's, on purpose:
  cast                  every conversion to a float rounds once (XLA's f64 to bf16 goes through f32); floats to integers
                        saturate, NaN gives 0.
  scatter               PromiseInBounds, where the promise is broken: as with Clip (XLA drops the update).
  scatter, gather       64-bit indices count in full (jax cuts off their high bits: 2^62 is 0).
  dynamic_slice, dynamic_update_slice   starts are clamped only; `jax.lax` would first count negative ones from the end.
  reduce_*, sort, argmax, compare, max, min, clamp, add, ...   subnormals are numbers.
"""

import argparse, gzip, importlib, json, os, subprocess, sys

import primitives
from primitives import decode, encode, jax, ml_dtypes, mpmath, np, scipy, to_hex

HERE = os.path.dirname(os.path.abspath(__file__))
EXPECTED = os.path.join(HERE, "expected")
FAMILIES = ["collective", "control", "conv", "cumulative", "fft", "linalg", "pmap", "sort", "special", "window"]
ANSWERS, XLA = dict(primitives.ANSWERS), primitives.XLA
for family in FAMILIES:
    if os.path.exists(os.path.join(HERE, family + ".py")):
        ANSWERS.update(importlib.import_module(family).ANSWERS)


def answer(sample, table=ANSWERS):
    inputs = [decode(a) for a in sample["inputs"]]
    # What holds graphs is answered by the name of the sample.
    op = {**sample["op"], "sample": sample["name"]}
    outputs = table[op["kind"]](op, *inputs)
    if sample["class"] == "sum":
        result, scale = outputs
        small = scale.astype(np.float32)
        fits = np.isfinite(small) & ((scale == 0) | (small > 1e-37))
        output = encode(result)
        # A scale that is not finite has a result that is not, and is not asked for.
        known = np.isfinite(scale)
        output["scale"] = to_hex(small if fits[known].all() else scale)
        return [output]
    return [encode(o) for o in (outputs if isinstance(outputs, tuple) else (outputs,))]


def different(ours, xla):
    """How many elements of XLA's differ."""
    count = 0
    for a, b in zip(ours, xla):
        x, y = decode(a), decode(b)
        same = (x == y) | ((x != x) & (y != y))
        count += int((~same).sum())
    return count


def export(kinds):
    run = ["cargo", "run", "-q", "-p", "plywood-gauntlet", "--bin", "export", "--", *kinds]
    out = subprocess.run(run, cwd=os.path.join(HERE, "..", ".."), check=True, stdout=subprocess.PIPE).stdout.decode()
    by_file = {}
    for line in out.splitlines():
        sample = json.loads(line)
        by_file.setdefault(sample["file"], []).append(sample)
    return by_file


def make(name, samples, options, head, failures):
    """Writes a kind's file; how many results are new."""
    path = os.path.join(EXPECTED, name + ".jsonl.gz")
    known = {}
    if not options.fresh and not options.compare and os.path.exists(path):
        with gzip.open(path, "rt") as f:
            lines = f.read().splitlines()
        if lines and lines[0] == head:
            known = {line[8:24]: line for line in lines[1:]}
    for sample in samples:
        if sample["name"].startswith(tuple(options.redo)):
            known.pop(sample["key"], None)
    lines, made = [head], 0

    def write(and_known=()):
        text = "\n".join([*lines, *and_known]).encode() + b"\n"
        with open(path, "wb") as f, gzip.GzipFile(fileobj=f, mode="wb", compresslevel=9, mtime=0, filename="") as z:
            z.write(text)

    for i, sample in enumerate(samples):
        line = known.get(sample["key"])
        if line is None:
            try:
                outputs = answer(sample)
            except Exception as e:
                failures.append(f"{sample['name']}: {type(e).__name__}: {str(e)[:300]}")
                continue
            if options.compare and sample["op"]["kind"] in XLA:
                n = different(outputs, answer(sample, XLA))
                if n:
                    print(f"XLA differs in {n} elements: {sample['name']}")
            line = json.dumps({"key": sample["key"], "outputs": outputs}, separators=(",", ":"))
            made += 1
            if made % 1000 == 0:
                print(f"{name}: {i + 1} of {len(samples)}", file=sys.stderr, flush=True)
                # What is there already need not be made again if this ends early.
                write([known[s["key"]] for s in samples[i:] if s["key"] in known])
        lines.append(line)
    write()
    return made


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("kinds", nargs="*")
    arguments.add_argument("--fresh", action="store_true")
    arguments.add_argument("--compare", action="store_true")
    arguments.add_argument("--redo", action="append", default=[], metavar="PREFIX")
    options = arguments.parse_args()
    head = json.dumps({"made by": "oracle/make.py", "jax": jax.__version__, "numpy": np.__version__,
                       "scipy": scipy.__version__, "mpmath": mpmath.__version__, "ml_dtypes": ml_dtypes.__version__})
    failures, count, made = [], 0, 0
    for name, samples in export(options.kinds).items():
        count += len(samples)
        made += make(name, samples, options, head, failures)
    for failure in failures:
        print("no result for", failure)
    print(f"{count} results, {made} new")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
