"""Signs MLflow's requests for an Amazon API Gateway whose routes ask for ``AWS_IAM``."""

from mlops_sigv4.auth import SigV4Auth, SigV4AuthProvider, SigningError

__all__ = ["SigV4Auth", "SigV4AuthProvider", "SigningError"]
