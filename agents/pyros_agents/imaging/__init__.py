"""From photons to files: detectors, star fields, frames, headers, FITS."""
