"""Orders that people give in two steps: drafted with their effect, agreed to, carried out once; and the
emergency stop.
"""
