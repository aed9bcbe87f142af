//! The interpreter of the sides in Python, with what they need.

use crate::Result;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// That of the environment named by `PEERS_VENV`, or of one in the folder, made if need be.
pub fn interpreter(folder: &Path) -> Result<PathBuf> {
    if let Some(venv) = std::env::var_os("PEERS_VENV") {
        let python = Path::new(&venv).join("bin/python");
        return match python.exists() {
            true => Ok(python),
            false => Err(format!("PEERS_VENV: there is no {}", python.display()).into()),
        };
    }
    let wanted = Path::new(env!("CARGO_MANIFEST_DIR")).join("requirements.txt");
    let venv = folder.join("venv");
    let (python, complete) = (venv.join("bin/python"), venv.join("complete"));
    let list = std::fs::read_to_string(&wanted)?;
    if std::fs::read_to_string(&complete).is_ok_and(|done| done == list) {
        return Ok(python);
    }
    eprintln!("installing into {} (once)", venv.display());
    let run = |command: &mut Command| match command.stdout(Stdio::null()).status()? {
        status if status.success() => Ok(()),
        status => Err(Box::<dyn std::error::Error>::from(format!("{command:?}: {status}"))),
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--requirement"]).arg(&wanted))?;
    std::fs::write(complete, list)?;
    Ok(python)
}
