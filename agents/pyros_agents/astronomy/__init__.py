"""The sky over the observatory: its clock, places, angles and nights; works offline."""
