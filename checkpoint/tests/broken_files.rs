//! Whatever is in a file, it is loaded or there is an error that says why; nothing panics.

mod common;

use common::{Folder, file_of, write};
use plywood::checkpoint::{self, Checkpoint, Error};
use plywood::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

type C = Tensor<Cpu>;
type Small = (C, C, C);

fn small() -> Small {
    (C::from([[1.5f32, 2.5], [3.5, 4.5]]), C::from([true, false, true]), C::scalar(7u16))
}

fn load(path: &Path) -> Result<Small, Error> {
    let like = tree_map([small()], |[x]| x.zeros_like());
    catch_unwind(AssertUnwindSafe(|| checkpoint::load(path, like))).expect("nothing panics")
}

fn small_file(folder: &Folder) -> Vec<u8> {
    let path = folder.file("small");
    Checkpoint::new().meta("step", 100).save(&path, &small()).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn a_part_of_a_file_is_none() {
    let folder = Folder::new();
    let (whole, path) = (small_file(&folder), folder.file("part"));
    for n in 0..whole.len() {
        write(&path, &whole[..n]);
        assert!(matches!(load(&path), Err(Error::Format { path: p, .. }) if p == path), "{n} bytes");
    }
    for more in [1, 8, 1000] {
        write(&path, &[&whole[..], &vec![0; more]].concat());
        assert!(matches!(load(&path), Err(Error::Format { .. })), "{more} bytes more");
    }
    write(&path, &whole);
    assert_eq!(load(&path).unwrap(), small());
}

#[test]
fn flipped_bits() {
    let folder = Folder::new();
    let (whole, path) = (small_file(&folder), folder.file("flipped"));
    let header = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize + 8;
    for (i, bit) in (0..whole.len()).flat_map(|i| (0..8).map(move |bit| (i, bit))) {
        let mut bytes = whole.clone();
        bytes[i] ^= 1 << bit;
        write(&path, &bytes);
        let loaded = load(&path);
        // The length is no longer that of the header, which is JSON up to its end.
        assert!(i >= 8 || loaded.is_err(), "bit {bit} of byte {i}");
        // Every number is an element.
        let bools = header + 16 + 2;
        assert!(i < header || i >= bools || loaded.is_ok(), "bit {bit} of byte {i}");
        assert!(i < bools || bit == 0 || matches!(loaded, Err(Error::Bool { .. })), "bit {bit} of byte {i}");
    }
    // Many bytes, by a generator of numbers that anybody can repeat.
    let mut state = 1u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    for _ in 0..3000 {
        let mut bytes = whole.clone();
        for _ in 0..1 + random(6) {
            let end = if random(2) == 0 { header } else { whole.len() };
            bytes[random(end)] = random(256) as u8;
        }
        write(&path, &bytes);
        let _ = load(&path);
    }
}

#[test]
fn hostile_headers() {
    let folder = Folder::new();
    let path = folder.file("hostile");
    let tensor = |dtype: &str, shape: &str, offsets: &str| {
        format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    let max = usize::MAX;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let headers = [
        ("no object", "[]".to_string()),
        ("no text", String::new()),
        ("no JSON", "{".to_string()),
        ("something behind", "{} {}".to_string()),
        ("an unknown dtype", tensor("F128", "[1]", "[0,4]")),
        ("a negative size", tensor("U8", "[-4]", "[0,4]")),
        ("a fractional size", tensor("U8", "[4.0]", "[0,4]")),
        ("a size beyond 64 bits", tensor("U8", "[99999999999999999999]", "[0,4]")),
        ("more elements than can be counted", tensor("U8", &format!("[{max},{max}]"), "[0,4]")),
        ("they wrap around to 4 bytes", tensor("F32", "[4611686018427387905]", "[0,4]")),
        ("they wrap around before a zero", tensor("U8", &format!("[{max},{max},0]"), "[0,0]")),
        ("more bytes than can be counted", tensor("F64", &format!("[{max}]"), "[0,4]")),
        ("a shape of another length", tensor("F32", "[2]", "[0,4]")),
        ("an end before the start", tensor("F32", "[1]", "[4,0]")),
        ("a start behind a gap", tensor("U8", "[2]", "[2,4]")),
        ("an end behind the file's", tensor("U8", "[8]", "[0,8]")),
        ("an end far behind", tensor("U8", &format!("[{max}]"), &format!("[0,{max}]"))),
        ("bytes without a tensor", tensor("U8", "[2]", "[0,2]")),
        ("one offset", tensor("U8", "[4]", "[0]")),
        ("three offsets", tensor("U8", "[4]", "[0,4,4]")),
        ("half a byte", tensor("F4", "[7]", "[0,4]")),
        ("no dtype", r#"{"a":{"shape":[4],"data_offsets":[0,4]}}"#.to_string()),
        ("no tensor", r#"{"a":3}"#.to_string()),
        ("metadata that are no text", r#"{"__metadata__":{"step":3}}"#.to_string()),
        (
            "tensors that overlap",
            r#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#
                .to_string(),
        ),
        (
            "a tensor twice",
            r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#
                .to_string(),
        ),
        ("too deep", deep.clone()),
        ("too deep inside", format!(r#"{{"a":{deep}}}"#)),
    ];
    for (what, header) in headers {
        write(&path, &file_of(header.as_bytes(), &[0; 4]));
        let opened = catch_unwind(|| Checkpoint::open(&path)).expect("nothing panics");
        assert!(matches!(opened, Err(Error::Format { .. })), "{what}: {opened:?}");
    }
    write(&path, &file_of(b"{\"\xff\":{}}", &[]));
    assert!(matches!(Checkpoint::open(&path), Err(Error::Format { .. })), "no UTF-8");
    for length in [u64::MAX, u64::MAX - 7, 1 << 63, i64::MAX as u64, 3] {
        write(&path, &[&length.to_le_bytes()[..], b"{}"].concat());
        assert!(matches!(Checkpoint::open(&path), Err(Error::Format { .. })), "a header of {length} bytes");
    }
    // A header as long as is said, but too long for the format; nothing is read of it.
    let file = std::fs::File::create(&path).unwrap();
    std::io::Write::write_all(&mut &file, &(1u64 << 33).to_le_bytes()).unwrap();
    file.set_len(8 + (1 << 33)).unwrap();
    assert!(matches!(Checkpoint::open(&path), Err(Error::HeaderTooLarge { bytes: 0x2_0000_0000, .. })));
}

#[test]
fn what_is_no_file() {
    let folder = Folder::new();
    let no_file = load(&folder.file("nothing")).unwrap_err();
    assert!(
        matches!(&no_file, Error::Io { source, action: "open", .. } if source.kind() == std::io::ErrorKind::NotFound)
    );
    assert!(no_file.to_string().starts_with(&format!("{}: cannot open: ", folder.file("nothing").display())));
    assert!(matches!(load(folder.path()), Err(Error::Format { .. })));
}

#[test]
fn another_tree() {
    let folder = Folder::new();
    let path = folder.file("x");
    let saved = vec![C::from([[1.0f32, 2.0, 3.0]]), C::from([1, 2])];
    checkpoint::save(&path, &saved).unwrap();
    let message = |result: Result<_, Error>| {
        let text = result.expect_err("it does not fit").to_string();
        text.strip_prefix(&format!("{}: ", path.display())).expect("the path").to_string()
    };
    let first = saved[0].clone();
    let cases: [(Vec<C>, &str); 6] = [
        (vec![first.clone()], "the file has `[1]`, that the tree has not"),
        ([&saved[..], &saved[..]].concat(), "the file lacks `[2]`, `[3]`, that the tree has"),
        (vec![], "the file has `[0]`, `[1]`, that the tree has not"),
        (vec![first.t(), first.clone()], "`[0]` is f32[1,3], where the tree has f32[3,1]"),
        (vec![first.clone(), C::from([1.0f32, 2.0])], "`[1]` is i32[2], where the tree has f32[2]"),
        (vec![first.clone(), C::scalar(1)], "`[1]` is i32[2], where the tree has i32[]"),
    ];
    for (like, want) in cases {
        assert_eq!(message(checkpoint::load(&path, like)), want);
    }
    let tuple = (C::scalar(1), vec![C::scalar(1); 10]);
    let names = "`[1][0]`, `[1][1]`, `[1][2]`, `[1][3]`, `[1][4]`, `[1][5]`, `[1][6]`, `[1][7]` and 2 more";
    assert_eq!(
        message(checkpoint::load(&path, tuple).map(|_| Vec::new())),
        format!("the file lacks {names}, that the tree has; it has `[1]`, that the tree has not")
    );
    let file = Checkpoint::open(&path).unwrap();
    assert!(matches!(file.array("[2]"), Err(Error::Names { missing, .. }) if missing == ["[2]"]));
    assert_eq!((file.ty("[1]").unwrap().to_string(), file.ty("[2]")), ("i32[2]".to_string(), None));
}

#[test]
fn a_dtype_that_no_tensor_has() {
    let folder = Folder::new();
    let path = folder.file("x");
    let header = br#"{"[0]":{"dtype":"F8_E4M3","shape":[2,2],"data_offsets":[0,4]}}"#;
    write(&path, &file_of(header, &[0; 4]));
    let file = Checkpoint::open(&path).unwrap();
    assert_eq!((file.names().collect::<Vec<_>>(), file.ty("[0]")), (vec!["[0]"], None));
    assert!(matches!(file.array("[0]"), Err(Error::UnknownDType { found, .. }) if found == "F8_E4M3[2, 2]"));
    let error = file.load(vec![C::zeros([2, 2], DType::U8)]).unwrap_err().to_string();
    assert!(error.ends_with("`[0]` is F8_E4M3[2, 2], where the tree has u8[2,2]"), "{error}");
}

#[test]
fn a_bool_that_is_none() {
    let folder = Folder::new();
    let path = folder.file("x");
    let header = br#"{"a[0]":{"dtype":"BOOL","shape":[2,2],"data_offsets":[0,4]}}"#;
    write(&path, &file_of(header, &[1, 0, 2, 1]));
    let error = Checkpoint::open(&path).unwrap().array("a[0]").unwrap_err();
    assert!(matches!(&error, Error::Bool { name, index: 2, found: 2, .. } if name == "a[0]"), "{error}");
}

#[test]
fn a_file_that_shrinks_after_it_was_opened() {
    let folder = Folder::new();
    let path = folder.file("x");
    checkpoint::save(&path, &small()).unwrap();
    let file = Checkpoint::open(&path).unwrap();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(20).unwrap();
    let error = file.load(small()).unwrap_err();
    assert!(
        matches!(&error, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::UnexpectedEof),
        "{error}"
    );
}
