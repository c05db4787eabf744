"""How long, how bent, how calcified, of what?"""
