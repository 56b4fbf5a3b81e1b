"""The throughput benchmark: each case on each device and backend, measured alone on the machine."""
