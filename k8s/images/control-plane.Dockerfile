# The control plane. From the repository's root:
#   docker build -f k8s/images/control-plane.Dockerfile --build-arg NODE_IMAGE=node@sha256:… -t REGISTRY/dss-control-plane .
# NODE_IMAGE: a Debian with Node 22.12 or newer, by digest. None is given here, as a digest ages and a tag is no pin.
ARG NODE_IMAGE

FROM ${NODE_IMAGE} AS build
# better-sqlite3 compiles itself where its ready-made binary cannot be fetched.
RUN apt-get update \
  && apt-get install -y --no-install-recommends g++ make python3 \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/dss
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY proto proto
COPY orchestrator orchestrator
COPY web web
COPY scripts scripts
RUN npm run build && node scripts/build-web.mjs && npm prune --omit=dev

FROM ${NODE_IMAGE}
ENV NODE_ENV=production DSS_HOME=/var/lib/dss
WORKDIR /opt/dss
COPY --from=build /opt/dss/package.json ./
COPY --from=build /opt/dss/node_modules node_modules
COPY --from=build /opt/dss/dist dist
COPY proto proto
COPY datasets datasets
COPY sweeps sweeps
RUN ln -s /opt/dss/dist/orchestrator/cli/main.js /usr/local/bin/dss \
  && chmod 755 dist/orchestrator/cli/main.js \
  && install -d -o 10001 -g 10001 /var/lib/dss
# A number: `runAsNonRoot` cannot look up a name.
USER 10001:10001
VOLUME /var/lib/dss
EXPOSE 7333 7334 7335
ENTRYPOINT ["dss"]
CMD ["serve", "--listen", "0.0.0.0:7333"]
