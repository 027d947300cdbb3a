"""Emulators of AWS with CloudFormation: moto, and MiniStack, which checks signatures and policies too."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
from botocore.config import Config

from deployment import REGION
from processes import REPOSITORY, wait_until


def tool(name):
    """A program with an environment of its own, since what it needs does not go together with the other things here."""
    path = Path(sys.prefix) / "tools" / name / "bin" / name
    assert path.is_file(), f"{path} is missing: `make install`"
    return str(path)


class Emulator:
    """A running emulator, asked by the aws CLI and by boto3 as the owner of the account."""

    def __init__(self, name, endpoint, account, certificates=None):
        self.name, self.endpoint, self.account, self.certificates = name, endpoint, account, certificates
        # Python, the CLI and our own programs learn of the certificate from variables of their own.
        trust = {"AWS_CA_BUNDLE": certificates, "SSL_CERT_FILE": certificates} if certificates else {}
        self.environment = {
            "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": endpoint, "AWS_PAGER": "",
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", **trust,
        }  # fmt: skip
        # Of SQS, version 1 of the CLI goes past AWS_ENDPOINT_URL.
        self._bin = tempfile.TemporaryDirectory()
        wrapper = Path(self._bin.name, "aws")
        cli = Path(sys.executable).with_name("aws")
        wrapper.write_text(f'#!/bin/sh\nexec {cli} --endpoint-url {endpoint} "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)
        path = os.pathsep.join([self._bin.name, str(Path(sys.executable).parent), os.environ["PATH"]])
        self.shell = {"PATH": path, "HOME": os.environ["HOME"], **self.environment}

    def run(self, *command, check=True, **options):
        """Runs a command with the emulator in place of AWS; returns what it printed."""
        program = shutil.which(command[0], path=self.shell["PATH"])
        ended = subprocess.run(
            [program, *map(str, command[1:])], env=self.shell, cwd=REPOSITORY,
            capture_output=True, text=True, timeout=150, check=False, **options,
        )  # fmt: skip
        assert not check or ended.returncode == 0, f"{command}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout if check else ended

    def aws(self, *arguments):
        """Runs the aws CLI; returns what it said, as JSON if it is."""
        out = self.run("aws", *arguments, "--output", "json")
        try:
            return json.loads(out)
        except ValueError:
            return out

    def environment_of(self, _role):
        return self.environment

    def client(self, service, **credentials):
        return boto3.client(
            service, region_name=REGION, endpoint_url=self.endpoint, verify=self.certificates or True,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
            **(credentials or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}),
        )  # fmt: skip

    def as_role(self, role):
        """The credentials that an instance with this role would be given."""
        answer = self.client("sts").assume_role(RoleArn=role, RoleSessionName="instance")["Credentials"]
        return {
            "aws_access_key_id": answer["AccessKeyId"],
            "aws_secret_access_key": answer["SecretAccessKey"],
            "aws_session_token": answer["SessionToken"],
        }

    def resources(self, stack):
        """What CloudFormation says it has made: the physical id and the type of each resource, by logical id."""
        listed = self.aws("cloudformation", "list-stack-resources", "--stack-name", stack)["StackResourceSummaries"]
        # moto lists what it has skipped, without a name.
        named = [resource for resource in listed if "PhysicalResourceId" in resource]
        return {r["LogicalResourceId"]: (r["PhysicalResourceId"], r["ResourceType"]) for r in named}


def start_moto_with_cloudformation(start_moto, processes):
    return Emulator("moto", start_moto(processes).aws.endpoint, "123456789012")


def start_ministack(processes, folder):
    """Starts MiniStack with TLS, so that policies which deny what comes without it let our programs through."""
    certificate, key = certify(folder)
    port = free_port()
    environment = {
        "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "localhost", "TMPDIR": str(folder),
        "AUTH": "true", "USE_SSL": "1", "MINISTACK_SSL_CERT": certificate, "MINISTACK_SSL_KEY": key, "PATH": os.environ["PATH"],
    }  # fmt: skip
    processes.start([tool("ministack")], environment)
    wait_until(lambda: answers(port), "MiniStack answers")
    return Emulator("ministack", f"https://localhost:{port}", "000000000000", str(folder / "ca.pem"))


def certify(folder):
    """Makes a certificate for `localhost` and a certificate authority `ca.pem`; returns the files of certificate and key."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=30)

    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *ec, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    openssl("req", *ec, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost", "-addext", names)
    signed_by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-copy_extensions", "copy"]
    openssl("x509", "-req", "-in", "server.csr", *signed_by, "-out", "server.pem")
    return str(folder / "server.pem"), str(folder / "server.key")


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
