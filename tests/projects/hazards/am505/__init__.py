PHASES = True
