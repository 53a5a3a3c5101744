# Errand in an image: no root, nothing written but to /data and /tmp, no secret inside. docs/deploy.md tells how to run it.
# A tag moves. Where it must not, write the digest behind both FROM lines: python:3.11-slim-bookworm@sha256:...
FROM python:3.11-slim-bookworm AS builder

# Which extras are in it: `make lock` made this one; `uv pip compile --generate-hashes` makes yours.
ARG LOCK=requirements/container.txt

WORKDIR /build
COPY requirements/build.txt build.txt
RUN python -m venv tools \
    && tools/bin/pip install --no-cache-dir --require-hashes -r build.txt
COPY ${LOCK} lock.txt
RUN python -m venv --without-pip /opt/errand \
    && tools/bin/pip --python /opt/errand/bin/python install --no-cache-dir --require-hashes -r lock.txt
COPY . source
RUN tools/bin/python -m pip wheel --no-deps --no-build-isolation --no-index -w wheels ./source \
    && tools/bin/pip --python /opt/errand/bin/python install --no-cache-dir --no-deps --no-index wheels/*.whl


FROM python:3.11-slim-bookworm

LABEL org.opencontainers.image.title="Errand" \
      org.opencontainers.image.description="A self-hosted assistant for your chats" \
      org.opencontainers.image.licenses="MIT"

COPY --from=builder /opt/errand /opt/errand
RUN install --directory --owner=10001 --group=10001 --mode=0700 /data

# USER: who has no name in /etc/passwd, as with a uid that the cluster chose, needs one all the same.
ENV PATH=/opt/errand/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    USER=errand \
    ERRAND_DATABASE=/data/errand.db \
    ERRAND_WEB_PORT=8700

WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 8700
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["errand", "health"]
ENTRYPOINT ["errand"]
CMD ["serve"]
