"""Whether a picture can be trusted: contrast, noise, coverage, steps between slabs, metal."""
