"""The archive: a finished session as one compressed file, and as videos."""
