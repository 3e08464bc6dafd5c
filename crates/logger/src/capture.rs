//! How the values of a macro's call get into a record.
//!
//! The macro does not know the types of its arguments, so the choice is made by method resolution: `Argument(&value)`
//! and `Field(&value)` have an inherent method for the types that a record knows, and behind it, in the order in which
//! the compiler looks, the traits of [`forms`] for `Display`, for `Debug`, and for all others. A field stands behind
//! two references, `(&&Field(&value))`: whether it is an error is asked first of all.
//!
//! A type is [`Plain`] only if the record's reader makes the same text of its value as `std` makes of the type itself,
//! in every form that a template can ask for. That is why `Option` is none: `{:?}` shows `Some(1)`, not `1`.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;

use hydra_record::{Encoder, Value};

/// A type that a record knows: the value is kept, not its text.
///
/// # Examples
/// Example: a type of one's own that goes into records as a number. `Display` is for where it is shown as text.
/// ```
/// use hydra_logger::context::Context;
/// use hydra_logger::{ToValue, Value};
///
/// struct OrderId(u64);
///
/// impl ToValue for OrderId {
///     fn to_value(&self) -> Value<'_> {
///         Value::U64(self.0)
///     }
/// }
///
/// let order = Context::new().field("order", OrderId(7));
/// assert_eq!(order.get("order"), Some(Value::U64(7)));
/// assert_eq!((-1i8).to_bits(), Value::U64(255)); // what `{:x}` shows
/// ```
pub trait ToValue {
    /// Returns the value.
    fn to_value(&self) -> Value<'_>;

    /// Returns what `{:x}` and its kin show: for a signed number its two's complement in the width of the type.
    #[inline]
    fn to_bits(&self) -> Value<'_> {
        self.to_value()
    }
}

/// A type whose text is that of its value, in every form.
pub trait Plain: ToValue {}

macro_rules! plain {
    ($($type:ty, $self:ident => $value:expr $(, $bits:expr)?;)*) => {$(
        impl ToValue for $type {
            #[inline]
            fn to_value(&$self) -> Value<'_> {
                $value
            }

            $(#[inline]
            fn to_bits(&$self) -> Value<'_> {
                $bits
            })?
        }

        impl Plain for $type {}
    )*};
}

macro_rules! whole_numbers {
    ($($type:ident $bits:ident $kind:ident $wide:ident, $bits_kind:ident $bits_wide:ident;)*) => {$(
        plain! {
            $type, self => Value::$kind(*self as $wide), Value::$bits_kind((*self as $bits) as $bits_wide);
            NonZero<$type>, self => Value::$kind(self.get() as $wide),
                Value::$bits_kind((self.get() as $bits) as $bits_wide);
        }
    )*};
}

whole_numbers! {
    u8 u8 U64 u64, U64 u64;
    u16 u16 U64 u64, U64 u64;
    u32 u32 U64 u64, U64 u64;
    u64 u64 U64 u64, U64 u64;
    usize usize U64 u64, U64 u64;
    u128 u128 U128 u128, U128 u128;
    i8 u8 I64 i64, U64 u64;
    i16 u16 I64 i64, U64 u64;
    i32 u32 I64 i64, U64 u64;
    i64 u64 I64 i64, U64 u64;
    isize usize I64 i64, U64 u64;
    i128 u128 I128 i128, U128 u128;
}

plain! {
    f32, self => Value::F32(*self);
    f64, self => Value::F64(*self);
    bool, self => Value::Bool(*self);
    char, self => Value::Char(*self);
    str, self => Value::Str(self);
    String, self => Value::Str(self);
    Cow<'_, str>, self => Value::Str(self);
}

macro_rules! passed_on {
    ($($type:ty),*) => {$(
        impl<T: ToValue + ?Sized> ToValue for $type {
            #[inline]
            fn to_value(&self) -> Value<'_> {
                (**self).to_value()
            }

            #[inline]
            fn to_bits(&self) -> Value<'_> {
                (**self).to_bits()
            }
        }

        impl<T: Plain + ?Sized> Plain for $type {}
    )*};
}

