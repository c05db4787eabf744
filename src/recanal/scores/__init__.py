"""What do published scores say?"""
