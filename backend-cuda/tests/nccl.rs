//! NCCL: what is said where there is none, and all calls on a stand-in (`stand_in/`): four devices of threads, whose streams are late at
//! random. It runs no kernels, so tensors are such that need none.
//!
//! Each test runs a child, this program again with the stand-in where the libraries are looked for. Without `rustc` they say so.

#![cfg(feature = "nccl")]

#[path = "common/collectives.rs"]
mod collectives;

use collectives::{array, differs, on};
use plywood::prelude::*;
use plywood_backend_cuda::Cuda;
use plywood_backend_cuda::nccl::{self, Communicator, Fold};
use plywood_core::{Error, Op, Value};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

const RANKS: usize = 4;
const SAYS_SO: &str = "PLYWOOD_STAND_IN";

/// A folder with the stand-in under the names of these libraries; none without a compiler.
fn stand_in(names: &[&str]) -> Option<PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stand_in");
        std::fs::create_dir_all(folder.join("toolkit/include")).expect("a folder");
        std::fs::write(folder.join("toolkit/include/cuda_runtime.h"), "").expect("a file");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stand_in/lib.rs");
        let library = folder.join("libstand_in.so");
        let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
        let flags = ["--edition", "2024", "--crate-type", "cdylib", "-C", "panic=abort", "-o"];
        let status = Command::new(rustc).args(flags).arg(&library).arg(source).status();
        match status {
            Ok(status) => assert!(status.success(), "the stand-in does not compile"),
            Err(e) => {
                println!("left out: no rustc to compile the stand-in with: {e}");
                return None;
            }
        }
        Some(folder)
    });
    let folder = built.as_ref()?.join(names.join("+"));
    // Tests run at the same time, and a child may be loading what another test is about to ask for: links are made once.
    static LINKED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let mut linked = LINKED.lock().unwrap_or_else(PoisonError::into_inner);
    if linked.insert(folder.clone()) {
        std::fs::create_dir_all(&folder).expect("a folder");
        for name in names {
            let link = folder.join(name);
            let _ = std::fs::remove_file(&link);
            // One file under both names is one library.
            std::os::unix::fs::symlink("../libstand_in.so", &link).expect("a link");
        }
    }
    Some(folder)
}

/// Runs one of the tests below on a machine of the stand-in's.
fn run(test: &str, libraries: &[&str], variables: &[(&str, &str)]) {
    let Some(folder) = stand_in(libraries) else { return };
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", test, "--include-ignored", "--nocapture"]);
    child.env("CUDA_PATH", folder.join("../toolkit")).env(SAYS_SO, "1");
    child.env("LD_LIBRARY_PATH", &folder).envs(variables.iter().copied());
    let output = child.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{test}: {said}");
}

const BOTH: &[&str] = &["libcuda.so.1", "libnccl.so.2"];

/// Whether this is run by a test; children are nothing by themselves.
fn is_child() -> bool {
    std::env::var_os(SAYS_SO).is_some()
}

fn unavailable<T>(result: Result<T, Error>, backend: &str, why: &str) {
    match result.err() {
        Some(Error::Unavailable { backend: of, reason }) => {
            assert!(of == backend && reason.contains(why), "{of}: {reason}");
        }
        other => panic!("not {backend}: {why}, but {other:?}"),
    }
}

/// The stand-in's.
fn devices() -> Vec<Device> {
    (0..RANKS).map(|index| Device { kind: "cuda", index }).collect()
}

#[track_caller]
fn all_calls(all: &Communicator) {
    let (count, failures) = collectives::run(all, false);
    assert!(count > 200 && failures.is_empty(), "{count} cases: {failures:#?}");
}

#[test]
#[ignore = "the child of a test"]
fn by_one_thread() {
    if !is_child() {
        return;
    }
    let all = Communicator::of(&devices()).expect("a communicator");
    assert_eq!((all.size(), all.ranks(), all.devices()), (RANKS, vec![0, 1, 2, 3], devices()));
    assert_eq!(all.waits(), std::env::var_os("STAND_IN_OLD_DRIVER").is_some());
    all_calls(&all);
}

