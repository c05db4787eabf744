"""Which rows would have these margins?"""
