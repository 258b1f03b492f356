from tests.databases import database, runtime, signals, template
from tests.servers import servers

__all__ = ["database", "runtime", "servers", "signals", "template"]
