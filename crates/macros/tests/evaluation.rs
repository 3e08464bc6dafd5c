//! When, how often and in which order the program's expressions run, and what they may do.
#![deny(warnings)]
#![allow(missing_docs, clippy::unwrap_used)]

mod mock;
pub use mock::__private;
#[macro_use]
#[path = "../../logger/src/macros.rs"]
mod macros;

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use hydra_record::Level;
use mock::{Logger, Receipt};

/// Runs a future that never waits.
fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("it waits"),
    }
}

/// Arguments and fields are evaluated once each, in the order written; the logger and the layer before them.
#[test]
fn once_and_in_order() {
    let (log, order) = (Logger::new(Level::Info), RefCell::new(Vec::new()));
    let see = |name| {
        order.borrow_mut().push(name);
        name
    };
    let logger = || {
        see("log");
        &log
    };
    info!(
        logger(), layer: see("layer"), "{b} {} {b:?} {b:>1$} {0}", see("first"), 3usize, b = see("second");
        f = see("field")
    );
    assert_eq!(*order.borrow(), ["log", "layer", "first", "second", "field"]);
    assert_eq!(log.one().message, "second first \"second\" second first");
}

/// At a level that is disabled no argument and no field is evaluated.
#[test]
fn nothing_when_disabled() {
    let log = Logger::new(Level::Warning);
    let never = || -> u8 { panic!("evaluated") };
    let receipt = info!(log, layer: "API", "{} {x}", never(), x = never(); f = never());
    assert_eq!((receipt, log.count()), (Receipt::disabled(), 0));
    assert!(warning!(log, "x").taken);
}

/// Arguments may be temporaries, borrow from temporaries, move what they are made from, and leave the function.
#[test]
fn temporaries_and_control_flow() {
    fn leaves(log: &Logger, text: Result<&str, u8>) -> Result<Receipt, u8> {
        Ok(info!(log, "{}", text?))
    }
    let log = Logger::new(Level::Info);
    let owned = String::from("moved");
    info!(&&log, layer: String::from("A") + "B", "{} {}", String::from("abc").as_str(), owned.into_bytes().len());
    let kept = log.one();
    assert_eq!((kept.layer.as_str(), kept.message.as_str()), ("AB", "abc 5"));
    assert_eq!(leaves(&log, Err(1)), Err(1));
    assert!(leaves(&log, Ok("t")).unwrap().taken);
    assert_eq!(log.one().message, "t");
    for number in 0..2 {
        info!(log, "{}", if number == 0 { continue } else { number });
    }
    assert_eq!(log.one().message, "1");
}

/// Expressions with commas of their own are one argument.
#[test]
fn expressions_with_commas() {
    trait Pick {
        type Out;
    }
    impl<A, B> Pick for (A, B) {
        type Out = A;
    }
    type First<A, B> = <(A, B) as Pick>::Out;
    fn pair<A: Default, B: Default>() -> (A, B) {
        Default::default()
    }
    fn call(f: impl Fn(u8, u8) -> u8) -> u8 {
        f(1, 2)
    }
    let log = Logger::new(Level::Info);
    let (a, b, c) = (1, 2, 3);
    info!(
        log,
        "{:?} {:?}",
        pair::<u8, Option<Vec<u8>>>(),
        <First<u8, u8> as Into<First<u16, u8>>>::into(3)
    );
    assert_eq!(log.one().message, "(0, None) 3");
    info!(log, "{} {} {}", a < b, c > (a), a << b; d = a as First<u64, u8>, e = a > b || b > c, f = (1, 2));
    let kept = log.one();
    assert_eq!(kept.message, "true true 4");
    kept.has(&[
        "0=Bool(true)",
        "1=Bool(true)",
        "2=I64(4)",
        "d=U64(1)",
        "e=Bool(false)",
        "f=Rendered(\"(1, 2)\")",
    ]);
    info!(log, "{} {}", call(|x, y| -> First<u8, u8> { x | y }), call(|x: u8, _| x); f = call(move |_, y| y));
}

/// A field of a type that shows nothing of its own can be a closure with parameters: the comma between them is its own.
#[test]
fn closures_with_parameters() {
    struct Call<F>(F);
    impl<F: Fn(u8, u8) -> u8> fmt::Debug for Call<F> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            (self.0)(1, 2).fmt(f)
        }
    }
    impl<F> std::ops::Add<F> for Call<()> {
        type Output = Call<F>;
        fn add(self, other: F) -> Call<F> {
            Call(other)
        }
    }
    let log = Logger::new(Level::Info);
    info!(
        log,
        "{:?} {:?}",
        Call(()) + |x: u8, y: u8| x + y,
        Call(()) + |_: u8, _: u8| -> u8 { 7 }
    );
    assert_eq!(log.one().message, "3 7");
}

/// A panic in a `Display` spoils its own value only.
#[test]
fn panics_in_display() {
    struct Bad;
    impl fmt::Display for Bad {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("on purpose")
        }
    }
    let log = Logger::new(Level::Info);
    info!(log, "{} {} {:>9}", 1, Bad, Bad; f = Bad, g = %Bad);
    let kept = log.one();
    assert_eq!(kept.message, "1 <panicked while rendering> <panicked while rendering>");
    kept.has(&["0=I64(1)", "1=Panicked", "2=Panicked", "f=Panicked", "g=Panicked"]);
}

/// In generic functions a parameter is shown by the trait it is known to have.
#[test]
fn generic_functions() {
    fn shown<L: mock::Target, T: fmt::Display + ?Sized, D: fmt::Debug>(log: &L, value: &T, other: D) {
        info!(log, "{value} {other:?} {value:>4}"; value2 = value, other2 = other);
    }
    fn opaque() -> impl fmt::Display {
        5
    }
    let log = Logger::new(Level::Info);
    shown(&log, "t", Some(1));
    let kept = log.one();
    assert_eq!(kept.message, "t Some(1)    t");
    kept.has(&[
        "value=Rendered(\"t\")",
        "other=Rendered(\"Some(1)\")",
        "value2=Rendered(\"t\")",
        "other2=Rendered(\"Some(1)\")",
    ]);
    info!(log, "{} {}", opaque(), &opaque() as &dyn fmt::Display);
    assert_eq!(log.one().message, "5 5");
}

/// The receipt is awaited in futures that threads may share: nothing of the call is held meanwhile.
#[test]
fn async_functions() {
    fn sendable<T>(future: impl Future<Output = T> + Send) -> T {
        run(future)
    }
    async fn fetch() -> u8 {
        4
    }
    async fn calls(log: Arc<Logger>, guarded: Arc<std::sync::Mutex<String>>) -> Result<(), String> {
        info!(log.as_ref(), "{} {:?}", format_args!("{}", 1), std::rc::Rc::new(2)).await?;
        let receipt = info!(log.as_ref(), layer: guarded.lock().unwrap().as_str(), "x");
        receipt.await?;
        info!(log.as_ref(), "{}", fetch().await; b = fetch().await).await?;
        Ok(())
    }
    let log = Arc::new(Logger::new(Level::Info));
    let guarded = Arc::new(std::sync::Mutex::new("A".to_owned()));
    assert_eq!(sendable(calls(log.clone(), guarded)), Ok(()));
    assert_eq!(log.count(), 3);
}
