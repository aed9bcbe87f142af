//! Instructions on tiles (AMX), the registers of up to 16 rows of 64 bytes.

use super::{Asm, Gp, Len, Prefix, Rm, mem_at, vop};

/// A tile register, 0 to 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile(pub u8);

impl Asm {
    fn tile(&mut self, prefix: Prefix, op: u8, reg: Tile, second: u8, rm: Rm) {
        debug_assert!(reg.0 < 8, "there are 8 tiles: {reg:?}");
        self.vex(vop(prefix, 2, 0, op), Len::L128, reg.0, second, rm, None);
    }

    /// Sets the shapes of all tiles, from 64 bytes; their elements become zero.
    pub fn tile_configure(&mut self, from: Rm) {
        self.tile(Prefix::None, 0x49, Tile(0), 0, from);
    }

    /// No tile is in use any more.
    pub fn tile_release(&mut self) {
        self.tile(Prefix::None, 0x49, Tile(0), 0, Rm::Reg(0));
    }

    /// `dst = 0`.
    pub fn tile_zero(&mut self, dst: Tile) {
        self.tile(Prefix::F2, 0x49, dst, 0, Rm::Reg(0));
    }

    /// Reads rows at `base + disp`, `stride` bytes apart.
    pub fn tile_load(&mut self, dst: Tile, base: Gp, stride: Gp, disp: i32) {
        self.tile(Prefix::F2, 0x4b, dst, 0, mem_at(base, stride, 1, disp));
    }

    /// Writes rows at `base + disp`, `stride` bytes apart.
    pub fn tile_store(&mut self, base: Gp, stride: Gp, disp: i32, src: Tile) {
        self.tile(Prefix::F3, 0x4b, src, 0, mem_at(base, stride, 1, disp));
    }

    /// `sums += left right`, of pairs of bf16, in f32; three different tiles.
    pub fn tile_multiply_bf16(&mut self, sums: Tile, left: Tile, right: Tile) {
        debug_assert!(sums != left && sums != right && left != right && left.0 < 8 && right.0 < 8);
        self.tile(Prefix::F3, 0x5c, sums, right.0, Rm::Reg(left.0));
    }
}
