//! Returns memory that large messages used to the system when they are freed.

/// Has freed memory returned to the system. Call it before the first thread starts.
///
/// By default glibc raises the size from which it maps blocks one by one to that of the largest
/// block that was freed. After batches of 1 MB their buffers come from its arenas, one for each
/// thread, which keep them: 40 MB and more. A fixed limit turns that off.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the allocator is set up through a C function")]
pub(crate) fn return_what_is_freed() {
    const TRIM_THRESHOLD_BYTES: i32 = 1024 * 1024;

    // SAFETY: `mallopt` takes two numbers and has no other precondition.
    let set = unsafe { libc::mallopt(libc::M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES) };
    if set == 0 {
        tracing::debug!("the allocator keeps its own limits");
    }
}

/// Other allocators have limits of their own.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn return_what_is_freed() {}
