//! What the documents say is there: the cases that `docs/derivatives.md` names, the calls in `docs/numpy.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The cells of the rows of a document's tables, without heads.
fn rows(document: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = document.lines().collect();
    let is_head = |i: usize| lines.get(i + 1).is_some_and(|next| next.starts_with("|---"));
    let is_row = |i: usize| lines[i].starts_with("| ") && !is_head(i);
    (0..lines.len())
        .filter(|&i| is_row(i))
        .map(|i| lines[i].trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

/// What stands between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// `file: "case", "case"` as a file and cases.
fn reference(code: &str) -> Option<(&str, Vec<&str>)> {
    let (file, cases) = code.strip_suffix('"')?.split_once(": \"")?;
    Some((file, cases.split("\", \"").collect()))
}

/// Whether a file has a case: a line of numbers of that name, else a test.
fn has(file: &str, case: &str) -> bool {
    let numbers = match file.strip_suffix(".rs").expect("a file of Rust") {
        "tests/derivatives" => Some("tests/derivatives_oracle.txt".to_string()),
        calls if calls.starts_with("tests/calls/") => Some(format!("{calls}.txt")),
        _ => None,
    };
    match numbers {
        Some(numbers) => read(numbers).lines().any(|line| line.split('\t').next() == Some(case)),
        None => {
            let text = read(file);
            text.contains(&format!("fn {case}()")) || text.contains(&format!("modes!({case},"))
        }
    }
}

#[test]
fn each_rule_on_derivatives_has_cases() {
    let document = read("docs/derivatives.md");
    let (mut wrong, mut count) = (Vec::new(), 0);
    for row in rows(&document) {
        let [rule, shown] = row[..] else { panic!("{row:?}: a rule and its cases") };
        if code(shown).filter_map(reference).next().is_none() {
            wrong.push(format!("{rule}: no case"));
        }
    }
    for (file, cases) in document.lines().flat_map(code).filter_map(reference) {
        count += cases.len();
        wrong.extend(cases.iter().filter(|case| !has(file, case)).map(|case| format!("{file}: {case}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 100, "only {count} cases were found");
    assert!(!has("tests/derivatives.rs", "maximu") && !has("tests/api.rs", "tensors"), "names are whole");
}

/// Public functions by name, and how many arguments they take without `self`.
type Functions = BTreeMap<String, BTreeSet<usize>>;

/// The text inside the bracket that `text` begins with, and the text behind it.
fn inside(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    for (i, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&text[1..i], &text[i + 1..]));
        }
    }
    None
}

/// How many arguments a list has.
fn arguments(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut all) = (0, 0, Vec::new());
    for (i, c) in list.char_indices() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' => depth -= 1,
            ',' if depth == 0 => {
                all.push(list[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    all.push(list[start..].trim());
    all.retain(|a| !a.is_empty());
    all
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

fn functions_of(source: &str, all: &mut Functions) {
    // An arrow closes no bracket.
    let source = &source.replace("->", "=:");
    // `impl From` has no `pub`.
    let heads = ["pub fn ", "pub const fn ", "    fn from("];
    let behind = |head: &'static str| source.split(head).skip(1).map(move |text| (head, text));
    let declared = heads.into_iter().flat_map(behind);
    let declared = declared.map(|(head, text)| if head.ends_with('(') { "from(x)" } else { text });
    for text in declared {
        let name = word(text);
        let mut rest = &text[name.len()..];
        if rest.starts_with('<') {
            rest = inside(rest).map_or("", |(_, behind)| behind);
        }
        let Some((list, _)) = rest.starts_with('(').then(|| inside(rest)).flatten() else { continue };
        let takes = arguments(list).iter().filter(|a| !a.ends_with("self")).count();
        all.entry(name.to_string()).or_default().insert(takes);
    }
    // What macros make: reductions in three forms, and pools.
    for line in source.lines().map(str::trim) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            [name, axes, keep, "|x,", ..] => {
                for (name, takes) in [(name, 0), (axes, 1), (keep, 1)] {
                    all.entry(name.to_string()).or_default().insert(takes);
                }
            }
            [name, "Max;" | "Min;" | "Sum;"] => _ = all.entry(name.to_string()).or_default().insert(4),
            _ => {}
        }
    }
}

/// The functions of what users see of the packages.
fn functions() -> Functions {
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in [
        "core/src/tensor",
        "core/src/nn",
        "core/src/math",
        "core/src/random",
        "core/src/tree",
        "core/src/control",
        "autodiff/src/partial",
    ] {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() { folders.push(path) } else { paths.push(path) }
            }
        }
    }
    let files = ["fft", "linalg", "math", "random", "record", "library/linalg/functions"];
    paths.extend(files.map(|f| PathBuf::from(format!("core/src/{f}.rs"))));
    paths.extend(["grad", "push", "custom", "graphs"].map(|f| PathBuf::from(format!("autodiff/src/{f}.rs"))));
    let mut all = Functions::new();
    paths.iter().for_each(|path| functions_of(&read(path), &mut all));
    all
}

/// Whether it is the name of a function, not of a type or a variant, nor the end of a name.
fn is_function(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
}

/// What a piece of Rust calls: names, and with how many arguments; a name alone calls itself.
fn calls(code: &str) -> Vec<(&str, Option<usize>)> {
    if is_function(code) && word(code) == code {
        return vec![(code, None)];
    }
    let mut all = Vec::new();
    let starts = code.char_indices().map(|(i, _)| i).filter(|&i| {
        let before = code[..i].chars().next_back();
        !word(&code[i..]).is_empty() && before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_')
    });
    for i in starts {
        let name = word(&code[i..]);
        let mut rest = &code[i + name.len()..];
        if let Some(generic) = rest.strip_prefix("::").filter(|r| r.starts_with('<')) {
            rest = inside(generic).map_or("", |(_, behind)| behind);
        }
        if rest.starts_with('(') && is_function(name) {
            let (list, _) = inside(rest).unwrap_or_else(|| panic!("{code}: a bracket is open"));
            all.push((name, Some(arguments(list).len())));
        }
    }
    all
}

#[test]
fn calls_in_the_table_for_numpys_users_exist() {
    let functions = functions();
    let document = read("docs/numpy.md");
    let (document, _) = document.split_once("## What is missing").expect("the last section");
    let (mut wrong, mut count) = (Vec::new(), 0);
    let mut check = |row: &[&str], name: &str, takes: Option<usize>| {
        count += 1;
        let known = functions.get(name).is_some_and(|all| takes.is_none_or(|n| all.contains(&n)));
        if !known {
            let there =
                functions.get(name).map_or("no such function".into(), |all| format!("it takes {all:?}"));
            wrong.push(format!("{name} with {takes:?} arguments: {there}, in {row:?}"));
        }
    };
    for row in rows(document) {
        let [theirs, ours] = row[..] else { panic!("{row:?}: two cells") };
        for (name, takes) in code(ours).flat_map(calls) {
            check(&row, name, takes);
        }
        if ours.contains("the same names") {
            // `lax.erf(x)` is erf; an option is none; `_axes` is an end that all of them may have.
            let names = code(theirs).filter(|c| !c.contains('=')).map(|c| c.split('(').next().unwrap_or(c));
            for name in names.map(|name| name.rsplit('.').next().unwrap_or(name)) {
                let ends = code(ours).filter(|c| c.starts_with('_'));
                [""].into_iter().chain(ends).for_each(|end| check(&row, &format!("{name}{end}"), None));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 400, "only {count} calls were found");
}
