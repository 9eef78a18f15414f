"""Where logs come from and go to: tables, XES, their dates and columns; `read` is the door."""
