"""The model that comes with the rig, and the script that trains it."""
