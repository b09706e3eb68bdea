"""The lake: how raw payloads are named, wrapped and kept in an S3 object store."""
