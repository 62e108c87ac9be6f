"""Where programs run. `base` is the one seam; `inline` runs in this process (tests), `local` in sandboxed children."""
