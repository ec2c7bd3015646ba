# syntax=docker/dockerfile:1
# Build: docker build -t flowkeep . Run: docker run --env-file flowkeep.env -p 8787:8787 flowkeep
# Other commands: docker run --env-file flowkeep.env flowkeep migrate

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/client/package.json packages/client/
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build:image

# No shell and no package manager. `serve` needs no write access to the file system.
FROM gcr.io/distroless/nodejs24-debian12:nonroot
WORKDIR /app
COPY --from=build /app/dist/image ./
ENV NODE_ENV=production PORT=8787
USER nonroot
EXPOSE 8787
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["/nodejs/bin/node", "node/flowkeep.js", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/nodejs/bin/node", "node/flowkeep.js"]
CMD ["serve"]
