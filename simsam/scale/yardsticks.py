"""What the released code does, as yardsticks for speed: its training loop and its eigensolve.

Both are written anew from their description, run as they are written, and nothing but `simsam benchmark`,
chapter 10 and the tests calls them.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse.linalg import eigsh
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset


def released_loop(tokens: Tensor, steps: int) -> None:
    """`steps` steps of the released training, written anew from its description, its gradients on.

    Two tokens a step from each of two independently shuffled loaders; Linear + ELU, then Linear; SGD.
    """
    torch.manual_seed(0)
    d = tokens.shape[1]
    psi = torch.nn.Sequential(torch.nn.Linear(d, d), torch.nn.ELU()).to(tokens.device)
    pi = torch.nn.Linear(d, d).to(tokens.device)
    optimiser = torch.optim.SGD([*psi.parameters(), *pi.parameters()], lr=0.06)
    loaders = [DataLoader(TensorDataset(tokens.cpu()), batch_size=2, shuffle=True) for _ in range(2)]
    done = 0
    with torch.enable_grad():
        while True:
            for (alpha,), (beta,) in zip(*loaders):
                if done == steps:
                    return
                z1, z2 = psi(alpha.to(tokens.device)), psi(beta.to(tokens.device))
                p1, p2 = pi(z1), pi(z2)
                cosines = F.cosine_similarity(p1, z2.detach()) + F.cosine_similarity(p2, z1.detach())
                loss = -cosines.mean() / 2
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                done += 1


def released_eigensolve(W: np.ndarray, k: int = 15) -> tuple[np.ndarray, np.ndarray]:
    """The smallest pairs of (D - W) y = lambda D y by shift-invert at 0, W (n, n) float64, in one scipy call.

    L itself is singular, so the shift lies a hair below 0.
    """
    D = np.diag(W.sum(1))
    return eigsh(D - W, k=k, sigma=-1e-8, which="LM", M=D)
