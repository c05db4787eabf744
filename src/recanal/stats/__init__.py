"""What do the numbers of a study say?"""
