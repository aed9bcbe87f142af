//! What the encoder writes, decoded by iced-x86: exactly the intended instruction, over all registers and forms.

use super::Alu::{Add, And, Cmp, Or, Sub, Xor};
use super::Prefix::{F2, F3, None as P0, P66};
use super::*;
use iced_x86::{Decoder, DecoderOptions, Formatter, IntelFormatter, MemorySizeOptions};

/// The instructions as text, one a line; panics where bytes are no instruction.
fn decode(bytes: &[u8]) -> Vec<String> {
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_memory_size_options(MemorySizeOptions::Never);
    options.set_space_after_operand_separator(true);
    options.set_space_between_memory_add_operators(true);
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_small_hex_numbers_in_decimal(true);
    options.set_branch_leading_zeros(false);
    options.set_show_branch_size(false);
    options.set_rip_relative_addresses(false);
    let mut decoder = Decoder::new(64, bytes, DecoderOptions::NONE);
    let mut lines = vec![];
    while decoder.can_decode() {
        let instruction = decoder.decode();
        assert!(!instruction.is_invalid(), "{lines:#?} and then {bytes:x?}");
        let mut line = String::new();
        formatter.format(&instruction, &mut line);
        lines.push(line);
    }
    lines
}

/// Each writes one instruction, which decodes to this text.
#[derive(Default)]
struct Table {
    asm: Asm,
    want: Vec<String>,
}

impl Table {
    fn row(&mut self, want: impl Into<String>, write: impl FnOnce(&mut Asm)) {
        write(&mut self.asm);
        self.want.push(want.into());
    }

    fn check(self) {
        let machine = self.asm.finish();
        let got = decode(&machine.bytes[..machine.code]);
        for (i, (got, want)) in got.iter().zip(&self.want).enumerate() {
            assert_eq!(got, want, "instruction {i}");
        }
        assert_eq!(got.len(), self.want.len());
    }
}

const WIDE: [&str; 16] = [
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15",
];
const DWORD: [&str; 16] = [
    "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d",
    "r14d", "r15d",
];
const WORD: [&str; 16] = [
    "ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w",
    "r15w",
];
const BYTE: [&str; 16] = [
    "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b",
    "r15b",
];

/// Every form of address, and how it is written.
fn addresses() -> Vec<(Rm, String)> {
    let mut all = vec![];
    let disp = |d: i32| match d {
        0 => String::new(),
        d if d.unsigned_abs() < 10 => format!(" {} {}", if d < 0 { '-' } else { '+' }, d.unsigned_abs()),
        d => format!(" {} {:#X}", if d < 0 { '-' } else { '+' }, d.unsigned_abs()).replace("0X", "0x"),
    };
    for base in 0..16 {
        for d in [0, 1, -1, 64, 127, -128, 128, 4096, i32::MAX, i32::MIN + 1] {
            let text = format!("[{}{}]", WIDE[base as usize], disp(d));
            all.push((mem(Gp(base), d), text));
        }
        for index in (0..16).filter(|&index| index != 4) {
            let scale = [1, 2, 4, 8][(base + index) as usize % 4];
            for d in [0, 8, 1000] {
                let times = if scale > 1 { format!("*{scale}") } else { String::new() };
                let text = format!("[{} + {}{times}{}]", WIDE[base as usize], WIDE[index as usize], disp(d));
                all.push((mem_at(Gp(base), Gp(index), scale, d), text));
            }
        }
    }
    all
}

const FMA: Vop = vop(P66, 2, 0, 0xb8);
const FMA_F64: Vop = vop(P66, 2, 1, 0xb8);
const ADD_F32: Vop = vop(P0, 1, 0, 0x58);
const LOAD_F32: Vop = vop(P0, 1, 0, 0x10);
const STORE_F32: Vop = vop(P0, 1, 0, 0x11);

