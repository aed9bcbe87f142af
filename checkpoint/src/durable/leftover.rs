//! Temporary files by name: which file they are for, and whether the process that wrote them still lives.
//!
//! A name is `.TARGET.PLACE-PROCESS-COUNT.tmp`. What always holds: a file that somebody may still write is not removed. It is
//! abandoned where its process is known not to run (on Linux, for processes that this one can see), and in any case where nobody
//! has written to it for [`PATIENCE`].

use super::*;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

/// Between two writes to one file, and before it is renamed, there is never so much time.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

const SUFFIX: &str = ".tmp";

/// Who writes. Processes of one place see each other in `/proc`, by their numbers: those of one user that were started since the
/// same start of a machine and count processes together.
struct Process {
    /// `None` where that is not known.
    place: Option<String>,
    number: u32,
}

static THIS: LazyLock<Process> = LazyLock::new(|| Process { place: place(), number: std::process::id() });

#[cfg(target_os = "linux")]
fn place() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    // Elsewhere `/proc` may be of processes that are counted in another way.
    let here = fs::read_link("/proc/self").ok()?;
    if here != Path::new(&std::process::id().to_string()) {
        return None;
    }
    let start = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let numbering = fs::read_link("/proc/self/ns/pid").ok()?;
    let user = fs::metadata("/proc/self").ok()?.uid();
    let mut hash = DefaultHasher::new();
    (start, numbering, user).hash(&mut hash);
    Some(format!("{:016x}", hash.finish()))
}
#[cfg(not(target_os = "linux"))]
fn place() -> Option<String> {
    None
}

/// A new name for a temporary file that will replace the file `target`.
pub(crate) fn temporary_name(target: &OsStr, count: u64) -> OsString {
    let place = THIS.place.as_deref().unwrap_or("unknown");
    let mut name = OsString::from(".");
    name.push(target);
    name.push(format!(".{place}-{}-{count}{SUFFIX}", THIS.number));
    name
}

/// Takes a temporary file's name apart: the name of the file that it is for, the place, the process.
fn parse(name: &OsStr) -> Option<(&OsStr, &str, u32)> {
    // Names that are no text are not cleaned up.
    let name = name.to_str()?.strip_prefix('.')?.strip_suffix(SUFFIX)?;
    let (target, writer) = name.rsplit_once('.')?;
    let (writer, count) = writer.rsplit_once('-')?;
    count.parse::<u64>().ok()?;
    let (place, process) = writer.rsplit_once('-')?;
    Some((OsStr::new(target), place, process.parse().ok()?))
}

/// Removes the temporary files of dead processes that were to become files with names that are `ours`. What cannot be removed
/// stays.
pub(crate) fn remove_leftovers(folder: &Path, ours: &dyn Fn(&OsStr) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some((target, place, process)) = parse(&name) else { continue };
        let dead =
            || THIS.place.as_deref() == Some(place) && !Path::new(&format!("/proc/{process}")).exists();
        let old = || {
            let written = entry.metadata().and_then(|m| m.modified());
            written.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > PATIENCE))
        };
        if ours(target) && (dead() || old()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
