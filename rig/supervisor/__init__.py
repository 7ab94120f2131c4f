"""A session's life: from pre-flight to verdict; the only one that ends it."""
