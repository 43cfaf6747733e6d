# Swarm Atlas in a container: docker build -t swarm-atlas . && docker run -p 127.0.0.1:8050:8050 swarm-atlas
FROM python:3.11-slim-bookworm

RUN apt-get update \
 && apt-get install -y --no-install-recommends chromium chromium-driver \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /srv/swarm-atlas
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .

# The browser has no sandbox of its own inside a container, and the page needs no root.
RUN useradd --create-home atlas && chown -R atlas .
USER atlas
ENV SWARM_ATLAS_SELENIUM_IN_DOCKER=1
EXPOSE 8050
VOLUME ["/srv/swarm-atlas/runs", "/srv/swarm-atlas/bulkTorrents", "/srv/swarm-atlas/json"]
CMD ["python", "main.py", "--host", "0.0.0.0", "--no-browser"]
