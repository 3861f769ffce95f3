"""clearprop: neural networks that train at the speed of compiled code and show their work."""
