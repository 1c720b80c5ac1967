"""Run Command: what the service keeps of a command, and what the agent does with it."""
