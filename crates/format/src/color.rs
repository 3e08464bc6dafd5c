//! Colours of a terminal.

use std::fmt;
use std::str::FromStr;

use hydra_record::Level;

use crate::error::{Error, ErrorKind};

/// A foreground colour.
///
/// # Examples
/// ```
/// use hydra_format::Color;
/// assert_eq!(Color::BrightRed.name().parse(), Ok(Color::BrightRed));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Color {
    /// Red.
    Red = 31,
    /// Green.
    Green = 32,
    /// Yellow.
    Yellow = 33,
    /// Blue.
    Blue = 34,
    /// Magenta.
    Magenta = 35,
    /// Cyan.
    Cyan = 36,
    /// White.
    White = 37,
    /// Bright red.
    BrightRed = 91,
    /// Bright green.
    BrightGreen = 92,
    /// Bright yellow.
    BrightYellow = 93,
    /// Bright blue.
    BrightBlue = 94,
    /// Bright magenta.
    BrightMagenta = 95,
    /// Bright cyan.
    BrightCyan = 96,
    /// Bright white.
    BrightWhite = 97,
}

impl Color {
    /// All colours.
    pub const ALL: [Color; 14] = [
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::White,
        Color::BrightRed,
        Color::BrightGreen,
        Color::BrightYellow,
        Color::BrightBlue,
        Color::BrightMagenta,
        Color::BrightCyan,
        Color::BrightWhite,
    ];

    /// Returns the name used in configurations: `red`, `bright_red`.
    pub const fn name(self) -> &'static str {
        match self {
            Color::Red => "red",
            Color::Green => "green",
            Color::Yellow => "yellow",
            Color::Blue => "blue",
            Color::Magenta => "magenta",
            Color::Cyan => "cyan",
            Color::White => "white",
            Color::BrightRed => "bright_red",
            Color::BrightGreen => "bright_green",
            Color::BrightYellow => "bright_yellow",
            Color::BrightBlue => "bright_blue",
            Color::BrightMagenta => "bright_magenta",
            Color::BrightCyan => "bright_cyan",
            Color::BrightWhite => "bright_white",
        }
    }

    /// Returns `text` in this colour, followed by the reset.
    pub(crate) fn paint(self, text: &str) -> String {
        format!("{}{text}{RESET}", self.start())
    }

    pub(crate) fn start(self) -> String {
        format!("\x1b[{}m", self as u8)
    }
}

/// Ends every colour.
pub(crate) const RESET: &str = "\x1b[0m";

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Color {
    type Err = Error;

    /// Reads a name, in any case.
    fn from_str(text: &str) -> Result<Color, Error> {
        let found = Color::ALL
            .into_iter()
            .find(|color| color.name().eq_ignore_ascii_case(text.trim()));
        found.ok_or_else(|| {
            let names = Color::ALL.map(Color::name).join(", ");
            Error::new(
                ErrorKind::UnknownColor,
                format!("unknown colour `{text}`; the colours are {names}"),
            )
        })
    }
}

/// The colour of each level's name, and of the layer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colors {
    /// Of `TRACE`.
    pub trace: Color,
    /// Of `DEBUG`.
    pub debug: Color,
    /// Of `INFO`.
    pub info: Color,
    /// Of `WARNING`.
    pub warning: Color,
    /// Of `ERROR`.
    pub error: Color,
    /// Of `CRITICAL`.
    pub critical: Color,
    /// Of the layer.
    pub layer: Color,
}

impl Default for Colors {
    /// White, cyan, green, yellow, red, bright red; the layer is magenta.
    fn default() -> Colors {
        Colors {
            trace: Color::White,
            debug: Color::Cyan,
            info: Color::Green,
            warning: Color::Yellow,
            error: Color::Red,
            critical: Color::BrightRed,
            layer: Color::Magenta,
        }
    }
}

impl Colors {
    /// Returns the colour of a level's name.
    pub fn of(&self, level: Level) -> Color {
        match level {
            Level::Trace => self.trace,
            Level::Debug => self.debug,
            Level::Info => self.info,
            Level::Warning => self.warning,
            Level::Error => self.error,
            Level::Critical => self.critical,
        }
    }
}
