//! The masked protocol: masks, correlations, schedule, dealer, executor.
