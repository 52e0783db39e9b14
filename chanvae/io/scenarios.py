"""What can be simulated, as 3GPP writes it; imports nothing, so that help stays quick."""

CELLS = ("UMi", "UMa", "RMa")
"""Outdoor cells of TR 38.901, clause 7.2: one sector, users outdoors or in houses."""
OFFICES = ("InH", "InH-mixed")
"""Indoor offices of TR 38.901: open (the first) and mixed."""
FACTORIES = ("InF-SL", "InF-DL", "InF-SH", "InF-DH", "InF-HH")
"""Indoor factories of TR 38.901: sparse or dense clutter, low or high base stations."""
SYSTEMS = CELLS + OFFICES + FACTORIES
"""Scenarios with a geometry and large-scale parameters drawn for each link."""

CDL = tuple(f"CDL-{letter}" for letter in "ABCDE")
"""Clustered delay lines of TR 38.901, clause 7.7.1."""
TDL = tuple(f"TDL-{letter}" for letter in "ABCDE")
"""Tapped delay lines of TR 38.901, clause 7.7.2."""
FIXED = ("TDLA10", "TDLA30", "TDLB100", "TDLC60", "TDLC300", "TDLD10", "TDLD30")
"""Tapped delay lines of TS 38.101-4, Annex B.2.1, whose delays are fixed."""
LINES = CDL + TDL + FIXED

SCENARIOS = SYSTEMS + LINES
"""Every stochastic model of Sionna 2.2."""

CITIES = ("etoile", "florence", "munich", "san_francisco", "simple_street_canyon",
          "simple_street_canyon_with_cars")  # fmt: skip
"""Built-in scenes of Sionna's ray tracer in which people would measure."""
TRACED = tuple(f"rt:{name}" for name in CITIES)
ALL = SCENARIOS + TRACED
