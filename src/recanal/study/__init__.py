"""What does the plan say, and what came of it?"""
