"""Shape rules, by family: from the shapes and dtypes of arguments to those of the result.

A rule takes the arguments and the attributes and gives (shape, dtype). It raises ShapeError or
TypeMismatch, with what was given, where the operation has no meaning.
"""
