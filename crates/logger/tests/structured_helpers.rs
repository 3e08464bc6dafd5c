//! The structured helpers of the original system keep its layers, levels, messages and fields.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use std::time::Duration;

use hydra_logger::{Level, Request, UserAction, Value, context};
use serde_json::json;
use support::Fixture;

/// Each helper logs to its layer at its level, with its fields; nothing of it leaks into later records.
#[test]
fn helpers_keep_their_form() {
    let fixture = Fixture::new(&[("DEFAULT", Level::Info)], &[]);
    let log = &fixture.log;
    let request = Request {
        id: "r-1",
        method: "GET",
        path: "/",
        status_code: Some(200),
        duration: Some(Duration::from_millis(250)),
    };
    context::with([("tenant", "acme")], || {
        drop(log.log_request(request, &[("bytes", Value::U64(7))]))
    });
    let mut action = UserAction {
        user_id: "ada",
        action: "delete",
        resource: Some("file 7"),
        success: true,
    };
    log.log_user_action(action, &[]);
    (action.success, action.resource) = (false, None);
    log.log_user_action(action, &[]);
    let line = line!() + 1;
    log.log_error_with_context(
        &std::io::Error::other("broken"),
        "ERROR",
        &[("retry", Value::Bool(false))],
    );
    for millis in [1000, 1001, 5001] {
        log.handle()
            .log_performance("query", Duration::from_millis(millis), "PERFORMANCE", &[]);
    }
    log.security("login failed");
    log.audit("exported");
    log.compliance("checked");
    let records = fixture.records();
    check_forms(&records);
    let fields = json!({
        "request_id": "r-1", "method": "GET", "path": "/", "status_code": 200, "duration": 0.25, "bytes": 7
    });
    assert_eq!(records[0]["extra"], fields);
    assert_eq!(
        records[0]["context"],
        json!({ "tenant": "acme", "correlation_id": "r-1" })
    );
    let fields = json!({ "user_id": "ada", "action": "delete", "success": false, "resource": null });
    assert_eq!(records[2]["extra"], fields);
    let extra = &records[3]["extra"];
    let told = (&extra["error_type"], &extra["error_message"]);
    assert_eq!(told, (&json!("std::io::error::Error"), &json!("broken")));
    assert_eq!(
        (&extra["error_chain"]["message"], &extra["retry"]),
        (&json!("broken"), &json!(false))
    );
    assert_eq!(records[3]["line"], line);
    assert_eq!(records[5]["extra"]["duration_ms"], 1001.0);
    assert!(records[1..].iter().all(|record| record.get("context").is_none()));
}

fn check_forms(records: &[serde_json::Value]) {
    let told: Vec<_> = records
        .iter()
        .map(|record| ["logger", "level", "message"].map(|key| record[key].as_str().unwrap()))
        .collect();
    let expected = [
        ["REQUEST", "INFO", "GET /"],
        ["USER_ACTION", "INFO", "User ada performed delete on file 7"],
        ["USER_ACTION", "WARNING", "User ada performed delete"],
        ["ERROR", "ERROR", "Exception: broken"],
        ["PERFORMANCE", "INFO", "query took 1.000s"],
        ["PERFORMANCE", "WARNING", "query took 1.001s"],
        ["PERFORMANCE", "ERROR", "query took 5.001s"],
        ["SECURITY", "WARNING", "[SECURITY] login failed"],
        ["AUDIT", "INFO", "[AUDIT] exported"],
        ["COMPLIANCE", "INFO", "[COMPLIANCE] checked"],
    ];
    assert_eq!(told, expected);
}
