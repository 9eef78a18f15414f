"""Named changes of a model."""
