"""One file per kind of export, and the only one that imports its engine."""
