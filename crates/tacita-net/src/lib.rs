//! Named peers and the links between them: frames, limits, meters, shaped links.
