//! The structured helpers of the original system: calls with a fixed layer, message and fields.
//!
//! They are ordinary records: the fields are fields, filtering and guarantees are those of the layer. None of them
//! changes the context; `log_request` puts its request's id as the correlation id around its own record only.

use std::error::Error;
use std::time::Duration;

use hydra_record::{Level, Value};

use crate::r#async::AsyncHydraLogger;
use crate::capture::ToValue;
use crate::context::{self, CORRELATION_ID};
use crate::receipt::Receipt;
use crate::sync::HydraLogger;

/// Fields given at run time.
pub type FieldValues<'f> = [(&'f str, Value<'f>)];

/// An operation that takes longer is a warning.
const SLOW: Duration = Duration::from_secs(1);
/// An operation that takes longer is an error.
const STALLED: Duration = Duration::from_secs(5);

/// A request that has been served, for `log_request`.
///
/// # Examples
/// ```
/// use hydra_logger::testing::TestLog;
/// use hydra_logger::{Request, Value};
///
/// let log = TestLog::new();
/// let request = Request { id: "r-1", method: "GET", path: "/", status_code: Some(200), ..Request::default() };
/// log.log_request(request, &[("cached", Value::Bool(true))]);
/// let record = log.one();
/// assert_eq!((record.layer(), record.message()), ("REQUEST", "GET /"));
/// assert!(record.context("correlation_id").is_some());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'r> {
    /// Its id; also the correlation id of its record.
    pub id: &'r str,
    /// Its method, such as `GET`.
    pub method: &'r str,
    /// What was asked for.
    pub path: &'r str,
    /// How it was answered, if it was.
    pub status_code: Option<u16>,
    /// How long that took.
    pub duration: Option<Duration>,
}

/// What a user has done, for `log_user_action`.
///
/// # Examples
/// ```
/// use hydra_logger::testing::TestLog;
/// use hydra_logger::{Level, UserAction};
///
/// let log = TestLog::new();
/// let action = UserAction { user_id: "u-7", action: "delete", resource: Some("report"), success: false };
/// log.log_user_action(action, &[]);
/// let record = log.one();
/// assert_eq!((record.level(), record.message()), (Level::Warning, "User u-7 performed delete on report"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct UserAction<'u> {
    /// Who.
    pub user_id: &'u str,
    /// What, such as `deleted`.
    pub action: &'u str,
    /// To what.
    pub resource: Option<&'u str>,
    /// Whether it succeeded.
    pub success: bool,
}

