"""Session Manager: sessions, the data channel, and the agent's side of it."""