#[test]
fn vector_instructions_on_every_register() {
    let mut t = Table::default();
    for (len, name) in [(Len::L128, "xmm"), (Len::L256, "ymm"), (Len::L512, "zmm")] {
        for r in 0..32u8 {
            let (s, m) = (r.wrapping_mul(7) % 32, r.wrapping_mul(11).wrapping_add(19) % 32);
            let text = format!("{name}{r}, {name}{s}, {name}{m}");
            t.row(format!("vfmadd231ps {text}"), |a| a.evex(FMA, len, r, s, Rm::Reg(m), Masked::NO, None));
            t.row(format!("vfmadd231pd {text}"), |a| {
                a.evex(FMA_F64, len, r, s, Rm::Reg(m), Masked::NO, None)
            });
            let dot = vop(F3, 2, 0, 0x52);
            t.row(format!("vdpbf16ps {text}"), |a| a.evex(dot, len, r, s, Rm::Reg(m), Masked::NO, None));
            let load = format!("vmovups {name}{r}, {name}{m}");
            t.row(load, |a| a.evex(LOAD_F32, len, r, 0, Rm::Reg(m), Masked::NO, None));
            if len != Len::L512 {
                let (r, s, m) = (r % 16, s % 16, m % 16);
                let text = format!("{name}{r}, {name}{s}, {name}{m}");
                t.row(format!("vfmadd231ps {text}"), |a| a.vex(FMA, len, r, s, Rm::Reg(m), None));
                t.row(format!("vfmadd231pd {text}"), |a| a.vex(FMA_F64, len, r, s, Rm::Reg(m), None));
                t.row(format!("vaddps {text}"), |a| a.vex(ADD_F32, len, r, s, Rm::Reg(m), None));
                let load = format!("vmovups {name}{r}, {name}{m}");
                t.row(load, |a| a.vex(LOAD_F32, len, r, 0, Rm::Reg(m), None));
            }
        }
    }
    t.check();
}

#[test]
fn vector_instructions_with_every_address() {
    let mut t = Table::default();
    for (i, (rm, text)) in addresses().into_iter().enumerate() {
        let (r, s) = (i as u8 % 32, (i * 5 + 1) as u8 % 32);
        t.row(format!("vaddps zmm{r}, zmm{s}, {text}"), |a| {
            a.evex(ADD_F32, Len::L512, r, s, rm, Masked::NO, None)
        });
        let one = rm.broadcast();
        t.row(format!("vaddps zmm{r}, zmm{s}, {text}{{1to16}}"), |a| {
            a.evex(ADD_F32, Len::L512, r, s, one, Masked::NO, None)
        });
        t.row(format!("vfmadd231pd ymm{r}, ymm{s}, {text}{{1to4}}"), |a| {
            a.evex(FMA_F64, Len::L256, r, s, one, Masked::NO, None)
        });
        t.row(format!("vmovups {text}, zmm{r}"), |a| {
            a.evex(STORE_F32, Len::L512, r, 0, rm, Masked::NO, None)
        });
        let (r, s) = (r % 16, s % 16);
        t.row(format!("vaddps ymm{r}, ymm{s}, {text}"), |a| a.vex(ADD_F32, Len::L256, r, s, rm, None));
        t.row(format!("vfmadd231ps ymm{r}, ymm{s}, {text}"), |a| a.vex(FMA, Len::L256, r, s, rm, None));
        t.row(format!("vmovups {text}, xmm{r}"), |a| a.vex(STORE_F32, Len::L128, r, 0, rm, None));
        for (stream, name) in [(vop(P0, 1, 0, 0x2b), "vmovntps"), (vop(P66, 1, 1, 0x2b), "vmovntpd")] {
            for (len, register) in [(Len::L128, "xmm"), (Len::L256, "ymm"), (Len::L512, "zmm")] {
                let (r, want) = (i as u8 % 32, format!("{name} {text}, {register}{}", i % 32));
                t.row(want, |a| a.evex(stream, len, r, 0, rm, Masked::NO, None));
                if len != Len::L512 {
                    let stream = Vop { w: 0, ..stream };
                    t.row(format!("{name} {text}, {register}{}", i % 16), |a| {
                        a.vex(stream, len, r % 16, 0, rm, None)
                    });
                }
            }
        }
    }
    t.check();
}

