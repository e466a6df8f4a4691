"""System checks: settings that would only be noticed when they are needed."""
