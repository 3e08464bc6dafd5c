//! What one log event is, and its byte form.
