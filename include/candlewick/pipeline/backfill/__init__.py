"""History on demand: what was asked for, cut into parts, each brought from the archive, by REST or from local files."""
