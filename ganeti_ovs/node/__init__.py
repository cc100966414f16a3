"""Services of one node: its ports, its vSwitches, the agent that node-apply runs."""
