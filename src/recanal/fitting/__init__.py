"""Which parameters fit the data best?"""
