# An image for the command: Node, the bundle and its licences, without npm and without a shell. If your images are
# reviewed, pin both base images by digest: --build-arg RUN_IMAGE=gcr.io/distroless/nodejs24-debian13@sha256:…
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
# This package.json declares that the bundle consists of ES modules.
COPY --from=build /build/package.json /build/LICENSE /app/
COPY --from=build /build/dist /app/dist
# Without NODE_OPTIONS, V8 peaks at twice the memory; see docs/figures.md.
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=1
# A numeric user id, because Kubernetes cannot check whether a user name is root.
USER 65532:65532
# A single process, so that it gets the signals: bin/jobsweep.js might start a second one.
ENTRYPOINT ["/nodejs/bin/node", "/app/dist/jobsweep.js"]
