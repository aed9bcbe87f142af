//! Rearranging: split, tile, repeat, roll, triangles, diagonals, grids, and taking along an axis.
