"""Inspection: what an export holds, and the profile to start with."""
