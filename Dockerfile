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
COPY ui ui
COPY cli cli
# A volume that is mounted here for the first time belongs to the user of the services.
RUN mkdir /output compiled && chown 1000:1000 /output compiled
USER 1000:1000
# A start that refuses its settings has compiled all that it imports, and leaves that here for every start to come, which
# then takes half of the CPU. Node keeps such a cache for each user; what a service imports later is added by name. Of
# the command line `completion` imports every command.
ENV NODE_COMPILE_CACHE=/app/compiled
RUN for name in api/main keeper/main job/main job/setup workflow/main ingest/main; do \
    PORT=none node services/$name.ts 2>/dev/null || [ $? = 2 ] || exit 1; \
  done && node cli/main.ts completion bash > /dev/null && node --input-type=module --eval " \
    for (const name of ['jobs/mongo/mongo-jobs', 'attempts/mongo-attempts', 'requests/mongo-requests']) \
      await import('./shared/stores/' + name + '.ts'); \
    await import('undici')"
STOPSIGNAL SIGTERM
ENTRYPOINT ["node"]
CMD ["services/api/main.ts"]
