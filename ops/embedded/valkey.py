"""An embedded Valkey: on a unix socket only, its log flushed every second."""

import signal
import socket
import subprocess
from pathlib import Path

from ops.embedded.account import Account
from ops.embedded.binaries import valkey_program
from ops.embedded.child import start, stop, wait_until

SOCKET = "valkey.sock"
ANSWER_SECONDS = 1.0


class Valkey:
    """One server on one data folder. Start and stop it from one thread."""

    def __init__(self, folder: Path, run_dir: Path, account: Account) -> None:
        self._data = folder / "valkey"
        self._log = folder / "valkey.log"
        self._socket = run_dir / SOCKET
        self._account = account
        self._program = valkey_program(account)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """The server answers."""
        self._account.make_folder(self._data)
        command = [
            self._program,
            *("--port", "0", "--unixsocket", self._socket, "--unixsocketperm", "700"),
            *("--dir", self._data, "--appendonly", "yes", "--appendfsync", "everysec"),
            *("--save", "", "--maxmemory-policy", "noeviction", "--daemonize", "no"),
        ]
        self.process = start(command, self._account, self._log, signal.SIGTERM)
        wait_until(self._is_ready, self.process, "Valkey", self._log)

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process, signal.SIGTERM)

    def _is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_SECONDS)
            try:
                connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(5) == b"+PONG"
            except OSError:
                return False
