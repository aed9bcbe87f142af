//! What an instruction may be, and how often.

use super::build::{Builder, Digits, Entry};
use super::program::Instruction;
use super::{contract, control, create, elementwise, index, order, rearrange, reduce};

/// Declares [`What`], with a weight and the function that applies it.
macro_rules! instructions {
    ($($What:ident $weight:literal $function:path;)*) => {
        /// What an instruction does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum What { $($What),* }

        const ALL: &[(What, u32)] = &[$((What::$What, $weight)),*];

        /// Results of an instruction; none where it cannot apply.
        pub(super) fn apply(builder: &mut Builder, i: &Instruction) -> Option<Vec<Entry>> {
            let digits = &mut Digits(i.attributes);
            match i.what { $(What::$What => $function(builder, i, digits)),* }
        }
    };
}
// Near the front what is simplest: there shrinking ends.
instructions! {
    Binary 10 elementwise::binary;
    Number 6 elementwise::number;
    Unary 6 elementwise::unary;
    Chain 4 elementwise::chain;
    Compare 2 elementwise::compare;
    Select 3 elementwise::select;
    Clamp 2 elementwise::clamp;
    Cast 3 elementwise::cast;
    IntegerPow 1 elementwise::integer_pow;
    ReducePrecision 1 elementwise::reduce_precision;
    Bits 2 elementwise::bits;
    Bitcast 1 elementwise::bitcast;
    Special 1 elementwise::special;
    StopGradient 1 elementwise::stop_gradient;
    Name 1 elementwise::name;
    Transpose 3 rearrange::transpose;
    Reshape 2 rearrange::reshape;
    Broadcast 3 rearrange::broadcast;
    Reverse 1 rearrange::reverse;
    Slice 2 rearrange::slice;
    Pad 2 rearrange::pad;
    Concatenate 2 rearrange::concatenate;
    DynamicSlice 1 index::dynamic_slice;
    DynamicUpdate 1 index::dynamic_update;
    Gather 1 index::gather;
    Scatter 1 index::scatter;
    Reduce 5 reduce::reduce;
    Keep 4 reduce::keep;
    Softmax 2 reduce::softmax;
    LogSumExp 1 reduce::log_sum_exp;
    LayerNorm 1 reduce::layer_norm;
    Cumulative 1 order::cumulative;
    ArgReduce 1 order::arg_reduce;
    Sort 1 order::sort;
    TopK 1 order::top_k;
    Window 1 order::window;
    Dot 3 contract::dot;
    Dense 2 contract::dense;
    Conv 1 contract::conv;
    Fft 1 contract::fft;
    Linalg 1 contract::linalg;
    Full 1 create::full;
    Iota 1 create::iota;
    Constant 1 create::constant;
    Random 2 create::random;
    Collective 1 control::collective;
    Pmap 1 control::pmap;
    Call 3 control::call;
    Scan 2 control::scan;
    While 1 control::while_loop;
    Cond 2 control::cond;
}

impl What {
    fn holds(self) -> bool {
        matches!(self, What::Pmap | What::Call | What::Scan | What::While | What::Cond)
    }

    /// The sum of the weights of those that hold graphs, or of the others.
    pub(super) fn weights(holding: bool) -> u32 {
        ALL.iter().filter(|(what, _)| what.holds() == holding).map(|(_, weight)| weight).sum()
    }

    /// The one at a place below that sum.
    pub(super) fn of(holding: bool, place: u32) -> What {
        let mut all = ALL.iter().filter(|(what, _)| what.holds() == holding);
        let mut end = 0;
        let found = all.find(|(_, weight)| {
            end += weight;
            place < end
        });
        found.map_or(What::Binary, |(what, _)| *what)
    }
}
