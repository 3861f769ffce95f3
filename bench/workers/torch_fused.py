"""PyTorch, eager, with its fused optimizers (fused=True): its fastest without a compiler."""

import torch_eager
from common import serve

if __name__ == "__main__":
    torch_eager.FUSED = True
    serve(torch_eager.load, torch_eager.make)
