"""Which vessel is which?"""
