"""From where does one see it under the C-arm?"""
