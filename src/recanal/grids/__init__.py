"""What is computed on whole grids of voxels: smoothing, depth in a mask, cheapest ways from a front."""
