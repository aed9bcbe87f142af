use crate::Sample;
pub(in crate::samples) fn cond() -> Vec<Sample> {
    vec![]
}
