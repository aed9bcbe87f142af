//! The expected results, as `oracle/make.py` wrote them: a file for each kind of operation, one line for each key.

use crate::sample::Expect;
use crate::{Sample, bits};
use flate2::read::GzDecoder;
use plywood_core::{Array, DType, OpKind, Shape};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};

macro_rules! names { ($($name:ident $Kind:ident;)*) => {
    /// The name of a kind's file.
    pub fn file_name(kind: OpKind) -> &'static str {
        match kind { $(OpKind::$Kind => stringify!($name),)* }
    }
} }
crate::for_each_kind!(names);

/// An output that is expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The output.
    pub array: Array,
    /// For sums, the sum of the terms' magnitudes at each place.
    pub scale: Option<Vec<f64>>,
}

/// The expected results of a kind of operation, by key. They are decoded when they are asked for.
#[derive(Debug)]
pub struct Oracle {
    /// What made them: versions of Python's packages.
    pub head: String,
    lines: HashMap<u64, String>,
}

impl Oracle {
    /// Reads the committed file of a kind.
    pub fn load(kind: OpKind) -> Result<Oracle, String> {
        let path = format!("{}/oracle/expected/{}.jsonl.gz", env!("CARGO_MANIFEST_DIR"), file_name(kind));
        let file = File::open(&path).map_err(|e| format!("{path}: {e}; run oracle/make.py"))?;
        let mut reader = BufReader::new(GzDecoder::new(file)).lines();
        let head = reader.next().ok_or("an empty file")?.map_err(|e| e.to_string())?;
        let mut lines = HashMap::new();
        for line in reader {
            let line = line.map_err(|e| e.to_string())?;
            // Each line begins `{"key":"0123456789abcdef",`, so that it need not be parsed to be found.
            let key = line.get(8..24).and_then(|k| u64::from_str_radix(k, 16).ok());
            lines.insert(key.ok_or_else(|| format!("a line without a key: {line:.80}"))?, line);
        }
        Ok(Oracle { head, lines })
    }

    /// How many results there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The keys that are not in `known`.
    pub fn superfluous(&self, known: impl Fn(u64) -> bool) -> Vec<String> {
        self.lines.keys().filter(|k| !known(**k)).map(|k| format!("{k:016x}")).collect()
    }

    /// What is expected of a sample; `None` where the table says that there is nothing. An error where there should be
    /// something and is not: the sample is new, or was changed.
    pub fn expected(&self, sample: &Sample) -> Result<Option<Vec<Expected>>, String> {
        if let Expect::Nothing(_) = sample.expect {
            return Ok(None);
        }
        let Some(line) = self.lines.get(&sample.key()) else {
            return Err(
                "the oracle has no result for it: it is new, or its inputs were changed; run oracle/make.py"
                    .into(),
            );
        };
        parse(line).map(Some).map_err(|e| format!("its line of the oracle: {e}"))
    }
}

fn parse(line: &str) -> Result<Vec<Expected>, String> {
    let json: Json = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let outputs = json["outputs"].as_array().ok_or("no outputs")?;
    outputs.iter().map(parse_output).collect()
}

fn parse_output(output: &Json) -> Result<Expected, String> {
    let name = output["dtype"].as_str().ok_or("no dtype")?;
    let dtype = DType::ALL.into_iter().find(|d| d.name() == name).ok_or("an unknown dtype")?;
    let sizes = output["shape"].as_array().ok_or("no shape")?;
    let shape: Option<Shape> = sizes.iter().map(|n| n.as_u64().map(|n| n as usize)).collect();
    let shape = shape.ok_or("a size that is no number")?;
    let array = bits::from_hex(dtype, shape.clone(), output["hex"].as_str().ok_or("no data")?)?;
    let scale = match output.get("scale") {
        None => None,
        Some(text) => {
            // As f32 where its range is enough, otherwise as f64.
            let text = text.as_str().ok_or("no scale")?;
            let narrow = text.len() == 8 * shape.elements();
            let scale = bits::from_hex(if narrow { DType::F32 } else { DType::F64 }, shape, text)?;
            Some(match scale.as_slice::<f32>() {
                Some(scale) => scale.iter().map(|&x| x.into()).collect(),
                None => scale.into_vec().ok_or("a scale is of floats")?,
            })
        }
    };
    Ok(Expected { array, scale })
}
