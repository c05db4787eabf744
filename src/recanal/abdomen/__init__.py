"""The arteries of the abdomen: the aorta from one point, and what leaves it."""
