def key(*words):
    return jnp.array(words, jnp.uint32)


def wrap(k):
    return jax.random.wrap_key_data(k, impl="threefry2x32")


R = jax.random
K, KS = key(0, 42), jnp.array([[0, 1], [7, 9]], jnp.uint32)
case("R.gamma(wrap(k), a, (5,), f32)", k=K, a=a(0.3, 1.0, 2.5, 10.0, 0.05, dtype=f32))
case("R.gamma(wrap(k), a, (3, 4), f64)", k=K, a=a(0.7, 1.5, 4.0, 30.0))
case("R.gamma(wrap(k), 2.0, (6,), f64)", k=K)
case("R.loggamma(wrap(k), a, (4,), f64)", k=K, a=a(0.2, 0.9, 3.0, 100.0))
case("R.loggamma(wrap(k), a, (2, 3), f32)", k=K, a=a(0.4, 1.5, 7.0, dtype=f32))
case("jax.vmap(lambda k: R.gamma(wrap(k), a, (3,), f64))(k)", k=KS, a=a(0.5, 1.5, 3.0))
case("R.poisson(wrap(k), r, (6,))", k=K, r=a(0.0, 0.5, 3.0, 9.5, 12.0, 60.0, dtype=f32), grad=False)
case("R.poisson(wrap(k), 4.0, (3, 5))", k=K)
case("R.poisson(wrap(k), 30.0, (4, 3), i32)", k=K)
case("jax.vmap(lambda k: R.poisson(wrap(k), 7.0, (4,), i32))(k)", k=KS)
case("R.poisson(wrap(k), r, (4,), jnp.uint8)", k=K, r=a(1.0, 20.0, 50.0, 2.0, dtype=f32), grad=False)
case("R.beta(wrap(k), a, b, (3,), f64)", k=K, a=a(0.5, 2.0, 7.0), b=a(1.5, 0.3, 4.0))
case("R.dirichlet(wrap(k), a, (2,), f64)", k=K, a=a(0.5, 2.0, 7.0))
case("R.dirichlet(wrap(k), a, (2,), f32)", k=K, a=ramp(2, 3, dtype=f32))
# JAX's rademacher without 64-bit types, which takes a half for f32.
case("2 * R.bernoulli(wrap(k), f32(0.5), (7,)).astype(i32) - 1", k=K)
case("2 * R.bernoulli(wrap(k), f32(0.5), (7,)).astype(f32) - 1", k=K)
case("R.laplace(wrap(k), (5,), f64)", k=K)
case("R.laplace(wrap(k), (5,), f32)", k=K)
case("R.logistic(wrap(k), (5,), f64)", k=K)
case("R.cauchy(wrap(k), (5,), f64)", k=K)
case("R.chisquare(wrap(k), d, (3,), f64)", k=K, d=a(1.0, 3.0, 10.0))
case("R.t(wrap(k), d, (3,), f64)", k=K, d=a(1.0, 3.0, 10.0))
case("R.pareto(wrap(k), b, (3,), f64)", k=K, b=a(1.0, 3.0, 0.5))
case("R.weibull_min(wrap(k), s, c, (3,), f64)", k=K, s=a(1.0, 3.0, 0.5), c=a(0.5, 1.0, 4.0))
case("R.rayleigh(wrap(k), s, (3,), f64)", k=K, s=a(1.0, 3.0, 0.5))
case("R.maxwell(wrap(k), (4,), f64)", k=K)
case("R.lognormal(wrap(k), s, (3,), f64)", k=K, s=a(1.0, 3.0, 0.5))
case("R.triangular(wrap(k), l, m, r, (3,), f64)", k=K, l=a(0.0, 1.0, -1.0), m=a(0.5, 1.5, 3.0), r=a(1.0, 4.0, 5.0))
case("R.wald(wrap(k), m, (3,), f64)", k=K, m=a(0.5, 1.5, 3.0))
case("R.geometric(wrap(k), p, (4,), i32)", k=K, p=a(0.1, 0.5, 0.9, 0.01, dtype=f32), grad=False)
case("abs(R.generalized_normal(wrap(k), 1.5, (4,), f64))", k=K)
case("R.choice(wrap(k), 5, (8,), p=p)", k=K, p=a(0.1, 0.2, 0.4, 0.0, 0.3), grad=False)
case("R.choice(wrap(k), 5, (2, 2), p=p, replace=False)", k=K, p=a(0.1, 0.2, 0.4, 0.1, 0.2), grad=False)
