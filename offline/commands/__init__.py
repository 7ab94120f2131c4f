"""The commands of the offline side; each imports what it needs when it is asked."""