#[test]
fn masks_immediates_rounding_and_vectors_of_indices() {
    let mut t = Table::default();
    let r = Rm::Reg;
    for k in 1..8u8 {
        t.row(format!("vaddps zmm1{{k{k}}}, zmm2, zmm3"), |a| {
            a.evex(ADD_F32, Len::L512, 1, 2, r(3), Masked::merge(K(k)), None)
        });
        t.row(format!("vmovups zmm31{{k{k}}}{{z}}, [r13]"), |a| {
            a.evex(LOAD_F32, Len::L512, 31, 0, mem(Gp::R13, 0), Masked::zero(K(k)), None)
        });
        t.row(format!("vmovups [rsp + r12*4 + 0x40]{{k{k}}}, ymm17"), |a| {
            let at = mem_at(Gp::RSP, Gp::R12, 4, 64);
            a.evex(STORE_F32, Len::L256, 17, 0, at, Masked::merge(K(k)), None)
        });
        t.row(format!("vcmpltps k{k}, zmm9, zmm30"), |a| {
            a.evex(vop(P0, 1, 0, 0xc2), Len::L512, k, 9, r(30), Masked::NO, Some(1))
        });
        t.row(format!("vpcmpgtd k{k}{{k2}}, zmm9, [rbp]"), |a| {
            a.evex(vop(P66, 1, 0, 0x66), Len::L512, k, 9, mem(Gp::RBP, 0), Masked::merge(K(2)), None)
        });
        t.row(format!("vpgatherdd zmm5, k{k}, [rax + zmm29*4 + 8]"), |a| {
            let at = Rm::Vsib { base: Gp::RAX, index: 29, scale: 4, disp: 8 };
            a.evex(vop(P66, 2, 0, 0x90), Len::L512, 5, 0, at, Masked::merge(K(k)), None)
        });
    }
    for i in 0..32u8 {
        let n = i % 10;
        t.row(format!("vpslld zmm{i}, zmm17, {n}"), |a| {
            a.evex(vop(P66, 1, 0, 0x72), Len::L512, 6, i, r(17), Masked::NO, Some(n))
        });
    }
    t.row("vrndscaleps zmm3, zmm19, 9", |a| {
        a.evex(vop(P66, 3, 0, 8), Len::L512, 3, 0, r(19), Masked::NO, Some(9))
    });
    t.row("vroundps ymm3, ymm9, 9", |a| a.vex(vop(P66, 3, 0, 8), Len::L256, 3, 0, r(9), Some(9)));
    t.row("vblendvps ymm1, ymm2, ymm3, ymm15", |a| {
        a.vex(vop(P66, 3, 0, 0x4a), Len::L256, 1, 2, r(3), Some(15 << 4))
    });
    t.row("vpermq ymm1, ymm2, 8", |a| a.vex(vop(P66, 3, 1, 0), Len::L256, 1, 0, r(2), Some(8)));
    t.row("vshuff32x4 zmm1, zmm22, zmm3, 0x4E", |a| {
        a.evex(vop(P66, 3, 0, 0x23), Len::L512, 1, 22, r(3), Masked::NO, Some(0x4e))
    });
    t.row("vcvtneps2bf16 ymm1, zmm18", |a| {
        a.evex(vop(F3, 2, 0, 0x72), Len::L512, 1, 0, r(18), Masked::NO, None)
    });
    t.row("vcvtps2ph [rdi], zmm18, 0", |a| {
        a.evex(vop(P66, 3, 0, 0x1d), Len::L512, 18, 0, mem(Gp::RDI, 0), Masked::NO, Some(0))
    });
    t.row("vmaskmovps ymm1, ymm2, [rax + rcx*4]", |a| {
        a.vex(vop(P66, 2, 0, 0x2c), Len::L256, 1, 2, mem_at(Gp::RAX, Gp::RCX, 4, 0), None)
    });
    t.row("vpgatherdd ymm1, [r9 + ymm12*4], ymm2", |a| {
        let at = Rm::Vsib { base: Gp::R9, index: 12, scale: 4, disp: 0 };
        a.vex(vop(P66, 2, 0, 0x90), Len::L256, 1, 2, at, None)
    });
    for (rounding, text) in
        [(Rounding::Nearest, "rne"), (Rounding::Down, "rd"), (Rounding::Up, "ru"), (Rounding::Zero, "rz")]
    {
        t.row(format!("vaddps zmm7{{{text}-sae}}, zmm23, zmm31"), |a| {
            a.evex_rounded(ADD_F32, 7, 23, 31, Masked::NO, rounding)
        });
    }
    // One element of a vector, to and from memory and general registers.
    t.row("vpextrb [rsi + 1], xmm9, 3", |a| {
        a.vex(vop(P66, 3, 0, 0x14), Len::L128, 9, 0, mem(Gp::RSI, 1), Some(3))
    });
    t.row("vpextrw [r8], xmm9, 0", |a| a.vex(vop(P66, 3, 0, 0x15), Len::L128, 9, 0, mem(Gp::R8, 0), Some(0)));
    t.row("vpextrd r10d, xmm1, 2", |a| a.vex(vop(P66, 3, 0, 0x16), Len::L128, 1, 0, Gp::R10.into(), Some(2)));
    t.row("vpextrq [rax], xmm1, 1", |a| {
        a.vex(vop(P66, 3, 1, 0x16), Len::L128, 1, 0, mem(Gp::RAX, 0), Some(1))
    });
    t.row("vmovd xmm3, r11d", |a| a.vex(vop(P66, 1, 0, 0x6e), Len::L128, 3, 0, Gp::R11.into(), None));
    t.row("vmovq rax, xmm3", |a| a.vex(vop(P66, 1, 1, 0x7e), Len::L128, 3, 0, Gp::RAX.into(), None));
    t.row("vpbroadcastd zmm21, r14d", |a| {
        a.evex(vop(P66, 2, 0, 0x7c), Len::L512, 21, 0, Gp::R14.into(), Masked::NO, None)
    });
    t.row("vpbroadcastw ymm4, [rdx]", |a| {
        a.vex(vop(P66, 2, 0, 0x79), Len::L256, 4, 0, mem(Gp::RDX, 0), None)
    });
    t.row("vaddss xmm1, xmm2, [rax]", |a| a.vex(vop(F3, 1, 0, 0x58), Len::L128, 1, 2, mem(Gp::RAX, 0), None));
    t.row("vmovsd [rax], xmm2", |a| a.vex(vop(F2, 1, 0, 0x11), Len::L128, 2, 0, mem(Gp::RAX, 0), None));
    t.check();
}

