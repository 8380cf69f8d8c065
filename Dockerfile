# The command in an image of its own: Node, the bundle and its licences, without npm and without a shell.
# Pin both images by digest where images are reviewed: --build-arg RUN_IMAGE=gcr.io/distroless/nodejs24-debian13@sha256:…
ARG BUILD_IMAGE=node:24-trixie-slim
ARG RUN_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit
COPY . .
RUN npm run build && rm -rf dist/types

FROM ${RUN_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="jobsweep" \
      org.opencontainers.image.source="https://github.com/jobsweep/jobsweep" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Says that the bundle consists of ES modules.
COPY --from=build /build/package.json /build/LICENSE /app/
COPY --from=build /build/dist /app/dist
# docs/figures.md: without the second, V8 peaks at twice the memory.
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=1
# By number, since Kubernetes cannot check for a name that it is not root.
USER 65532:65532
# One process, which gets the signals: bin/jobsweep.js may start a second one.
ENTRYPOINT ["/nodejs/bin/node", "/app/dist/jobsweep.js"]
