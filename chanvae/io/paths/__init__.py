"""Lists of propagation paths, and received pilots, as channels on a frequency grid."""
