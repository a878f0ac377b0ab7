"""Everything that speaks to the field: telemetry in [1], requests out [6]. Knows only itself."""
