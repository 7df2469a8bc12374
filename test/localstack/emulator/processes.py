"""Lambda: each execution environment is a Node process that runs `runtime/main.ts`."""

import os
import subprocess
from pathlib import Path

from localstack import config
from localstack.services.lambda_ import runtimes
from localstack.services.lambda_.invocation.executor_endpoint import ExecutorEndpoint
from localstack.services.lambda_.invocation.plugins import DockerRuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

NODE = os.environ["HUBLEASE_TEST_NODE"]
MAIN = Path(__file__).parent.parent / "runtime" / "main.ts"
# What each process needs besides its function's own environment.
PASSED_VARIABLES = ["HUBLEASE_TEST_CLOCK", "HUBLEASE_TEST_HOSTS", "NODE_EXTRA_CA_CERTS", "PATH", "TMPDIR"]
# This LocalStack knows nodejs22.x at most.
NODE_24 = "nodejs24.x"


class ProcessExecutor(RuntimeExecutor):
    """Starts one process, sends it one invocation at a time, and ends it."""

    def __init__(self, id, function_version):
        super().__init__(id, function_version)
        self.endpoint = ExecutorEndpoint(id, container_address="127.0.0.1")
        self.process = None

    def start(self, env_vars):
        self.endpoint.start()
        passed = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
        code = self.function_version.config.code.get_unzipped_code_location()
        environment = {**env_vars, **passed, "LAMBDA_TASK_ROOT": code}
        self.process = subprocess.Popen(
            [NODE, str(MAIN)],
            env={name: str(value) for name, value in environment.items()},
            # It ends when its standard input does, so it cannot outlive this process.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        port = self.process.stdout.readline()
        if port == "":
            raise RuntimeError(f"the process of {self.function_version.id.function_name} ended when it started")
        self.endpoint.container_port = int(port)
        self.endpoint.wait_for_startup()

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
        self.endpoint.shutdown()

    def get_address(self):
        return "127.0.0.1"

    def get_endpoint_from_executor(self):
        return "127.0.0.1"

    def get_runtime_endpoint(self):
        return f"http://127.0.0.1:{config.GATEWAY_LISTEN[0].port}{self.endpoint.get_endpoint_prefix()}"

    def invoke(self, payload):
        return self.endpoint.invoke(payload)

    def get_logs(self):
        # Each invocation hands over its own.
        return ""

    @classmethod
    def prepare_version(cls, function_version):
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version):
        pass


DockerRuntimeExecutorPlugin.load = lambda self: ProcessExecutor
runtimes.ALL_RUNTIMES.append(NODE_24)
