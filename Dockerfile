# Not built here: no docker engine is at hand where this is developed.
FROM python:3.13-slim
RUN pip install --no-cache-dir uv && useradd --system --create-home taskrail
WORKDIR /app
COPY --chown=taskrail . .
RUN chown taskrail /app
USER taskrail
RUN ./taskrail --help >/dev/null
STOPSIGNAL SIGTERM
CMD ["./taskrail", "worker"]