#[test]
#[ignore = "the child of a test"]
fn by_a_thread_for_each_rank() {
    if !is_child() {
        return;
    }
    let all = Communicator::of(&devices()).expect("a communicator");
    std::thread::scope(|scope| {
        for one in all.split() {
            scope.spawn(move || all_calls(&one));
        }
    });
}

/// Two threads as processes of two devices each, that hand over the bytes by which ranks meet.
#[test]
#[ignore = "the child of a test"]
fn by_processes() {
    if !is_child() {
        return;
    }
    let (send, receive) = std::sync::mpsc::channel();
    let ranks = |ranks: [usize; 2]| ranks.map(|r| (r, devices()[r]));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let other = Communicator::join(RANKS, &ranks([3, 1]), |id| {
                *id = receive.recv().expect("the bytes");
                Ok(())
            });
            all_calls(&other.expect("a communicator"));
        });
        let root = Communicator::join(RANKS, &ranks([2, 0]), |id| {
            send.send(*id).expect("the other thread");
            Ok(())
        });
        all_calls(&root.expect("a communicator"));
    });
}

/// Results are of use where they are, and memory that is given back meanwhile is not taken too early.
#[test]
#[ignore = "the child of a test"]
fn in_the_order_of_the_queue() {
    if !is_child() {
        return;
    }
    let all = Communicator::of(&devices()).expect("a communicator");
    let n = 5000;
    for round in 0..40 {
        let values: Vec<Value> =
            (0..RANKS).map(|r| on(r, array(DType::I32, &[n], |i| (i + r + round) as f64))).collect();
        let first = all.all_reduce(Fold::Sum, &values.iter().collect::<Vec<_>>()).expect("sums");
        drop(values);
        // Takes the memory that has become free.
        let others: Vec<Value> = (0..RANKS).map(|r| on(r, array(DType::I32, &[n], |_| -1.0))).collect();
        let second =
            all.permute(&[(0, 1), (1, 2), (2, 3)], &first.iter().collect::<Vec<_>>()).expect("moved");
        drop((first, others));
        let third = all.all_reduce(Fold::Max, &second.iter().collect::<Vec<_>>()).expect("maxima");
        drop(second);
        for x in &third {
            let expected = array(DType::I32, &[n], |i| (4 * (i + round) + 6) as f64);
            assert_eq!(differs(x, &expected), None, "round {round}");
        }
    }
}

#[test]
#[ignore = "the child of a test"]
fn without_nccl() {
    if !is_child() {
        return;
    }
    Cuda::found().expect("the stand-in's devices");
    if nccl::version().is_err() {
        unavailable(Communicator::of(&devices()), "nccl", "there is no NCCL library (libnccl.so.2)");
    }
}

#[test]
#[ignore = "the child of a test"]
fn with_an_old_nccl() {
    if !is_child() {
        return;
    }
    unavailable(Communicator::of(&devices()), "nccl", "NCCL 2.8.4 is too old, 2.10 or later is needed");
    unavailable(nccl::version(), "nccl", "2.8.4");
}

#[test]
#[ignore = "the child of a test"]
fn with_a_rank_that_is_lost() {
    if !is_child() {
        return;
    }
    let all = Communicator::of(&devices()).expect("a communicator");
    let x: Vec<Value> = (0..RANKS).map(|r| on(r, array(DType::F32, &[2], |i| i as f64))).collect();
    let e = all.all_gather(&x.iter().collect::<Vec<_>>()).expect_err("an error");
    assert!(
        matches!(&e, Error::Device { reason, .. } if reason.contains("gives 6: remote process exited")),
        "{e}"
    );
}

