# The same steps as `make setup`, in two stages: what builds stays behind.
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
COPY requirements/run.lock requirements/postgres.lock requirements/
RUN python3 -m venv .venv \
    && .venv/bin/python -m pip --disable-pip-version-check --quiet install --no-cache-dir --no-compile \
        --require-hashes -r requirements/run.lock
# EXTRAS=postgres: with what a store in PostgreSQL needs
ARG EXTRAS=
RUN if [ "$EXTRAS" = postgres ]; then \
        .venv/bin/python -m pip --disable-pip-version-check --quiet install --no-cache-dir --no-compile \
            --require-hashes -r requirements/postgres.lock; fi
COPY pyproject.toml README.md LICENSE ./
COPY gridward gridward
COPY controller controller
COPY devices devices
COPY grid_model grid_model
COPY customers customers
COPY simulations simulations
COPY console console
RUN .venv/bin/python -m pip --disable-pip-version-check --quiet install --no-cache-dir --no-compile \
        --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/gridward --create-home gridward
WORKDIR /var/lib/gridward
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1
USER 10001
EXPOSE 8080
VOLUME ["/var/lib/gridward"]
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["gridward", "doctor", "--health", "http://127.0.0.1:8080/health"]
ENTRYPOINT ["gridward"]
CMD ["run", "/etc/gridward/site.toml"]
