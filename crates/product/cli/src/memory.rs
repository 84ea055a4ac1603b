//! How the allocator treats what is freed.
//!
//! An evaluation allocates and frees the same large tensors again and again. The GNU allocator gives blocks of more than 128 KiB
//! back to the system and asks for fresh pages the next time; each costs a page fault for every 4 KiB, which takes longer than
//! most that is done with them.

/// Lets the allocator keep what is freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn keep_pages() {
    /// Largest block that is kept for the next use: the most that the allocator takes for this limit.
    const BLOCK: i32 = 32 << 20;
    /// Free memory at the end of a thread's heap that is kept.
    const FREE: i32 = 256 << 20;
    /// What a heap grows by.
    const STEP: i32 = 32 << 20;
    for (parameter, value) in
        [(libc::M_MMAP_THRESHOLD, BLOCK), (libc::M_TRIM_THRESHOLD, FREE), (libc::M_TOP_PAD, STEP)]
    {
        // SAFETY: sets a number of the allocator under its lock, before there are other threads. If it is refused, all goes on
        // as without it.
        unsafe { libc::mallopt(parameter, value) };
    }
}

/// Other allocators than GNU's are left as they are.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_pages() {}
