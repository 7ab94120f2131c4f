"""The session on disk: format, writer, reader, ledger. Pure: knows no bus."""
