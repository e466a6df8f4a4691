"""What developers and tests start on their own machine; nothing here is deployed."""
