"""What an operator looks at: the pages that browsers get where everybody else gets JSON."""
