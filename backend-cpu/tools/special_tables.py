"""Writes src/kernels/special/tables.rs: series that the special functions need, from exact rational arithmetic.

    python backend-cpu/tools/special_tables.py

The recurrences are those of Temme's uniform expansion of the incomplete gamma functions (DLMF 8.12; Temme, "The asymptotic
expansion of the incomplete gamma functions", 1979).
"""
from fractions import Fraction as F
from pathlib import Path

import mpmath
from mpmath import mp

mp.dps = 50
K, N, MOST = 13, 21, 64

# lambda - 1 = eta + eta^2 / 3 + eta^3 / 36 - ..: alpha[i] belongs to eta^i.
alpha = [F(0), F(1)]
for n in range(2, MOST):
    rest = sum(j * alpha[j] * alpha[n - j + 1] for j in range(2, n))
    alpha.append((alpha[n - 1] - rest) / (n + 1))

# 1, 1/12, 1/288, ..: the series of Gamma(a) e^a a^(1/2-a) / sqrt(2 pi) by 1/a.
stirling = [F(1)]
bernoulli = [mpmath.bernfrac(2 * j) for j in range(1, 40)]
log = {2 * j - 1: F(*bernoulli[j - 1]) / (2 * j * (2 * j - 1)) for j in range(1, 20)}
for n in range(1, K + 1):
    stirling.append(sum(k * c * stirling[n - k] for k, c in log.items() if k <= n) / n)

d = [[F(0)] * MOST for _ in range(K)]
d[0][0] = F(-1, 3)
for n in range(1, MOST - 3):
    d[0][n] = (n + 2) * alpha[n + 2]
for k in range(1, K):
    for n in range(MOST - 3 - 2 * k):
        d[k][n] = (-1) ** k * stirling[k] * d[0][n] + (n + 2) * d[k - 1][n + 2]

# eta by mu: the inverse of lambda - 1, as eta eta' = mu / (1 + mu).
eta = [F(0), F(1)]
for n in range(2, 40):
    right = F((-1) ** (n + 1))  # of mu^n in mu / (1 + mu)
    inner = sum(eta[i] * (n + 1 - i) * eta[n + 1 - i] for i in range(2, n))
    # i = 1: eta_1 n eta_n; i = n: eta_n eta_1
    eta.append((right - inner) / (n + 1))

out = ["//! Series that the special functions need. `tools/special_tables.py` writes this file.", "",
       "#![allow(clippy::approx_constant, clippy::excessive_precision)]", ""]


def table(name, what, rows, ty="f64"):
    out.append(f"/// {what}")
    out.append(f"pub(super) const {name}: [{ty}; {len(rows)}] = [")
    line = "   "
    for c in rows:
        item = f" {float(c)!r},"
        if len(line) + len(item) > 108:
            out.append(line)
            line = "   "
        line += item
    out.extend([line, "];", ""])


table("ZETA_TAIL", "(-1)^k (zeta(k) - 1) / k, from k = 2 on: log Gamma(2 + t) is (1 - gamma) t and these times t^k.",
      [(-1) ** k * (mpmath.zeta(k) - 1) / k for k in range(2, 32)])
table("BERNOULLI", "The Bernoulli numbers of index 2, 4, 6, ..", [mpmath.mpf(p) / q for p, q in bernoulli[:16]])
table("ETA", "eta as a power series in mu, where eta^2 / 2 = mu - log(1 + mu), with the sign of mu.", eta)
root = mpmath.findroot(mpmath.digamma, 1.4616)
hi = mpmath.mpf(float(root))
out.append("/// The positive zero of digamma, as the sum of two floats.")
out.append(f"pub(super) const DIGAMMA_ZERO: [f64; 2] = [{float(hi)!r}, {float(root - hi)!r}];\n")
table("DIGAMMA_AT_ZERO", "Digamma as a power series at its zero, from the first power on.",
      [(-1) ** (k + 1) * mpmath.zeta(k + 1, root) for k in range(1, 43)])
out.append("/// The coefficient of eta^n a^-k in Temme's expansion, by k and n.")
out.append("#[rustfmt::skip]")
out.append(f"pub(super) const TEMME: [[f64; {N}]; {K}] = [")
for k in range(K):
    out.append("    [")
    line = "       "
    for n in range(N):
        item = f" {float(d[k][n])!r},"
        if len(line) + len(item) > 108:
            out.append(line)
            line = "       "
        line += item
    out.extend([line, "    ],"])
out.append("];")
path = Path(__file__).parent.parent / "src/kernels/special/tables.rs"
path.write_text("\n".join(out) + "\n")
