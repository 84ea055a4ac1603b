#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tacita_fuzz::SAFETENSORS_READ.check(bytes);
});
