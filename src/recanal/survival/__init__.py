"""When did it happen, and to whom?"""
