"""How do others write it?"""
