"""What the network sees of a frame: all of it, a fixed part, or where the animal is.

`box` and `tracking` are pure: numbers in, numbers out. `viewer` holds the state of
one camera and asks the network.
"""
