"""Real servers without an installation: PostgreSQL and Valkey from wheels, on unix sockets."""
