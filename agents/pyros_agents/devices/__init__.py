"""What the agents drive: an interface for each device, and its simulator."""
