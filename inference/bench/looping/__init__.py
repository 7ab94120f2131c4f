"""The parts of ``springhare bench loop``: ways, processes, figures."""
