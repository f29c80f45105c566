# A worker. From the repository's root:
#   docker build -f k8s/images/worker.Dockerfile --build-arg PYTHON_IMAGE=python@sha256:… -t REGISTRY/dss-worker .
# PYTHON_IMAGE: a Debian with Python 3.11 or newer as `python`, by digest. What it needs of CUDA comes with torch; the
# driver is the node's.
# VARIANT=cuda (default): everything as worker-python/requirements.lock has it. VARIANT=cpu: the same but for torch, of
# the same version, from TORCH_INDEX, an index of CPU wheels; TORCH_SHA256 is the hash of its wheel.
ARG PYTHON_IMAGE

FROM ${PYTHON_IMAGE} AS build
ARG VARIANT=cuda
ARG TORCH_INDEX=
ARG TORCH_SHA256=
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY worker-python/requirements.lock k8s/images/without_cuda.py /build/
RUN set -eu; cd /build; \
  case "$VARIANT" in \
    cuda) pip install --require-hashes --no-deps -r requirements.lock ;; \
    cpu) \
      : "${TORCH_INDEX:?VARIANT=cpu needs TORCH_INDEX}" "${TORCH_SHA256:?VARIANT=cpu needs TORCH_SHA256}"; \
      python without_cuda.py requirements.lock "$TORCH_SHA256"; \
      pip install --require-hashes --no-deps -r others.lock; \
      pip install --require-hashes --no-deps --index-url "$TORCH_INDEX" -r torch.lock ;; \
    *) echo "VARIANT is $VARIANT, expected cuda or cpu" >&2; exit 2 ;; \
  esac; \
  python -c 'import torch, transformers'

FROM ${PYTHON_IMAGE}
# Python is where it was when the environment was made: a venv points to it.
COPY --from=build /opt/venv /opt/venv
COPY worker-python/dss_worker /opt/dss/worker-python/dss_worker
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/dss/worker-python PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["python", "-P", "-m", "dss_worker"]
