//! A side as a process: started, bound to its cores, asked, and ended with its input.

use crate::Result;
use crate::options::cores;
use plywood_benches::peers::protocol::{Built, Timed};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Between two sides: the threads of the last one stop spinning.
const PAUSE: Duration = Duration::from_millis(30);

/// A process that answers for one side.
pub struct Side {
    /// Its name.
    pub name: String,
    /// What it says of itself, or why it is left out.
    pub version: String,
    child: Child,
    /// What it is asked through; nothing once it has gone.
    lines: Option<(ChildStdin, BufReader<ChildStdout>)>,
}

/// A command on so many cores, with as many threads.
pub fn pinned(program: &Path, args: &[String], threads: usize) -> Command {
    let mut command = match cfg!(target_os = "linux") && threads < cores() {
        true => {
            let mut taskset = Command::new("taskset");
            taskset.arg("--cpu-list").arg(format!("0-{}", threads - 1)).arg(program);
            taskset
        }
        false => Command::new(program),
    };
    command.args(args).env("RAYON_NUM_THREADS", threads.to_string());
    command
}

impl Side {
    /// Starts it; its errors go to a file of its name in the folder.
    pub fn start(name: &str, folder: &Path, threads: usize, program: &Path, args: &[String]) -> Result<Side> {
        let mut command = pinned(program, args, threads);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(File::create(folder.join(format!("{name}.log")))?);
        let mut child = command.spawn().map_err(|e| format!("{command:?}: {e}"))?;
        let input = child.stdin.take().expect("it was asked for");
        let mut output = BufReader::new(child.stdout.take().expect("it was asked for"));
        let mut line = String::new();
        output.read_line(&mut line)?;
        let (version, lines) = match line.trim_end().split_once('\t') {
            Some(("ready", version)) => (version.to_string(), Some((input, output))),
            Some((_, error)) => (format!("{error}: left out"), None),
            None => (format!("{name} did not start, see {name}.log: left out"), None),
        };
        Ok(Side { name: name.to_string(), version, child, lines })
    }

    fn ask(&mut self, question: &str) -> Option<String> {
        let (input, output) = self.lines.as_mut()?;
        let mut line = String::new();
        let asked = writeln!(input, "{question}").and_then(|()| input.flush());
        match asked.and_then(|()| output.read_line(&mut line)) {
            Ok(read) if read > 0 => Some(line),
            _ => {
                eprintln!("{} went away at {question:?}: see {}.log", self.name, self.name);
                self.lines = None;
                None
            }
        }
    }

    /// Makes a case; `None` where the side has none, or failed, which is said.
    pub fn build(&mut self, case: &str) -> Option<Built> {
        let line = self.ask(&format!("build\t{case}"))?;
        Built::parse(&line).unwrap_or_else(|error| {
            eprintln!("{}: {case}: {error}", self.name);
            None
        })
    }

    /// Times the case that was made.
    pub fn time(&mut self, seconds: f64) -> Option<Timed> {
        self.lines.as_ref()?;
        std::thread::sleep(PAUSE);
        Timed::parse(&self.ask(&format!("time\t{seconds}"))?)
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // It ends with its input.
        self.lines = None;
        let _ = self.child.wait();
    }
}
