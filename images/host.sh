# What the host says about its network: index addresses and proxies (secret `host`), trusted certificates (secret `ca`).
# Sourced by every step that fetches; neither is part of a layer or of a layer's cache key.
if [ -r /run/secrets/host ]; then . /run/secrets/host; fi
if [ -r /run/secrets/ca ]; then
    export SSL_CERT_FILE=/run/secrets/ca PIP_CERT=/run/secrets/ca REQUESTS_CA_BUNDLE=/run/secrets/ca
fi
export UV_CACHE_DIR=/var/cache/uv UV_NO_CONFIG=1 UV_PYTHON=/opt/venv/bin/python UV_PYTHON_DOWNLOADS=never
export UV_NO_PROGRESS=1 NO_COLOR=1
