"""What would a known truth look like?"""
