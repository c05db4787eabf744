"""How much calcium is there, seen without contrast?"""
