"""PyTorch: eager, an index of shuffled rows."""

import sys

import numpy as np
import torch

with np.load(sys.argv[1]) as digits:
    X, y = torch.from_numpy(digits["X"]), torch.from_numpy(digits["y"]).long()
model = torch.nn.Sequential(torch.nn.Linear(64, 100), torch.nn.ReLU(), torch.nn.Linear(100, 10))
criterion = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for _ in range(20):
    for rows in torch.randperm(len(X)).split(200):
        optimizer.zero_grad()
        criterion(model(X[rows]), y[rows]).backward()
        optimizer.step()
torch.save(model.state_dict(), sys.argv[2])
with torch.no_grad():
    print((model(X).argmax(1) == y).float().mean().item())
