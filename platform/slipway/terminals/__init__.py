"""The terminal WebSocket."""
