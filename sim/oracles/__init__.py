"""What each op means, once more: slow, in Python's own integers and fractions, and sharing no code with golden.

An oracle takes an op and one sample per input, as nested lists, and gives the result as nested lists; the table of ops
names the oracle of each. A test holds that these files import nothing but Python's own library and each other.
"""
