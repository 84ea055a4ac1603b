//! Arrays from and to files.
