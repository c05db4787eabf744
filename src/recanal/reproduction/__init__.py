"""Would the pipeline print this paper from patients like its own?"""
