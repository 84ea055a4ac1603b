//! Private machine learning: sessions, tensors, models.
