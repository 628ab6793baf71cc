"""What the package carries: the matplotlib style, the cutouts collection and the measured results."""
