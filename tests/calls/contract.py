case("jnp.matmul(x, y)", x=ramp(2, 1, 2, 3), y=wave(4, 3, 2))
case("jnp.dot(x, y)", x=ramp(3), y=wave(3))
