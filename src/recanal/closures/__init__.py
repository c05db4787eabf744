"""Where is an artery closed?"""
