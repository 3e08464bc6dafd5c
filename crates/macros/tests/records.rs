//! What a call makes: text, typed fields, layer, level and place.
#![deny(warnings)]
#![allow(missing_docs, clippy::unwrap_used)]

mod mock;
pub use mock::__private;
#[macro_use]
#[path = "../../logger/src/macros.rs"]
mod macros;

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU8;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hydra_record::Level;
use mock::Logger;

fn fresh() -> Logger {
    Logger::new(Level::Trace)
}

/// A type with a `Display` and a `Debug` of its own.
#[derive(Debug)]
struct Order(u32);

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("#{}", self.0))
    }
}

/// The calls of the contract give the message as `format!` does, and typed fields.
#[test]
fn the_contract() {
    let log = fresh();
    let addr = "10.0.0.1";
    info!(log, layer: "API", "user {id} logged in from {ip}", id = 42, ip = addr);
    let kept = log.one();
    assert_eq!((kept.level, kept.layer.as_str()), (Level::Info, "API"));
    assert_eq!(kept.message, "user 42 logged in from 10.0.0.1");
    assert_eq!(kept.template, "user {id} logged in from {ip}");
    kept.has(&["id=I64(42)", "ip=Str(\"10.0.0.1\")"]);

    let inline = 3u8;
    info!(log, layer: "API", "plain text, captured {inline}");
    log.one().has(&["inline=U64(3)"]);

    info!(log, layer: "API", "took {ms:.2} ms", ms = 1.25; tenant = "acme", attempt = 3);
    let kept = log.one();
    assert_eq!(kept.message, "took 1.25 ms");
    kept.has(&["ms=F64(1.25)", "tenant=Str(\"acme\")", "attempt=I64(3)"]);

    info!(log, "to the layer DEFAULT, positional {}", 7);
    let kept = log.one();
    assert_eq!(
        (kept.layer.as_str(), kept.message.as_str()),
        ("DEFAULT", "to the layer DEFAULT, positional 7")
    );
    kept.has(&["0=I64(7)"]);
}

/// A record knows where its call stands.
#[test]
fn the_place() {
    let log = fresh();
    info!(log, "here");
    let line = line!() - 1;
    assert_eq!(log.one().place, (file!().to_owned(), line, module_path!().to_owned()));
}

/// Each macro has its level; `log!` takes it from an expression.
#[test]
fn levels() {
    let log = fresh();
    trace!(log, "x");
    assert_eq!(log.one().level, Level::Trace);
    debug!(log, "x");
    assert_eq!(log.one().level, Level::Debug);
    warning!(log, "x");
    assert_eq!(log.one().level, Level::Warning);
    warn!(log, "x");
    assert_eq!(log.one().level, Level::Warning);
    error!(log, "x");
    assert_eq!(log.one().level, Level::Error);
    critical!(log, "x");
    assert_eq!(log.one().level, Level::Critical);
    for level in Level::ALL {
        log!(log, level: level, layer: "A", "x {}", 1; a = 2,);
        let kept = log.one();
        assert_eq!((kept.level, kept.layer.as_str()), (level, "A"));
        log!(log, layer: "A", level: level, "x");
        assert_eq!(log.one().level, level);
    }
}

