"""The tracking server as plain processes, for a first look, the service tests and the benchmark."""
