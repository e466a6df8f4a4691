"""No model: what the releases have is in their migrations."""
