//! One worker per destination: read, filter, format, deliver, advance the cursor.
