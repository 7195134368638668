"""Simulated field devices that publish the project's topics over MQTT."""