/// The message is `format!`'s, whatever the form, and the field keeps the value's type.
#[test]
fn same_text_as_format() {
    let log = fresh();
    macro_rules! same {
        ([$($fields:literal),*] $($call:tt)*) => {
            info!(log, $($call)*);
            let kept = log.one();
            assert_eq!(kept.message, format!($($call)*));
            kept.has(&[$($fields),*]);
        };
    }
    let (x, w, p, s) = (-7i32, 9usize, 2usize, "text");
    same!([] "");
    same!([] "{{}} }}{{");
    same!(["x=I64(-7)"] "{x}{x}{x:?}{x:>5}{x:<5}|{x:^+7}|{x:05}|{x:é^6}|{x:}>5}|{x: }|{x :4 }");
    same!(["x=I64(-7)"] "{x:x} {x:#X} {x:#034b} {x:o} {x:+x} {x}");
    same!(["x=I64(-7)"] "{x:e} {x:.1e} {x:E}");
    same!(["x=I64(-7)"] "{x:w$}{x:.p$}{x:w$.p$}{x:#?}");
    same!(["0=F64(1.0)", "1=U64(3)"] "{:1$}", 1.0, 3usize);
    same!(["1=F64(1.5)", "0=U64(3)"] "{:.*}", 3usize, 1.5);
    same!(["1=F64(1.5)", "2=U64(8)", "0=U64(3)"] "{:>2$.*}", 3usize, 1.5, 8usize);
    same!(["0=U64(3)"] "{0:.*}", 3usize);
    same!(["s=Str(\"text\")"] "{s} {s:?} {s:.2} {s:>8.3}|{s:w$.p$}|{s:-<9}");
    same!(["b=I64(2)", "0=I64(1)", "c=Char('c')"] "{b} {} {c} {c:?} {0}", 1, b = 2, c = 'c');
    same!(["type=I64(1)", "match=I64(2)"] "{type} {match}", type = 1, r#match = 2);
    same!(["f=F32(0.1)", "t=Bool(true)"] "{f} {t} {t:>6} {f:.3} {f:?}", f = 0.1f32, t = true);
    same!(["0=Rendered(\"[1, 2]\")"] "{:?}", [1, 2]);
    same!(["0=Rendered(\"[01, ff]\")"] "{:02x?}", [1, 255]);
    same!(["o=Rendered(\"#5\")"] "{o} {o:?} {o:>6}|{o:#?}", o = Order(5));
    same!(["o=Rendered(\"  #5\")"] "{o:>4} {o}", o = Order(5));
    same!(["0=Rendered(\"Some(1)\")"] "{:?}", Some(1));
    same!(["0=Rendered(\"1.5s\")"] "{:?}", Duration::from_millis(1500));
    same!(["0=U128(340282366920938463463374607431768211455)"] "{:x}", u128::MAX);
    same!(["0=I128(-1)"] "{:x}", -1i128);
    same!(["0=I64(-1)"] "{:#06X}", -1i8);
    same!([] r#"raw "text" \n"#);
    same!(["x=I64(-7)"] "line one \
        goes on {x}\t\u{e9}\x41");
    same!(["x=I64(-7)"] r"{x}\n");
    same!(["0=Rendered(\"a1\")"] "{}", format_args!("a{}", 1));
}

/// Numbers and texts of every type read as `format!` shows them, in every form, at their limits too.
#[test]
fn all_forms_of_all_types() {
    let log = fresh();
    macro_rules! same {
        ($template:literal, $($value:expr),*) => {$(
            info!(log, $template, v = $value);
            assert_eq!(log.one().message, format!($template, v = $value));
        )*};
    }
    macro_rules! whole {
        ($($type:ident)*) => {$(
            same!(
                "{v} {v:?} {v:5} {v:<5}|{v:^7}|{v:*^9} {v:+} {v:+06} {v:06} {v:<06} {v:#?} {v:5?} {v:.2} {v:8.3}",
                0 as $type, 1 as $type, 100 as $type, $type::MIN, $type::MAX
            );
            same!(
                "{v:e} {v:E} {v:12e} {v:.1e} {v:x} {v:X} {v:o} {v:b} {v:#x} {v:#010x} {v:+x} {v:x?} {v:#X?} {v:<9o}|",
                0 as $type, 1 as $type, 100 as $type, $type::MIN, $type::MAX, $type::MAX / 3
            );
        )*};
    }
    whole!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);
    macro_rules! floating {
        ($($type:ident)*) => {$(
            same!(
                "{v} {v:?} {v:9} {v:<9}|{v:^9}|{v:*^9} {v:+} {v:+09} {v:09} {v:#?} {v:.0} {v:.2} {v:12.3} {v:012.3}",
                0.0 as $type, -0.0 as $type, 0.5 as $type, 1.5 as $type, 2.5 as $type, 0.1 as $type, -1e21 as $type,
                1e16 as $type, 1e-7 as $type, 1234.5 as $type, $type::MIN_POSITIVE, $type::MAX, $type::NAN,
                $type::INFINITY, $type::NEG_INFINITY
            );
            same!(
                "{v:e} {v:E} {v:.2e} {v:14e} {v:.1?} {v:+.1?} {v:014?} {v:-^14.1}",
                0.0 as $type, -0.0 as $type, 0.1 as $type, -1e21 as $type, $type::MAX, $type::NAN, $type::INFINITY
            );
        )*};
    }
    floating!(f32 f64);
    same!(
        "{v}|{v:?}|{v:8}|{v:>8}|{v:^8}|{v:.2}|{v:08}|{v:#?}|{v:*<8.3}|{v:9?}|{v:.1?}|{v:+}",
        "",
        "a",
        "grüße",
        "a\"b\n\u{7f}",
        "\u{1F600}\u{1F600}",
        'a',
        '\'',
        '\n',
        'é',
        true,
        false
    );
}

/// Everything that is a number or a text keeps its type, behind references and boxes too.
#[test]
fn types() {
    let log = fresh();
    let (string, mut number) = ("s".to_owned(), 5u16);
    info!(
        log,
        "{} {} {} {} {}",
        string,
        &string,
        &&*string,
        Cow::from("s"),
        Box::<str>::from("s")
    );
    log.one().has(&[
        "0=Str(\"s\")",
        "1=Str(\"s\")",
        "2=Str(\"s\")",
        "3=Str(\"s\")",
        "4=Str(\"s\")",
    ]);
    info!(
        log,
        "{} {} {} {}",
        Rc::<str>::from("s"),
        Arc::new(1usize),
        &mut number,
        NonZeroU8::new(9).unwrap()
    );
    log.one().has(&["0=Str(\"s\")", "1=U64(1)", "2=U64(5)", "3=U64(9)"]);
    info!(log, "{} {} {}", i64::MIN, u64::MAX, f64::NAN);
    log.one().has(&[
        "0=I64(-9223372036854775808)",
        "1=U64(18446744073709551615)",
        "2=F64(NaN)",
    ]);
}

/// Fields behind the semicolon: typed, else `Display`, else `Debug`; names may be paths, texts and keywords.
#[test]
fn fields() {
    let log = fresh();
    let (user, error) = ("ann", Order(3));
    info!(log, "m"; user, error, "content-type" = "text/html", http.status = 200, type = 'c', list = vec![1]);
    log.one().has(&[
        "user=Str(\"ann\")",
        "error=Rendered(\"#3\")",
        "content-type=Str(\"text/html\")",
        "http.status=I64(200)",
        "type=Char('c')",
        "list=Rendered(\"[1]\")",
    ]);
    let nothing: Option<&Option<u8>> = None;
    info!(log, "m"; a = Some(1), nothing, c = ?Some(1), d = ?error, e = %7);
    log.one().has(&[
        "a=I64(1)",
        "nothing=Null",
        "c=Rendered(\"Some(1)\")",
        "d=Rendered(\"Order(3)\")",
        "e=Rendered(\"7\")",
    ]);
}

/// Places are named by their path, and a semicolon or comma at the end is nothing.
#[test]
fn field_places() {
    struct Request {
        id: u64,
    }
    let (log, request) = (fresh(), Request { id: 8 });
    info!(log, "m"; request.id,);
    log.one().has(&["request.id=U64(8)"]);
    info!(log, "m",;);
    log.one().has(&[]);
    info!(&log, "{}", request.id,; %request.id,);
    log.one().has(&["0=U64(8)", "request.id=Rendered(\"8\")"]);
}
