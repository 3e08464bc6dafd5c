//! The macros work whatever names the program has given to its own things.
#![deny(warnings)]
#![allow(missing_docs, clippy::unwrap_used)]

mod mock;
pub use mock::__private;
#[macro_use]
#[path = "../../logger/src/macros.rs"]
mod macros;

/// Nothing is taken from the prelude, and nothing from modules that are called as the standard ones.
#[test]
fn no_prelude() {
    hostile::call();
}

#[no_implicit_prelude]
mod hostile {
    use crate::mock::Logger;

    mod std {}
    mod core {}
    mod alloc {}
    mod hydra_record {}
    mod hydra_macros {}
    #[allow(non_camel_case_types, dead_code)]
    struct str;
    #[allow(dead_code)]
    struct Level;
    #[allow(dead_code)]
    struct Some;
    #[allow(dead_code)]
    struct None;
    #[allow(dead_code)]
    struct Option;

    macro_rules! line {
        () => {
            "mine"
        };
    }
    macro_rules! format_args {
        ($($x:tt)*) => {
            "mine"
        };
    }

    pub(super) fn call() {
        let log = Logger::new(crate::__private::Level::Trace);
        let x = 7;
        let said = (line!(), format_args!("x"));
        crate::info!(log, layer: "A", "{x} {x:>4?} {x:#x} {} {said}", 1, said = said.0; f = 2, g = ?x, h = %x);
        ::std::assert_eq!(log.one().message, "7    7 0x7 1 mine");
        crate::log!(log, level: crate::__private::Level::Error, "done");
    }
}

/// Variables of the program's keep their meaning, even if they are called as the macro's own.
#[test]
fn same_names_as_ours() {
    #[allow(non_upper_case_globals)]
    static HYDRA_SITE: u8 = 1;
    let log = mock::Logger::new(__private::Level::Trace);
    let (hydra_site, hydra_pass, hydra_encoder, hydra_receipt) = (2, 3, 4, &log);
    let (hydra_value0, hydra_value1) = (5, 6);
    let hydra_home = 7;
    info!(
        hydra_receipt,
        "{HYDRA_SITE} {hydra_value1} {hydra_value0} {hydra_encoder} {}", hydra_pass;
        hydra_site, hydra_home, a = HYDRA_SITE
    );
    let kept = log.one();
    assert_eq!(kept.message, "1 6 5 4 3");
    assert_eq!(kept.fields.len(), 8);
}

/// A call inside an argument of a call, and one inside a `Display`, are calls of their own.
#[test]
fn calls_in_calls() {
    struct Logs<'l>(&'l mock::Logger);
    impl std::fmt::Display for Logs<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            info!(self.0, "inner");
            f.write_str("shown")
        }
    }
    let (log, other) = (
        mock::Logger::new(__private::Level::Trace),
        mock::Logger::new(__private::Level::Trace),
    );
    info!(log, "{:?} {}", info!(other, "inner {}", 1).taken, Logs(&other));
    assert_eq!((log.one().message.as_str(), other.count()), ("true shown", 2));
}

/// Programs may wrap the macros in their own: captured variables are those of the place where the template stands.
#[test]
fn wrapped_in_macros() {
    macro_rules! said {
        ($log:expr, $text:literal, $value:expr $(, $name:ident = $other:expr)*) => {{
            let hidden = 1;
            info!($log, layer: "A", $text, $value $(, $name = $other)*; hidden = hidden)
        }};
    }
    macro_rules! own_template {
        ($log:expr) => {{
            let hidden = 9;
            info!($log, "{hidden}")
        }};
    }
    macro_rules! all {
        ($($call:tt)*) => { info!($($call)*) };
    }
    let log = mock::Logger::new(__private::Level::Trace);
    let hidden = 5;
    said!(&log, "{} {hidden2} {name}", 1 + 1, name = hidden * 2, hidden2 = hidden);
    let kept = log.one();
    assert_eq!(kept.message, "2 5 10");
    own_template!(log);
    assert_eq!(log.one().message, "9");
    all!(log, layer: "B", "{hidden} {}", 2; x = 1);
    assert_eq!(log.one().message, "5 2");
}

/// A method's own value can be logged, as can what it has.
#[test]
fn in_methods() {
    #[derive(Debug)]
    struct Service {
        log: mock::Logger,
        name: String,
    }
    impl Service {
        fn call(&self) {
            info!(self.log, "{self:p} {}", self.name; self.name);
        }
    }
    let service = Service {
        log: mock::Logger::new(__private::Level::Trace),
        name: "s".to_owned(),
    };
    service.call();
    let kept = service.log.one();
    assert!(
        kept.message.ends_with(" s") && kept.message.starts_with("0x"),
        "{}",
        kept.message
    );
    assert_eq!(kept.fields[2], ("self.name".to_owned(), "Str(\"s\")".to_owned()));
}
