"""What would the picture's geometry be, had the reader drawn it?"""
