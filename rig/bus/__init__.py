"""The bus: rings of shared memory, wake-ups, requests, and streams over TCP."""
