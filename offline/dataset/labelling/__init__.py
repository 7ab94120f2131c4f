"""Labels by hand: which folder of pictures comes next, opened in napari-deeplabcut."""