#[test]
fn mask_registers() {
    let mut t = Table::default();
    let widths = [(KWidth::B, "b"), (KWidth::W, "w"), (KWidth::D, "d"), (KWidth::Q, "q")];
    for (width, w) in widths {
        for i in 0..8u8 {
            let (a, b, c) = (K(i), K((i + 3) % 8), K((i + 6) % 8));
            let text = format!("k{}, k{}, k{}", a.0, b.0, c.0);
            for (op, name) in [
                (KOp::And, "kand"),
                (KOp::AndNot, "kandn"),
                (KOp::Or, "kor"),
                (KOp::Xor, "kxor"),
                (KOp::Xnor, "kxnor"),
            ] {
                t.row(format!("{name}{w} {text}"), |asm| asm.k_op(op, width, a, b, c));
            }
            let two = format!("k{}, k{}", a.0, b.0);
            t.row(format!("knot{w} {two}"), |asm| asm.k_not(width, a, b));
            t.row(format!("kmov{w} {two}"), |asm| asm.k_mov(width, a, b));
            t.row(format!("kortest{w} {two}"), |asm| asm.k_ortest(width, a, b));
            t.row(format!("ktest{w} {two}"), |asm| asm.k_test(width, a, b));
            t.row(format!("kshiftr{w} {two}, {}", i), |asm| asm.k_shift(width, false, a, b, i));
            t.row(format!("kshiftl{w} {two}, {}", i), |asm| asm.k_shift(width, true, a, b, i));
        }
        let registers = if width == KWidth::Q { WIDE } else { DWORD };
        for r in 0..16u8 {
            let name = registers[r as usize];
            t.row(format!("kmov{w} k{}, {name}", r % 8), |asm| asm.k_from(width, K(r % 8), Gp(r)));
            t.row(format!("kmov{w} {name}, k{}", r % 8), |asm| asm.k_to(width, Gp(r), K(r % 8)));
        }
        t.row(format!("kmov{w} k5, [rsp + 8]"), |asm| asm.k_load(width, K(5), mem(Gp::RSP, 8)));
        t.row(format!("kmov{w} [r9 + 8], k5"), |asm| asm.k_store(width, mem(Gp::R9, 8), K(5)));
    }
    for r in 0..16u8 {
        let name = DWORD[r as usize];
        t.row(format!("vmovmskps {name}, ymm{}", (r + 5) % 16), |asm| asm.signs(Gp(r), (r + 5) % 16));
    }
    t.check();
}

