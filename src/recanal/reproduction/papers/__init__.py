"""What each paper prints, where a plan computes it, and what is corrected before it is judged."""
