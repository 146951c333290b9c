"""The commands of `tkkpg`, one file each; what several of them need is in `tkkpg.cli` itself."""
