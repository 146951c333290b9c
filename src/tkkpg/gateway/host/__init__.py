"""The port to the authorisation host, and what stands behind it."""
