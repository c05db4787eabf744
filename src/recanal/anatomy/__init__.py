"""Which vessel is which, and where is it closed?"""
