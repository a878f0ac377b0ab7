"""Asking people instead of devices: who may be asked, what they answer and are told."""