#[test]
fn general_registers() {
    let mut t = Table::default();
    let alu = [(Add, "add"), (Or, "or"), (And, "and"), (Sub, "sub"), (Xor, "xor"), (Cmp, "cmp")];
    for r in 0..16u8 {
        let (dst, src) = (Gp(r), Gp((r * 5 + 3) % 16));
        let (d, s) = (WIDE[r as usize], WIDE[src.0 as usize]);
        let d32 = DWORD[r as usize];
        for (op, name) in alu {
            t.row(format!("{name} {d}, {s}"), |a| a.alu(op, dst, src));
            t.row(format!("{name} {d}, 5"), |a| a.alu_i(op, dst, 5));
            t.row(format!("{name} {d}, 0x1000"), |a| a.alu_i(op, dst, 4096));
            t.row(format!("{name} {d}, 5"), |a| a.alu_i32(op, dst, 5));
        }
        t.row(format!("mov {d}, {s}"), |a| a.mov(dst, src));
        t.row(format!("xor {d32}, {d32}"), |a| a.zero(dst));
        t.row(format!("mov {d32}, 7"), |a| a.mov_i(dst, 7));
        t.row(format!("mov {d32}, 0xFFFFFFFF"), |a| a.mov_i(dst, 0xffff_ffff));
        t.row(format!("mov {d}, 0xFFFFFFFFFFFFFFFE"), |a| a.mov_i(dst, -2));
        t.row(format!("mov {d}, 0x123456789ABCDEF0"), |a| a.mov_i(dst, 0x1234_5678_9abc_def0));
        t.row(format!("inc {d}"), |a| a.inc(dst));
        t.row(format!("dec {d}"), |a| a.dec(dst));
        t.row(format!("neg {d}"), |a| a.neg(dst));
        t.row(format!("test {d}, {s}"), |a| a.test(dst, src));
        t.row(format!("test {d}, 0x100"), |a| a.test_i(dst, 256));
        t.row(format!("imul {d}, {s}"), |a| a.imul(dst, src));
        t.row(format!("imul {d}, {s}, 0x300"), |a| a.imul_i(dst, src, 768));
        t.row(format!("shl {d}, 4"), |a| a.shl(dst, 4));
        t.row(format!("shr {d}, 5"), |a| a.shr(dst, 5));
        t.row(format!("sar {d}, 6"), |a| a.shift(Shift::Arithmetic, dst, 6));
        t.row(format!("bzhi {d}, {s}, {d}"), |a| a.bzhi(dst, src, dst));
        t.row(format!("push {d}"), |a| a.push(dst));
        t.row(format!("pop {d}"), |a| a.pop(dst));
        t.row(format!("movzx {d32}, {}", BYTE[src.0 as usize]), |a| a.load_zx(dst, src, Bits::B8));
        t.row(format!("movzx {d32}, {}", WORD[src.0 as usize]), |a| a.load_zx(dst, src, Bits::B16));
        t.row(format!("movsx {d}, {}", BYTE[src.0 as usize]), |a| a.load_sx(dst, src, Bits::B8));
    }
    let ccs = "o no b ae e ne be a s ns p np l ge le g".split(' ');
    let all = [
        Cc::O,
        Cc::No,
        Cc::B,
        Cc::Ae,
        Cc::E,
        Cc::Ne,
        Cc::Be,
        Cc::A,
        Cc::S,
        Cc::Ns,
        Cc::P,
        Cc::Np,
        Cc::L,
        Cc::Ge,
        Cc::Le,
        Cc::G,
    ];
    for (cc, name) in all.into_iter().zip(ccs) {
        t.row(format!("cmov{name} rcx, r12"), |a| a.cmov(cc, Gp::RCX, Gp::R12));
    }
    t.row("ret", |a| a.ret());
    t.row("vzeroupper", |a| a.vzeroupper());
    t.row("sfence", |a| a.sfence());
    t.check();
}

