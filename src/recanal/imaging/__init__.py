"""What is in the pixels?"""
