# The worker, as the npm package has it: JavaScript that was built of the sources, and nothing that only development needs.

FROM node:24.11.1-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund && npm cache clean --force
COPY . .
RUN npm run build

FROM node:24.11.1-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional packages stay: with the native checksum among them Kafka's batches are checked three times as fast.
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force

FROM node:24.11.1-bookworm-slim
LABEL org.opencontainers.image.title="Tripline" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
    TRIPLINE_DATA_DIR=/var/lib/tripline \
    TRIPLINE_HTTP_HOST=0.0.0.0 \
    TRIPLINE_HTTP_PORT=8080
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE NOTICE CHANGELOG.md ./
COPY bin ./bin
COPY schemas/*.schema.json ./schemas/
COPY examples ./examples
COPY --from=build /app/dist ./dist
# State only: on Kafka all of it can be rebuilt, and a volume that is kept makes starts fast.
RUN mkdir -p /var/lib/tripline && chown node:node /var/lib/tripline
VOLUME /var/lib/tripline
USER node
EXPOSE 8080
# Live is not ready: while a broker is away the worker lives and waits, and must not be killed for it.
HEALTHCHECK --interval=10s --timeout=5s --retries=6 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TRIPLINE_HTTP_PORT}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
# The launcher replaces itself by Node (exec), which so is process 1 and gets the signal.
ENTRYPOINT ["/app/bin/tripline"]
CMD ["run", "-c", "/etc/tripline/tripline.yaml"]
