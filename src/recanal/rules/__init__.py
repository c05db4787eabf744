"""What does a declared condition say of facts that may be unknown?"""
