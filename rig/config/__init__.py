"""The three configs: what is bolted to the table, what is done, and with whom."""
