"""The HTTP face of the daemon: JSON views, a live stream, operator actions, health and metrics.

Shows what `controller.views.LiveViews` holds and decides nothing. It knows no driver and no solver.
"""
