"""The arithmetic of the analytics: pure functions over bars, for what no mart holds."""
