"""What the model computes: payloads and tasks, never how."""
