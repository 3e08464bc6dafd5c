//! The built-in magic configurations.

use hydra_record::Level::{Debug, Error as LevelError, Info, Warning};

use super::{ByteSize, ColorMode, Format, LogDestination, LogLayer, LoggingConfig};
use crate::error::Error;

/// A preset: its name, what it is for, and how it is made.
pub(crate) type Preset = (&'static str, &'static str, fn() -> Result<LoggingConfig, Error>);

/// All of them, by name.
pub(crate) const PRESETS: [Preset; 9] = [
    (
        "api_service",
        "An API: requests, authentication and rate limits apart.",
        api_service,
    ),
    (
        "async_production",
        "Production, shipped to an HTTP endpoint as well. Needs `async_http`.",
        async_production,
    ),
    (
        "background_worker",
        "A worker: tasks in a file, progress on the console.",
        background_worker,
    ),
    ("development", "Development: everything, in colour.", development),
    (
        "high_performance",
        "As fast as it gets: plain text into files.",
        high_performance,
    ),
    (
        "microservice",
        "A service in a container: JSON on the console.",
        microservice,
    ),
    (
        "production",
        "Production: JSON files for the application, its errors, security and performance.",
        production,
    ),
    ("testing", "Tests: warnings on the console, no files.", testing),
    ("web_app", "A web application: requests and errors apart.", web_app),
];

fn console() -> LogDestination {
    LogDestination::console()
}

/// A file as the presets have them: rotated at 5 MB, with three backups.
fn file(path: &str) -> LogDestination {
    LogDestination::file(path).max_size(ByteSize::mb(5)).backup_count(3)
}

fn json(path: &str) -> LogDestination {
    file(path).format(Format::Json)
}

fn layer<const N: usize>(level: hydra_record::Level, destinations: [LogDestination; N]) -> LogLayer {
    destinations
        .into_iter()
        .fold(LogLayer::new(level), LogLayer::destination)
}

fn production() -> Result<LoggingConfig, Error> {
    let app = [
        console().level(Info),
        json("logs/app.log").level(Info),
        json("logs/errors.log").level(LevelError),
    ];
    LoggingConfig::builder()
        .layer("APP", layer(Info, app))
        .layer("SECURITY", layer(Info, [json("logs/security.log")]))
        .layer("PERFORMANCE", layer(Info, [json("logs/performance.log")]))
        .build()
}

fn development() -> Result<LoggingConfig, Error> {
    let colored = || console().level(Debug).color_mode(ColorMode::Always);
    LoggingConfig::builder()
        .layer("APP", layer(Debug, [colored(), file("logs/dev.log").level(Debug)]))
        .layer("DEBUG", layer(Debug, [colored()]))
        .build()
}

fn testing() -> Result<LoggingConfig, Error> {
    LoggingConfig::builder()
        .layer("TEST", layer(Info, [console().level(Warning)]))
        .build()
}

fn microservice() -> Result<LoggingConfig, Error> {
    let service = [console().format(Format::Json).level(Info), json("logs/service.log")];
    LoggingConfig::builder()
        .layer("SERVICE", layer(Info, service))
        .layer("HEALTH", layer(Info, [console().level(Info)]))
        .build()
}

fn web_app() -> Result<LoggingConfig, Error> {
    let errors = [
        console().level(LevelError).color_mode(ColorMode::Always),
        json("logs/errors.log").level(LevelError),
    ];
    LoggingConfig::builder()
        .layer("WEB", layer(Info, [console().level(Info), json("logs/web.log")]))
        .layer("REQUEST", layer(Info, [json("logs/requests.log")]))
        .layer("ERROR", layer(LevelError, errors))
        .build()
}

fn api_service() -> Result<LoggingConfig, Error> {
    LoggingConfig::builder()
        .layer(
            "API",
            layer(Info, [console().format(Format::Json).level(Info), json("logs/api.log")]),
        )
        .layer("AUTH", layer(Info, [json("logs/auth.log")]))
        .layer(
            "RATE_LIMIT",
            layer(Warning, [console().level(Warning).color_mode(ColorMode::Always)]),
        )
        .build()
}

fn background_worker() -> Result<LoggingConfig, Error> {
    LoggingConfig::builder()
        .layer("WORKER", layer(Info, [console().level(Info), json("logs/worker.log")]))
        .layer("TASK", layer(Info, [json("logs/tasks.log")]))
        .layer("PROGRESS", layer(Info, [console().level(Info)]))
        .build()
}

fn high_performance() -> Result<LoggingConfig, Error> {
    let file = LogDestination::file("logs/high_performance.log")
        .max_size(ByteSize::mb(10))
        .backup_count(2);
    let performance = LogDestination::file("logs/performance.log")
        .max_size(ByteSize::mb(50))
        .backup_count(1);
    LoggingConfig::builder()
        .layer("DEFAULT", layer(Info, [file, console().color_mode(ColorMode::Never)]))
        .layer("PERFORMANCE", layer(Debug, [performance]))
        .build()
}

fn async_production() -> Result<LoggingConfig, Error> {
    let http = LogDestination::async_http("https://logs.example.com").format(Format::Json);
    LoggingConfig::builder()
        .layer(
            "APP",
            layer(Info, [console().format(Format::Json), json("logs/app.json"), http]),
        )
        .build()
}