#[test]
fn scalars_in_memory() {
    let mut t = Table::default();
    for (i, (rm, text)) in addresses().into_iter().enumerate() {
        let r = (i % 16) as u8;
        let (wide, dword) = (WIDE[r as usize], DWORD[r as usize]);
        let (word, byte) = (WORD[r as usize], BYTE[r as usize]);
        let gp = Gp(r);
        t.row(format!("mov {wide}, {text}"), |a| a.mov(gp, rm));
        t.row(format!("movzx {dword}, {text}"), |a| a.load_zx(gp, rm, Bits::B8));
        t.row(format!("movzx {dword}, {text}"), |a| a.load_zx(gp, rm, Bits::B16));
        t.row(format!("mov {dword}, {text}"), |a| a.load_zx(gp, rm, Bits::B32));
        t.row(format!("mov {wide}, {text}"), |a| a.load_zx(gp, rm, Bits::B64));
        t.row(format!("movsx {wide}, {text}"), |a| a.load_sx(gp, rm, Bits::B16));
        t.row(format!("movsxd {wide}, {text}"), |a| a.load_sx(gp, rm, Bits::B32));
        t.row(format!("mov {text}, {byte}"), |a| a.store(rm, gp, Bits::B8));
        t.row(format!("mov {text}, {word}"), |a| a.store(rm, gp, Bits::B16));
        t.row(format!("mov {text}, {dword}"), |a| a.store(rm, gp, Bits::B32));
        t.row(format!("mov {text}, {wide}"), |a| a.store(rm, gp, Bits::B64));
        t.row(format!("add {text}, {wide}"), |a| a.add_to(rm, gp));
        t.row(format!("sub {text}, 1"), |a| a.sub_i(rm, 1));
        t.row(format!("cmp {wide}, {text}"), |a| a.cmp(gp, rm));
        t.row(format!("lea {wide}, {text}"), |a| a.lea(gp, rm));
        for (hint, name) in [(Hint::Nta, "nta"), (Hint::T0, "t0"), (Hint::T1, "t1"), (Hint::T2, "t2")] {
            t.row(format!("prefetch{name} {text}"), |a| a.prefetch(hint, rm));
        }
    }
    t.check();
}

#[test]
fn tiles() {
    let mut table = Table::default();
    for (base, name) in (0..16).zip(WIDE) {
        for (disp, text) in [(0, ""), (64, " + 0x40"), (1024, " + 0x400")] {
            let at = mem(Gp(base), disp);
            table.row(format!("ldtilecfg [{name}{text}]"), |asm| asm.tile_configure(at));
            for (index, stride) in (0..16).zip(WIDE).filter(|&(index, _)| index != 4) {
                let (base, index, t) = (Gp(base), Gp(index), Tile((base + index) % 8));
                let at = format!("[{name} + {stride}{text}]");
                table.row(format!("tileloadd tmm{}, {at}", t.0), |asm| asm.tile_load(t, base, index, disp));
                table.row(format!("tilestored {at}, tmm{}", t.0), |asm| asm.tile_store(base, index, disp, t));
            }
        }
    }
    for a in 0..8 {
        table.row(format!("tilezero tmm{a}"), |asm| asm.tile_zero(Tile(a)));
        for (b, c) in (0..64).map(|i| (i / 8, i % 8)).filter(|&(b, c)| a != b && b != c && a != c) {
            let want = format!("tdpbf16ps tmm{a}, tmm{b}, tmm{c}");
            table.row(want, |asm| asm.tile_multiply_bf16(Tile(a), Tile(b), Tile(c)));
        }
    }
    table.row("tilerelease", |asm| asm.tile_release());
    table.check();
}

