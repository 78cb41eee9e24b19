"""Mutants of the code that matters most: which of them would a test notice?"""
