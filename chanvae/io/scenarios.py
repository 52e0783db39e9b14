"""The 3GPP scenarios that can be simulated; imports nothing, so that help stays quick."""

SCENARIOS = ("UMi", "UMa", "RMa")