#[test]
fn jumps_reach_their_labels() {
    let (mut asm, far) = (Asm::new(), 200);
    let (top, end) = (asm.here(), asm.label());
    asm.jcc(Cc::E, end);
    asm.jmp(end);
    asm.jcc(Cc::Ne, top); // near: the short form
    (0..far).for_each(|_| asm.ret());
    asm.jmp(top);
    asm.jcc(Cc::G, top);
    asm.bind(end);
    asm.ret();
    let machine = asm.finish();
    let got = decode(&machine.bytes);
    let text = format!("{:#X}", machine.code - 1).replace("0X", "0x");
    let want = [format!("je {text}"), format!("jmp {text}"), "jne 0".to_string()];
    assert_eq!(got[..3], want);
    assert_eq!(got[3 + far..], ["jmp 0", "jg 0", "ret"]);
    assert_eq!(machine.bytes.len(), 6 + 5 + 2 + far + 5 + 6 + 1);
}

#[test]
fn constants_are_reached_past_any_immediate() {
    let mut asm = Asm::new();
    let (a, b) = (asm.pool(&1f32.to_le_bytes()), asm.pool(&[7; 64]));
    assert_eq!(asm.pool(&1f32.to_le_bytes()), a);
    let (a, b) = (Rm::Pool { at: a, bcast: false }, Rm::Pool { at: b, bcast: false });
    asm.evex(ADD_F32, Len::L512, 1, 2, a.broadcast(), Masked::NO, None);
    asm.evex(vop(P0, 1, 0, 0xc2), Len::L512, 1, 2, b, Masked::NO, Some(1));
    asm.vex(ADD_F32, Len::L256, 1, 2, b.offset(32), None);
    asm.lea(Gp::RAX, b);
    asm.cmp_i(a, 1 << 20);
    asm.ret();
    let machine = asm.finish();
    let start = machine.code.next_multiple_of(64);
    let entry = |at: usize| format!("[{:#X}]", start + at).replace("0X", "0x");
    let want = [
        format!("vaddps zmm1, zmm2, {}{{1to16}}", entry(0)),
        format!("vcmpltps k1, zmm2, {}", entry(64)),
        format!("vaddps ymm1, ymm2, {}", entry(96)),
        format!("lea rax, {}", entry(64)),
        format!("cmp {}, 0x100000", entry(0)),
        "ret".to_string(),
    ];
    assert_eq!(decode(&machine.bytes[..machine.code]), want);
    assert_eq!(machine.bytes[start..start + 4], 1f32.to_le_bytes());
    assert_eq!(machine.bytes[start + 64..], [7; 64]);
}

#[test]
fn padding_does_nothing() {
    for before in 0..40 {
        let mut asm = Asm::new();
        (0..before).for_each(|_| asm.ret());
        asm.align(32);
        assert_eq!(asm.position() % 32, 0);
        assert!(asm.position() < before + 32);
        let machine = asm.finish();
        assert!(
            decode(&machine.bytes)[before..]
                .iter()
                .all(|line| line.starts_with("nop") || line.starts_with("xchg"))
        );
    }
}

#[test]
fn a_patched_frame_size() {
    let mut asm = Asm::new();
    asm.alu_i32(Sub, Gp::RSP, 0);
    let at = asm.position();
    asm.ret();
    asm.patch(at, 0x1234);
    assert_eq!(decode(&asm.finish().bytes), ["sub rsp, 0x1234", "ret"]);
}

/// `cargo test --release -p plywood-backend-cpu encoding -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn encoding() {
    let mut best = u128::MAX;
    for _ in 0..1000 {
        let start = std::time::Instant::now();
        let mut asm = Asm::new();
        let top = asm.here();
        for i in 0..160u8 {
            asm.evex(FMA, Len::L512, i % 32, 3, mem_at(Gp::R8, Gp::RCX, 4, 64), Masked::NO, None);
        }
        asm.add_i(Gp::RCX, 64);
        asm.jcc(Cc::L, top);
        asm.ret();
        std::hint::black_box(asm.finish());
        best = best.min(start.elapsed().as_nanos());
    }
    println!("163 instructions: {best} ns");
}