#[test]
#[ignore = "the child of a test"]
fn mistakes_panic() {
    if !is_child() {
        return;
    }
    let all = Communicator::of(&devices()).expect("a communicator");
    let says = |what: &str, f: &dyn Fn()| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).expect_err("a panic");
        let said = panic.downcast_ref::<String>().expect("a text");
        assert!(said.contains(what), "{said}");
    };
    let x = |dtype, shape: &[usize]| -> Vec<Value> {
        (0..RANKS).map(|r| on(r, array(dtype, shape, |i| i as f64))).collect()
    };
    let call = |x: &[Value], f: &dyn Fn(&[&Value]) -> Result<Vec<Value>, Error>| {
        let _ = f(&x.iter().collect::<Vec<_>>());
    };
    let floats = x(DType::F32, &[3]);
    let bools = x(DType::Bool, &[3]);
    says("there are no sums of bool", &|| call(&bools, &|x| all.all_reduce(Fold::Sum, x)));
    says("has one part for each of 4 ranks", &|| call(&floats, &|x| all.all_to_all(x)));
    says("as many for each of this process's 4 ranks", &|| call(&floats[1..], &|x| all.all_gather(x)));
    says("on cuda:1 for rank 0, which is on cuda:0", &|| {
        let turned: Vec<Value> = floats[1..].iter().chain(&floats[..1]).cloned().collect();
        call(&turned, &|x| all.all_gather(x));
    });
    says("name each at most once", &|| call(&floats, &|x| all.permute(&[(0, 1), (2, 1)], x)));
    says("a tensor of Cpu", &|| {
        let other = Value::create(Cpu::ENGINE, Op::Constant(array(DType::F32, &[3], |i| i as f64)));
        call(&vec![other; RANKS], &|x| all.all_gather(x));
    });
    says("ranks with f32[3] and i32[3]", &|| {
        let mixed: Vec<Value> = floats[..1].iter().chain(&x(DType::I32, &[3])[1..]).cloned().collect();
        call(&mixed, &|x| all.all_gather(x));
    });
    // And it works on.
    call(&floats, &|x| all.all_gather(x));
    let twice = [devices()[0]; 2];
    says("cuda:0 is named for two ranks", &|| drop(Communicator::of(&twice)));
    let unknown = Communicator::of(&[Device { kind: "cuda", index: RANKS }]);
    assert!(matches!(unknown, Err(Error::UnknownDevice { .. })), "{unknown:?}");
}

#[test]
fn what_is_missing_is_said() {
    if let Err(e) = Cuda::found() {
        let Error::Unavailable { backend, .. } = &e else { panic!("{e:?}") };
        unavailable(Communicator::of(&devices()), backend, "");
    }
    match nccl::version() {
        Ok(version) => println!("NCCL {version}"),
        Err(e) => unavailable(Err::<(), _>(e), "nccl", "there is no NCCL library (libnccl.so.2)"),
    }
    run("without_nccl", &["libcuda.so.1"], &[]);
    run("with_an_old_nccl", BOTH, &[("STAND_IN_NCCL_VERSION", "2804")]);
    run("with_a_rank_that_is_lost", BOTH, &[("STAND_IN_LOST_RANK", "1")]);
}

#[test]
fn mistakes() {
    run("mistakes_panic", BOTH, &[]);
}

#[test]
fn all_calls_give_what_they_should() {
    run("by_one_thread", BOTH, &[]);
    run("by_a_thread_for_each_rank", BOTH, &[]);
    run("by_processes", BOTH, &[]);
}

#[test]
fn calls_are_ordered() {
    run("in_the_order_of_the_queue", BOTH, &[]);
}

/// Without events of contexts the host waits.
#[test]
fn an_old_driver_is_waited_for() {
    let old = [("STAND_IN_OLD_DRIVER", "1")];
    run("by_one_thread", BOTH, &old);
    run("in_the_order_of_the_queue", BOTH, &old);
}
