"""After the session: reads recordings, never the bus."""
