//! Atomics at which the baton may change hands.

use std::sync::atomic::{self as real, Ordering};

use super::world::step;

/// A fence: with one thread running at a time there is nothing to order.
#[inline]
pub fn fence(order: Ordering) {
    real::fence(order);
}

macro_rules! wrapped {
    ($name:ident, $value:ty, { $($extra:tt)* }) => {
        /// As the standard library's; each access is a step.
        #[derive(Debug, Default)]
        #[repr(transparent)]
        pub struct $name(real::$name);

        #[allow(missing_docs, clippy::missing_errors_doc, reason = "as the standard library's")]
        impl $name {
            pub const fn new(value: $value) -> Self {
                Self(real::$name::new(value))
            }

            #[inline]
            pub fn load(&self, order: Ordering) -> $value {
                step();
                self.0.load(order)
            }

            #[inline]
            pub fn store(&self, value: $value, order: Ordering) {
                step();
                self.0.store(value, order);
            }

            #[inline]
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                step();
                self.0.swap(value, order)
            }

            #[inline]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                step();
                self.0.compare_exchange(current, new, success, failure)
            }

            #[inline]
            pub fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                f: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                step();
                self.0.fetch_update(set, fetch, f)
            }

            $($extra)*
        }
    };
    ($name:ident, $value:ty, numbers: $($method:ident)*) => {
        wrapped!($name, $value, {
            $(
                #[inline]
                pub fn $method(&self, value: $value, order: Ordering) -> $value {
                    step();
                    self.0.$method(value, order)
                }
            )*
        });
    };
}

wrapped!(AtomicU64, u64, numbers: fetch_add fetch_sub fetch_or fetch_and fetch_max fetch_min);
wrapped!(AtomicU32, u32, numbers: fetch_add fetch_sub fetch_or fetch_and fetch_max fetch_min);
wrapped!(AtomicUsize, usize, numbers: fetch_add fetch_sub fetch_or fetch_and fetch_max fetch_min);
wrapped!(AtomicBool, bool, {});
