"""Readers of networks, one module per format; `network_sources.py` chooses among them."""
