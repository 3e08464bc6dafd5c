//! Colour, where somebody wants to see it.

use std::fmt::Display;
use std::io::IsTerminal as _;

use hydra_logger::ColorMode;

/// Paints, or leaves as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// For standard output: `auto` means a terminal, unless `NO_COLOR` is set or the terminal is a dumb one.
    pub(crate) fn for_stdout(mode: Option<ColorMode>) -> Paint {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let on = match mode.unwrap_or(ColorMode::Auto) {
            ColorMode::Always => true,
            ColorMode::Never => false,
            ColorMode::Auto => {
                let refused = set("NO_COLOR").is_some() || set("TERM").is_some_and(|term| term == "dumb");
                !refused && std::io::stdout().is_terminal()
            }
        };
        Paint { on }
    }

    pub(crate) fn bold(self, text: impl Display) -> String {
        self.with("1", text)
    }

    pub(crate) fn dim(self, text: impl Display) -> String {
        self.with("2", text)
    }

    pub(crate) fn green(self, text: impl Display) -> String {
        self.with("32", text)
    }

    pub(crate) fn red(self, text: impl Display) -> String {
        self.with("31", text)
    }

    fn with(self, code: &str, text: impl Display) -> String {
        if self.on {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}
