"""Do two readers, or two methods, agree?"""
