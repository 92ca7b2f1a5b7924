"""Serves one MLflow model as SageMaker's container contract asks: `/ping` and `/invocations`."""
