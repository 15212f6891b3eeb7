//! Resources: what a host can pass on and not look into. It holds a handle, the runtime knows whose address that is.
#![expect(unsafe_code, reason = "a resource is known to the runtime by its address")]

use core::cell::Cell;
use core::marker::PhantomData;

use crate::heap;
use crate::runtime::trap;

/// What the host holds.
#[repr(transparent)]
pub(crate) struct Handle<R> {
    number: u32,
    of: PhantomData<R>,
}

impl<R> Clone for Handle<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Handle<R> {}

/// A borrowed resource, for as long as the call.
#[repr(transparent)]
pub(crate) struct Lent<R>(*mut Option<R>);

impl<R> Clone for Lent<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Lent<R> {}

/// One of the interface's resources: what the runtime does about it.
pub(crate) trait Resource: Sized {
    fn new_handle(place: *mut Option<Self>) -> u32;
    fn place_of(handle: u32) -> *mut Option<Self>;
    fn drop_handle(handle: u32);
}

/// Gives a resource to the host.
pub(crate) fn hand_over<R: Resource>(resource: R) -> Handle<R> {
    Handle { number: R::new_handle(heap::put(Some(resource))), of: PhantomData }
}

/// Takes a resource that the host gives away.
pub(crate) fn take_back<R: Resource>(handle: Handle<R>) -> R {
    let place = R::place_of(handle.number);
    // SAFETY: the handle was the host's, so that `hand_over` put the resource there and nothing took it yet.
    let resource = unsafe { (*place).take() };
    let was_taking = TAKING.0.replace(true);
    // The runtime calls `dropped` for what is left there.
    R::drop_handle(handle.number);
    TAKING.0.set(was_taking);
    resource.unwrap_or_else(|| trap())
}

impl<R> Lent<R> {
    pub(crate) const fn get(&self) -> Option<&R> {
        // SAFETY: the runtime gives the address of a resource that lives for as long as the call, and nothing writes to it
        // but a call that has it by `get_mut`.
        unsafe { (*self.0).as_ref() }
    }

    pub(crate) const fn get_mut(&mut self) -> Option<&mut R> {
        // SAFETY: as above; and no call runs within another.
        unsafe { (*self.0).as_mut() }
    }
}

/// The host has dropped its handle.
///
/// # Safety
/// The runtime calls it, once, with the address of a resource.
pub(crate) unsafe fn dropped<R>(place: *mut Option<R>, is_spent: bool) {
    // WHY not after a trap: what it left half done is nobody's to take apart.
    if !is_spent || TAKING.0.get() {
        // SAFETY: `hand_over` has put it there, and the runtime knows it no more.
        unsafe { heap::drop_at(place) };
    }
}

/// Whether a handle is being dropped from within a call.
struct Taking(Cell<bool>);

// SAFETY: an instance has no threads.
unsafe impl Sync for Taking {}

static TAKING: Taking = Taking(Cell::new(false));

/// Declares what the runtime offers for a resource.
macro_rules! resource {
    ($resource:ty, $new:literal, $rep:literal, $drop:literal) => {
        const _: () = {
            #[cfg(target_family = "wasm")]
            #[link(wasm_import_module = "[export]wardkey:verify/verifier@0.1.0")]
            unsafe extern "C" {
                #[link_name = $new]
                safe fn new_handle(place: *mut ()) -> u32;
                #[link_name = $rep]
                safe fn place_of(handle: u32) -> *mut ();
                #[link_name = $drop]
                safe fn drop_handle(handle: u32);
            }
            #[cfg(not(target_family = "wasm"))]
            fn new_handle(_: *mut ()) -> u32 {
                trap()
            }
            #[cfg(not(target_family = "wasm"))]
            fn place_of(_: u32) -> *mut () {
                trap()
            }
            #[cfg(not(target_family = "wasm"))]
            fn drop_handle(_: u32) {
                trap()
            }
            impl Resource for $resource {
                fn new_handle(place: *mut Option<Self>) -> u32 {
                    new_handle(place.cast())
                }
                fn place_of(handle: u32) -> *mut Option<Self> {
                    place_of(handle).cast()
                }
                fn drop_handle(handle: u32) {
                    drop_handle(handle);
                }
            }
        };
    };
}

use crate::verifying::verifier::{Confirmation, Question, Requirement, Verifier};

resource!(Verifier, "[resource-new]verifier", "[resource-rep]verifier", "[resource-drop]verifier");
resource!(
    Requirement,
    "[resource-new]requirement",
    "[resource-rep]requirement",
    "[resource-drop]requirement"
);
resource!(
    Question,
    "[resource-new]registry-question",
    "[resource-rep]registry-question",
    "[resource-drop]registry-question"
);
resource!(
    Confirmation,
    "[resource-new]confirmation",
    "[resource-rep]confirmation",
    "[resource-drop]confirmation"
);
