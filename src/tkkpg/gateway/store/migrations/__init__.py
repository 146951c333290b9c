"""Forward-only migrations, numbered."""
