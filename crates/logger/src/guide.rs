//! The guide: a page for each question. Only the documentation has it; its programs are compiled and run as tests.
//!
//! The pages are files of the repository, where they lead to one another by paths; here they do by what stands before
//! them, because the first meaning of a link holds.

macro_rules! pages {
    ($($page:ident = $path:literal;)*) => {$(
        #[doc = "[guarantees]: crate::guide::guarantees"]
        #[doc = "[production]: crate::guide::production"]
        #[doc = "[tracing-and-log]: crate::guide::tracing_and_log"]
        #[doc = "[context]: crate::guide::context"]
        #[doc = "[testing]: crate::guide::testing"]
        #[doc = "[missing-records]: crate::guide::missing_records"]
        #[doc = "[tracing-appender]: crate::guide::from_tracing_appender"]
        #[doc = "[log4rs]: crate::guide::from_log4rs"]
        #[doc = "[flexi_logger]: crate::guide::from_flexi_logger"]
        #[doc = ""]
        #[doc = include_str!(concat!("../../../docs/", $path))]
        pub mod $page {}
    )*};
}

pages! {
    from_zero = "guide/from-zero.md";
    production = "guide/production.md";
    context = "guide/context.md";
    missing_records = "guide/missing-records.md";
    guarantees = "guarantees.md";
}

// Their programs need the features that they are about.
#[cfg(all(feature = "log", feature = "tracing", feature = "testing"))]
pages! {
    tracing_and_log = "guide/tracing-and-log.md";
    testing = "guide/testing.md";
    from_tracing_appender = "migrate/tracing-appender.md";
    from_log4rs = "migrate/log4rs.md";
    from_flexi_logger = "migrate/flexi_logger.md";
}
