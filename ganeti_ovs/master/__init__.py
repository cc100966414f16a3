"""Services of the master: what is desired, transport, journal, rollout, convergence."""
