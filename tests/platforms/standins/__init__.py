"""Stand-ins for the authorities' platforms, written from their texts."""