passed_on!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

impl ToValue for Value<'_> {
    #[inline]
    fn to_value(&self) -> Value<'_> {
        *self
    }
}

/// As a field, `None` is nothing and `Some(value)` is the value.
impl<T: ToValue> ToValue for Option<T> {
    #[inline]
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, T::to_value)
    }
}

/// A value that the message names.
#[derive(Clone, Copy, Debug)]
pub struct Argument<'a, T: ?Sized>(pub &'a T);

impl<T: Plain + ?Sized> Argument<'_, T> {
    /// Puts it into the record, to be shown as `{}`.
    #[inline]
    pub fn display(&self, encoder: &mut Encoder<'_>) {
        encoder.argument(self.0.to_value());
    }

    /// Puts it into the record, to be shown as `{:?}`.
    #[inline]
    pub fn debug(&self, encoder: &mut Encoder<'_>) {
        encoder.argument(self.0.to_value());
    }

    /// Puts it into the record, to be shown in a form that the call site's note tells. `text` is for other types.
    #[inline]
    pub fn form(&self, encoder: &mut Encoder<'_>, _text: fmt::Arguments<'_>) {
        encoder.argument(self.0.to_value());
    }

    /// Puts its bits into the record, to be shown in a form that the call site's note tells.
    #[inline]
    pub fn bits(&self, encoder: &mut Encoder<'_>, _text: fmt::Arguments<'_>) {
        encoder.argument(self.0.to_bits());
    }
}

/// A value that only its name in the record shows.
#[derive(Debug)]
pub struct Field<'a, T: ?Sized>(pub &'a T);

impl<T: ?Sized> Clone for Field<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Field<'_, T> {}

impl<T: ToValue + ?Sized> Field<'_, T> {
    /// Puts it into the record.
    #[inline]
    pub fn field(&self, encoder: &mut Encoder<'_>) {
        encoder.argument(self.0.to_value());
    }
}

/// Returns the name of a layer.
#[inline]
pub fn layer<N: AsRef<str> + ?Sized>(name: &N) -> Option<&str> {
    Some(name.as_ref())
}

/// Takes what `std` has checked when the program was compiled. It is never called.
#[inline]
pub fn check(_template: fmt::Arguments<'_>) {}

/// What a type must have to be a field; shown by the compiler if it has none of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a record",
    label = "neither a value that a record knows, nor `Display`, nor `Debug`",
    note = "implement `Display` or `Debug` for the type, or log a part of it"
)]
pub trait FieldValue {}

/// The traits behind the inherent methods, in the order in which the compiler looks.
pub mod forms {
    use std::error::Error;
    use std::fmt::{Arguments, Debug, Display};

    use hydra_record::{Encoder, Value};

    // Not by way of `crate`: the tests of the macros compile this file in a place of their own.
    use super::super::local::theirs;
    use super::{Argument, Field, FieldValue};

    /// Any value with a `Display`: as `{}` shows it.
    pub trait ShownByDisplay {
        /// Renders it into the record.
        fn display(&self, encoder: &mut Encoder<'_>);
    }

    impl<T: Display + ?Sized> ShownByDisplay for Argument<'_, T> {
        fn display(&self, encoder: &mut Encoder<'_>) {
            theirs(|| encoder.rendered(format_args!("{}", self.0)));
        }
    }

    /// Any value with a `Debug`: as `{:?}` shows it.
    pub trait ShownByDebug {
        /// Renders it into the record.
        fn debug(&self, encoder: &mut Encoder<'_>);
    }

    impl<T: Debug + ?Sized> ShownByDebug for Argument<'_, T> {
        fn debug(&self, encoder: &mut Encoder<'_>) {
            theirs(|| encoder.rendered(format_args!("{:?}", self.0)));
        }
    }

