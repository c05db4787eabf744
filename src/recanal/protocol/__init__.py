"""What does the plan of a study say, and of which rows?"""
