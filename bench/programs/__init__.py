"""Whole programs that do the same: train on the digits for 20 epochs and leave a model file.

Each is what its users would write, run as `python PROGRAM digits.npz MODEL`: 64-100-10, ReLU,
cross-entropy, Adam at 0.001, batches of 200 in a new order each epoch, float32. The last line
printed is the accuracy on the rows trained on. They share nothing, so that each pays for itself.
"""
