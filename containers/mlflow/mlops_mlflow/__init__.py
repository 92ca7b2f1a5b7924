"""Starts MLflow on Aurora MySQL and S3: schema migration, server and health check."""