    /// Any value in any other form; that the type has the form is checked where the text is made.
    pub trait ShownAsText {
        /// Renders it into the record.
        fn form(&self, encoder: &mut Encoder<'_>, text: Arguments<'_>);

        /// Renders it into the record.
        fn bits(&self, encoder: &mut Encoder<'_>, text: Arguments<'_>);
    }

    impl<T: ?Sized> ShownAsText for Argument<'_, T> {
        #[inline]
        fn form(&self, encoder: &mut Encoder<'_>, text: Arguments<'_>) {
            theirs(|| encoder.rendered(text));
        }

        #[inline]
        fn bits(&self, encoder: &mut Encoder<'_>, text: Arguments<'_>) {
            theirs(|| encoder.rendered(text));
        }
    }

    /// A value that lacks the form: the error is that of the macro's `format_args!`, so none is made here.
    pub trait Unshown {
        /// Does nothing.
        fn display(&self, _encoder: &mut Encoder<'_>) {}

        /// Does nothing.
        fn debug(&self, _encoder: &mut Encoder<'_>) {}
    }

    impl<T: ?Sized> Unshown for &Argument<'_, T> {}

    /// A field that is an error: with all its causes.
    pub trait FieldByError {
        /// Puts it into the record.
        fn field(&self, encoder: &mut Encoder<'_>);
    }

    impl<T: Error + ?Sized> FieldByError for &Field<'_, T> {
        fn field(&self, encoder: &mut Encoder<'_>) {
            let document = hydra_record::chain::document(self.0);
            encoder.argument(document.as_deref().map_or(Value::Panicked, Value::Json));
        }
    }

    /// A field that holds an error in a box, which is none itself.
    pub trait FieldByBoxedError {
        /// Puts it into the record.
        fn field(&self, encoder: &mut Encoder<'_>);
    }

    macro_rules! boxed {
        ($($error:ty),*) => {$(
            impl FieldByBoxedError for &Field<'_, Box<$error>> {
                fn field(&self, encoder: &mut Encoder<'_>) {
                    FieldByError::field(&&Field(&**self.0), encoder);
                }
            }

            impl FieldByBoxedError for &Field<'_, &Box<$error>> {
                fn field(&self, encoder: &mut Encoder<'_>) {
                    FieldByError::field(&&Field(&***self.0), encoder);
                }
            }
        )*};
    }

    boxed!(dyn Error, dyn Error + Send, dyn Error + Send + Sync);

    /// A field with a `Display`.
    pub trait FieldByDisplay {
        /// Renders it into the record.
        fn field(&self, encoder: &mut Encoder<'_>);
    }

    impl<T: Display + ?Sized> FieldByDisplay for Field<'_, T> {
        fn field(&self, encoder: &mut Encoder<'_>) {
            theirs(|| encoder.rendered(format_args!("{}", self.0)));
        }
    }

    /// A field with a `Debug` and no `Display`.
    pub trait FieldByDebug {
        /// Renders it into the record.
        fn field(self, encoder: &mut Encoder<'_>);
    }

    impl<T: Debug + ?Sized> FieldByDebug for Field<'_, T> {
        fn field(self, encoder: &mut Encoder<'_>) {
            theirs(|| encoder.rendered(format_args!("{:?}", self.0)));
        }
    }

    /// A field that has neither.
    pub trait FieldUnshown {
        /// The type of the value.
        type Value: ?Sized;

        /// Says, when it is compiled, what the type lacks.
        fn field(&mut self, encoder: &mut Encoder<'_>)
        where
            Self::Value: FieldValue;
    }

    impl<T: ?Sized> FieldUnshown for Field<'_, T> {
        type Value = T;

        fn field(&mut self, _encoder: &mut Encoder<'_>)
        where
            T: FieldValue,
        {
        }
    }
}