macro_rules! helpers {
    ($handle:ty, $waits:expr) => {
        impl $handle {
            /// Logs `message` to `layer` with fields that are known at run time only.
            ///
            /// # Examples
            /// ```
            /// use hydra_logger::{HydraLogger, Level, LoggingConfig, Value};
            /// let log = HydraLogger::new(LoggingConfig::default())?;
            /// log.log_structured("API", Level::Info, "answered", &[("status", Value::U64(200))]);
            /// # Ok::<(), hydra_logger::Error>(())
            /// ```
            #[track_caller]
            pub fn log_structured(
                &self,
                layer: &str,
                level: Level,
                message: &str,
                fields: &FieldValues<'_>,
            ) -> Receipt {
                let place = std::panic::Location::caller();
                match self.core.open_named(level, layer, $waits) {
                    Some(pass) => pass.message(message, fields, place),
                    None => Receipt::disabled(),
                }
            }

            /// Logs a request as `METHOD path` to the layer `REQUEST` at `INFO`, with the fields `request_id`,
            /// `method`, `path`, `status_code` and `duration` (in seconds), and those given.
            ///
            /// # Examples
            /// ```
            /// use hydra_logger::testing::TestLog;
            /// use hydra_logger::{Level, Request, UserAction};
            ///
            /// let log = TestLog::new();
            /// log.log_request(Request { id: "r-1", method: "GET", path: "/", ..Request::default() }, &[]);
            /// let action = UserAction { user_id: "u-7", action: "delete", resource: None, success: true };
            /// log.log_user_action(action, &[]);
            /// log.security("five wrong passwords");
            /// log.audit("the report was read");
            /// log.compliance("the report was erased");
            /// let layers: Vec<_> = log.records().iter().map(|record| record.layer().to_owned()).collect();
            /// assert_eq!(layers, ["REQUEST", "USER_ACTION", "SECURITY", "AUDIT", "COMPLIANCE"]);
            /// ```
            #[track_caller]
            pub fn log_request(&self, request: Request<'_>, fields: &FieldValues<'_>) -> Receipt {
                let message = format!("{} {}", request.method, request.path);
                let mut all = vec![
                    ("request_id", Value::Str(request.id)),
                    ("method", Value::Str(request.method)),
                    ("path", Value::Str(request.path)),
                    ("status_code", request.status_code.map_or(Value::Null, |code| Value::U64(code.into()))),
                    ("duration", seconds(request.duration)),
                ];
                all.extend_from_slice(fields);
                // Not a closure: the caller's place would be lost in it.
                let _entered = context::current().field(CORRELATION_ID, request.id).enter();
                self.log_structured("REQUEST", Level::Info, &message, &all)
            }

            /// Logs `User U performed A on R` to the layer `USER_ACTION`, at `INFO`, or at `WARNING` if it failed, with
            /// the fields `user_id`, `action`, `success` and `resource`, and those given.
            #[track_caller]
            pub fn log_user_action(&self, action: UserAction<'_>, fields: &FieldValues<'_>) -> Receipt {
                let mut message = format!("User {} performed {}", action.user_id, action.action);
                if let Some(resource) = action.resource {
                    message.push_str(" on ");
                    message.push_str(resource);
                }
                let mut all = vec![
                    ("user_id", Value::Str(action.user_id)),
                    ("action", Value::Str(action.action)),
                    ("success", Value::Bool(action.success)),
                    ("resource", action.resource.map_or(Value::Null, Value::Str)),
                ];
                all.extend_from_slice(fields);
                let level = if action.success { Level::Info } else { Level::Warning };
                self.log_structured("USER_ACTION", level, &message, &all)
            }

            /// Logs `Exception: text` to `layer` (`ERROR` where nothing else suits) at `ERROR`, with the fields
            /// `error_type`, `error_message` and `error_chain`, and those given.
            ///
            /// # Examples
            /// ```
            /// use hydra_logger::testing::TestLog;
            /// use hydra_logger::Value;
            ///
            /// let log = TestLog::new();
            /// let error = std::io::Error::other("connection reset");
            /// log.log_error_with_context(&error, "DATABASE", &[("attempt", Value::U64(3))]);
            /// assert_eq!(log.one().message(), "Exception: connection reset");
            /// ```
            #[track_caller]
            pub fn log_error_with_context<E: Error + ?Sized>(
                &self,
                error: &E,
                layer: &str,
                fields: &FieldValues<'_>,
            ) -> Receipt {
                let (text, chain) = (crate::pass::rendered(format_args!("{error}")), crate::chain(error));
                let mut all = vec![
                    ("error_type", Value::Str(std::any::type_name::<E>())),
                    ("error_message", Value::Str(&text)),
                    ("error_chain", chain.to_value()),
                ];
                all.extend_from_slice(fields);
                self.log_structured(layer, Level::Error, &format!("Exception: {text}"), &all)
            }

            /// Logs `OP took 0.123s` to `layer` (`PERFORMANCE` where nothing else suits), at `INFO`, at `WARNING` past
            /// a second, at `ERROR` past five, with the fields `operation`, `duration` (in seconds) and `duration_ms`,
            /// and those given.
            ///
            /// # Examples
            /// ```
            /// use hydra_logger::testing::TestLog;
            /// use hydra_logger::Level;
            /// use std::time::Duration;
            ///
            /// let log = TestLog::new();
            /// log.log_performance("import", Duration::from_millis(1500), "PERFORMANCE", &[]);
            /// assert_eq!((log.one().level(), log.one().message()), (Level::Warning, "import took 1.500s"));
            /// ```
            #[track_caller]
            pub fn log_performance(
                &self,
                operation: &str,
                duration: Duration,
                layer: &str,
                fields: &FieldValues<'_>,
            ) -> Receipt {
                let level = match duration {
                    long if long > STALLED => Level::Error,
                    long if long > SLOW => Level::Warning,
                    _ => Level::Info,
                };
                let mut all = vec![
                    ("operation", Value::Str(operation)),
                    ("duration", Value::F64(duration.as_secs_f64())),
                    ("duration_ms", Value::F64(duration.as_nanos() as f64 / 1e6)),
                ];
                all.extend_from_slice(fields);
                let message = format!("{operation} took {:.3}s", duration.as_secs_f64());
                self.log_structured(layer, level, &message, &all)
            }

            helpers!(@marked security, "SECURITY", Warning; audit, "AUDIT", Info; compliance, "COMPLIANCE", Info);
        }
    };
    (@marked $($method:ident, $layer:literal, $level:ident);*) => {$(
        #[doc = concat!("Logs `[", $layer, "] message` to the layer `", $layer, "`.")]
        #[track_caller]
        pub fn $method(&self, message: impl AsRef<str>) -> Receipt {
            let message = format!(concat!("[", $layer, "] {}"), message.as_ref());
            self.log_structured($layer, Level::$level, &message, &[])
        }
    )*};
}

helpers!(HydraLogger, true);
helpers!(AsyncHydraLogger, false);

fn seconds(duration: Option<Duration>) -> Value<'static> {
    duration.map_or(Value::Null, |duration| Value::F64(duration.as_secs_f64()))
}
