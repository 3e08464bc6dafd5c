//! A context goes with the work it was set for: over calls, awaits, tasks and threads, and never to other work.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as Poller, Poll};

use hydra_logger::context::{self, Context, WithContext};
use hydra_logger::{AsyncHydraLogger, HydraLogger, Level, info};
use serde_json::json;
use support::Fixture;

const TASKS: u64 = 1000;

fn fixture() -> Fixture {
    Fixture::new(&[("DEFAULT", Level::Info)], &[])
}

/// Gives the executor's other tasks a turn, and comes back on any of its threads.
#[derive(Default)]
struct Turn(bool);

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        poller.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Macros, methods and layer handles, sync and async, record the context in force, apart from their own fields.
#[test]
fn every_call_carries_it() {
    let fixture = fixture();
    let log = &fixture.log;
    context::with(Context::new().field("id", 7).field("tenant", "acme"), || {
        info!(log, "macro {id}", id = 1; ok = true);
        log.info("DEFAULT", "method");
        log.layer("DEFAULT").info("layer");
        log.layer("DEFAULT").record(Level::Info, "parsed", &[]);
        info!(log.handle(), "async");
    });
    info!(log, "outside");
    let records = fixture.records();
    assert_eq!(records.len(), 6);
    for record in &records[..5] {
        assert_eq!(record["context"], json!({ "id": 7, "tenant": "acme" }), "{record}");
    }
    assert_eq!(records[0]["extra"], json!({ "id": 1, "ok": true }));
    assert!(records[5].get("context").is_none());
}

/// Inner contexts add to outer ones and go over them; at the end, also at that of a panic, the outer one is back.
#[test]
fn scopes_nest_and_end() {
    let shown = || context::current().to_string();
    context::with([("a", 1), ("b", 2)], || {
        context::with([("b", 3)], || assert_eq!(shown(), "a=1 b=3"));
        assert_eq!(shown(), "a=1 b=2");
        let panicked = catch_unwind(|| context::with(vec![("c", "x")], || panic!("on purpose: {}", shown())));
        assert!(panicked.is_err());
        assert_eq!(shown(), "a=1 b=2");
        Context::new().run(|| assert!(context::current().is_empty()));
        let entered = Context::new().field("d", 4).enter();
        assert_eq!(shown(), "d=4");
        drop(entered);
        assert_eq!(shown(), "a=1 b=2");
    });
    assert!(context::current().is_empty());
}

/// A future that panics, or is dropped half-way, leaves no context behind, and is dropped within its own.
#[test]
fn futures_leave_nothing_behind() {
    struct Last<'l>(&'l HydraLogger);
    impl Drop for Last<'_> {
        fn drop(&mut self) {
            info!(self.0, "dropped");
        }
    }
    let fixture = fixture();
    let mut poller = Poller::from_waker(std::task::Waker::noop());
    let mut half = Box::pin(
        async {
            let _last = Last(&fixture.log);
            std::future::pending::<()>().await;
        }
        .with_context([("id", 1)]),
    );
    assert!(half.as_mut().poll(&mut poller).is_pending());
    assert!(context::current().is_empty());
    drop(half);
    let mut panics = Box::pin(async { panic!("on purpose") }.with_context([("id", 2)]));
    let polled = catch_unwind(AssertUnwindSafe(|| panics.as_mut().poll(&mut poller)));
    assert!(polled.is_err() && context::current().is_empty());
    assert_eq!(fixture.records()[0]["context"], json!({ "id": 1 }));
}

/// A snapshot takes the context to another thread.
#[test]
fn goes_to_threads() {
    let fixture = fixture();
    context::with([("id", 5)], || {
        let (here, log) = (context::current(), fixture.log.clone());
        let thread = std::thread::spawn(move || {
            info!(log, "without");
            let _entered = here.enter();
            info!(log, "with");
        });
        thread.join().unwrap();
    });
    let records = fixture.records();
    assert_eq!(
        (records[0].get("context"), &records[1]["context"]),
        (None, &json!({ "id": 5 }))
    );
}

/// One task's work, which begins another: each record tells its task by a field, and must tell it by its context too.
async fn task<S, J>(log: AsyncHydraLogger, number: u64, spawn: S)
where
    S: Fn(Pin<Box<dyn Future<Output = ()> + Send>>) -> J,
    J: Future,
{
    for step in 0..3 {
        let _ = info!(log, "outer"; number, step).await;
        Turn::default().await;
    }
    let inner = {
        let log = log.clone();
        async move {
            let _ = info!(log, "nested"; number, step = 3).await;
            Turn::default().await;
            async { drop(info!(log, "deep"; number, step = 4)) }
                .with_context([("deep", number)])
                .await;
            let _ = info!(log, "nested"; number, step = 5).await;
        }
    };
    let began = spawn(Box::pin(inner.with_context([("child", number + TASKS)])));
    let _ = info!(log, "outer"; number, step = 6).await;
    began.await;
    let unwrapped = {
        let log = log.clone();
        async move { drop(info!(log, "bare"; number)) }
    };
    spawn(Box::pin(unwrapped)).await;
}

fn check(fixture: &Fixture) {
    let records = fixture.records();
    assert_eq!(records.len() as u64, TASKS * 8);
    for record in records {
        let number = &record["extra"]["number"];
        let child = number.as_u64().unwrap() + TASKS;
        let expected = match record["message"].as_str().unwrap() {
            "outer" => json!({ "task": number }),
            "nested" => json!({ "task": number, "child": child }),
            "deep" => json!({ "task": number, "child": child, "deep": number }),
            _ => serde_json::Value::Null,
        };
        assert_eq!(
            record.get("context").unwrap_or(&serde_json::Value::Null),
            &expected,
            "{record}"
        );
    }
}

/// A thousand tasks on tokio's threads, each with tasks of its own: no record carries another task's context.
#[test]
fn tasks_of_tokio_keep_theirs() {
    let fixture = fixture();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..TASKS)
            .map(|number| {
                let work = task(
                    fixture.log.handle(),
                    number,
                    tokio::spawn::<Pin<Box<dyn Future<Output = ()> + Send>>>,
                );
                tokio::spawn(work.with_context([("task", number)]))
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    check(&fixture);
}

/// Likewise on smol.
#[test]
fn tasks_of_smol_keep_theirs() {
    let fixture = fixture();
    let executor = std::sync::Arc::new(smol::Executor::new());
    let (stop, stopped) = smol::channel::unbounded::<()>();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (executor, stopped) = (executor.clone(), stopped.clone());
            std::thread::spawn(move || smol::block_on(executor.run(stopped.recv())).is_err())
        })
        .collect();
    smol::block_on(async {
        let tasks: Vec<_> = (0..TASKS)
            .map(|number| {
                let spawner = executor.clone();
                let work = task(fixture.log.handle(), number, move |work| spawner.spawn(work));
                executor.spawn(work.with_context([("task", number)]))
            })
            .collect();
        for task in tasks {
            task.await;
        }
    });
    drop(stop);
    assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
    check(&fixture);
}
