"""Sets written for other programs: MATLAB, Sionna, numpy; and read back."""
