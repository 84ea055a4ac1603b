#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tacita_fuzz::TRAIN_CONFIG.check(bytes);
});
