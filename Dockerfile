# The sandbox and its console, without a checkout and without an account: see docs/console.md#in-a-container
FROM node:24-slim AS package
WORKDIR /src
COPY . .
RUN npm run pack -- --no-install

FROM node:24-slim
WORKDIR /app
COPY --from=package /src/dist.npm/cloud-automation-webhooks-*.tgz /tmp/package.tgz
RUN npm install --omit=dev --no-audit --no-fund /tmp/package.tgz && rm /tmp/package.tgz \
  && mkdir /state && chown node:node /state
COPY infra/tools/container/serve.mjs ./
USER node
ENV WEBHOOKS_STATE=/state
VOLUME /state
EXPOSE 8788
CMD ["node", "serve.mjs"]
