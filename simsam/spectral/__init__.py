"""Chapter 4. The eigenvectors of a graph, and the one place that decides their signs.

`laplacian` turns a graph into an eigenproblem and fixes signs and degenerate pairs; `solvers` solves it
(dense, Lanczos, block Krylov) and may be skipped by who trusts a solver.
"""

from simsam.spectral import solvers
from simsam.spectral.laplacian import LAPLACIANS, SOLVERS, Spectrum, canonical, eigenpairs, symmetric_problem
