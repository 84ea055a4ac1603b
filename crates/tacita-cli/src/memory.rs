//! How the allocator treats what is freed.
//!
//! An evaluation allocates and frees the same large tensors again and again. The GNU allocator gives blocks of more than 128 KiB
//! back to the system and asks for fresh pages the next time; each costs a page fault for every 4 KiB, which takes longer than
//! most that is done with them.

/// Largest block that is kept for the next use: the most that the allocator takes for this limit.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT_BLOCK: i32 = 32 << 20;
/// Free memory at the end of a thread's heap that is kept.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: i32 = 256 << 20;
/// What a heap grows by.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const STEP: i32 = 32 << 20;

/// Lets the allocator keep what is freed. Other allocators than GNU's are left as they are.
pub fn keep_pages() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (parameter, value) in
        [(libc::M_MMAP_THRESHOLD, KEPT_BLOCK), (libc::M_TRIM_THRESHOLD, KEPT), (libc::M_TOP_PAD, STEP)]
    {
        // SAFETY: sets a number of the allocator under its lock, before there are other threads. If it is refused, all goes on
        // as without it.
        unsafe { libc::mallopt(parameter, value) };
    }
}
