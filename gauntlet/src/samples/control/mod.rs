pub(super) mod cond;
pub(super) mod scan;
pub(super) mod while_loop;
