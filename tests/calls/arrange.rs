use super::Call;
pub(super) fn calls() -> Vec<Call> {
    vec![]
}
