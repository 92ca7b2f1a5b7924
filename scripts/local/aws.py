"""Stand-ins for S3 and Secrets Manager."""

import json
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.processes import HOST, Service, accepts_connections, free_port, wait_until

REGION = "us-east-1"
BUCKET = "artifacts"
# The stand-ins check no signature.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
MOTO = (
    Path(__file__).resolve().parents[2] / ".venv" / "services" / "clients" / "bin" / "moto_server"
)


class Aws:
    """
    moto, which keeps its objects in memory, and nginx before it as S3: nginx can go down and come
    back without a loss, and logs who moved how many bytes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets_port = free_port()
        self.s3_port = free_port()
        self._moto: Service | None = None
        self._s3: Service | None = None
        folder.mkdir()
        (folder / "s3.conf").write_text(
            f"""daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
  log_format json escape=json
    '{{"method":"$request_method","uri":"$request_uri","status":$status,'
    '"bytes_in":$request_length,"bytes_out":$bytes_sent,"agent":"$http_user_agent"}}';
  access_log {folder}/s3.log json;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 0;
  server {{
    listen {HOST}:{self.s3_port};
    location / {{
      proxy_pass http://{HOST}:{self.secrets_port};
      proxy_set_header Host $http_host;
      proxy_http_version 1.1;
    }}
  }}
}}
"""
        )

    @property
    def s3_url(self) -> str:
        return f"http://{HOST}:{self.s3_port}"

    @property
    def secrets_url(self) -> str:
        return f"http://{HOST}:{self.secrets_port}"

    def start(self) -> None:
        self._moto = Service(
            [MOTO, "-H", HOST, "-p", str(self.secrets_port)],
            CREDENTIALS,
            self.folder / "moto.log",
        )
        wait_until(lambda: accepts_connections(self.secrets_port), "the start of moto")
        self.start_s3()
        self.client("s3").create_bucket(Bucket=BUCKET)

    def start_s3(self) -> None:
        self._s3 = Service(
            ["nginx", "-p", self.folder, "-c", self.folder / "s3.conf", "-e", "stderr"],
            {},
            self.folder / "nginx.log",
        )
        wait_until(lambda: accepts_connections(self.s3_port), "the start of S3")

    def stop_s3(self) -> None:
        if self._s3:
            self._s3.stop()

    def stop(self) -> None:
        self.stop_s3()
        if self._moto:
            self._moto.stop()

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.s3_url if service == "s3" else self.secrets_url,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(s3={"addressing_style": "path"}),
        )

    def create_secret(self, name: str, value: dict[str, str]) -> str:
        """The ARN."""
        answer = self.client("secretsmanager").create_secret(
            Name=name, SecretString=json.dumps(value)
        )
        return answer["ARN"]

    def set_secret(self, arn: str, value: dict[str, str]) -> None:
        self.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=json.dumps(value))

    def s3_log(self) -> list[dict[str, Any]]:
        text = (self.folder / "s3.log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]
