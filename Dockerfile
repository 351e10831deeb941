# One image for all services and the command line: the command chooses (`services/<name>/main.ts`,
# `services/job/setup.ts`, `cli/main.ts`).
# TypeScript runs without a build step: packages, then sources.
FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# The optional packages are Node itself, for machines without it.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-fund --no-audit --no-update-notifier \
  # Files that no process reads: other packages' types, maps and documents.
  && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' -o -iname '*.md' \) -delete

FROM node:24-slim
LABEL org.opencontainers.image.title="Hasty" \
  org.opencontainers.image.description="A job service over plain HTTP that never loses a job" \
  org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production HOST=0.0.0.0
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json ./
COPY shared shared
COPY services services
COPY client client
COPY cli cli
# A volume that is mounted here for the first time belongs to the user of the services.
RUN mkdir /output && chown 1000:1000 /output
USER 1000:1000
STOPSIGNAL SIGTERM
ENTRYPOINT ["node"]
CMD ["services/api/main.ts"]
