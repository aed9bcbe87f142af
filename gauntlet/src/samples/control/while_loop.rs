use crate::Sample;
pub(in crate::samples) fn while_loop() -> Vec<Sample> {
    vec![]
}
