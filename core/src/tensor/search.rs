//! What depends on values: nonzero, unique, masks, counting, histograms. Eager: they read the data.
